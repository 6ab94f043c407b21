#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds that the drop-in replaces the whole family: a function left to glibc would serve from
another heap.

The wanted functions are listed, and whatever this machine's libc.so.6 and libstdc++.so.6 export of
that kind is wanted besides, so that a newer libc's additions are noticed.
"""

import argparse
import ctypes
import os
import re
import subprocess
import sys

MALLOC_FAMILY = """
malloc calloc realloc reallocarray free aligned_alloc memalign posix_memalign valloc pvalloc
malloc_usable_size malloc_trim malloc_stats malloc_info mallinfo mallinfo2 mallopt free_sized
free_aligned_sized
__libc_malloc __libc_calloc __libc_realloc __libc_free __libc_memalign __libc_valloc __libc_pvalloc
__libc_mallinfo __libc_mallopt
""".split()

# operator new, new[], delete, delete[]: plain, nothrow, aligned, sized, and what of these goes
# together.
NEW = [
    f"_Z{n}m{a}{t}"
    for n in ("nw", "na")
    for a in ("", "St11align_val_t")
    for t in ("", "RKSt9nothrow_t")
]
DELETE = [
    f"_Z{d}Pv{rest}"
    for d in ("dl", "da")
    for rest in (
        "",
        "m",
        "St11align_val_t",
        "mSt11align_val_t",
        "RKSt9nothrow_t",
        "St11align_val_tRKSt9nothrow_t",
    )
]

# What else may be exported: the old name of free, the way out that runs no destructors, the function
# that keeps our fork handlers in front, those that hide the handlers of termination, the check of all blocks at the debug level, and what a copy
# of libashlar in the same program shares with us; the C interface to captures.
ALLOWED = {
    "cfree",
    "_exit",
    "_Exit",
    "__register_atfork",
    "sigaction",
    "signal",
    "ashlar_check_blocks",
    "ashlar_mark_time",
    "ashlar_next_frame",
    "ashlar_write_capture",
    "ashlar_thread_v1",
    "ashlar_tracker_v1",
    "ashlar_line_listener_v1",
    "ashlar_watch_v1",
}

# What of the system's exports belongs to the family. `cfree` is only there for programs linked
# before 2017.
FAMILY = re.compile(
    r"(__libc_)?(m|c|re|v|pv|aligned_|posix_mem|mem)?(alloc|align)"
    r"|reallocarray|free(_sized|_aligned_sized)?|__libc_free"
    r"|(__libc_)?mall(oc_\w+|info2?|opt)|_Z(nw|na|dl|da)\w+"
)


def exports(nm, path, *options):
    """Returns the names of the functions that a library defines, without versions."""
    listing = subprocess.run(
        [nm, *options, "--defined-only", path], check=True, capture_output=True, text=True
    ).stdout
    fields = (line.split() for line in listing.splitlines())
    return {field[2].split("@")[0] for field in fields if len(field) == 3 and field[1] in "TW"}


def loaded_path(name):
    """Returns the path of a shared library as the loader finds it."""
    ctypes.CDLL(name)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        stem = name.split(".so")[0]
        return next(
            line.split()[-1]
            for line in maps
            if os.path.basename(line.split()[-1]).startswith(stem + ".so")
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--shared", required=True)
    parser.add_argument("--static", required=True)
    arguments = parser.parse_args()

    wanted = {*MALLOC_FAMILY, *NEW, *DELETE}
    for library in ("libc.so.6", "libstdc++.so.6"):
        wanted |= {
            n for n in exports(arguments.nm, loaded_path(library), "-D") if FAMILY.fullmatch(n)
        }
    problems = []
    for path, options in ((arguments.shared, ["-D"]), (arguments.static, [])):
        missing = wanted - exports(arguments.nm, path, *options)
        problems += [f"{path}: {name} is missing" for name in sorted(missing)]
        extra = exports(arguments.nm, path, *options) - wanted - ALLOWED
        problems += [f"{path}: {name} is exported and should not be" for name in sorted(extra)]
    print("\n".join(problems) or f"all {len(wanted)} functions are there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
