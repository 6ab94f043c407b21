#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the price of malloc and free of a small block on a hit, in the library as it is shipped.

For each function: as many paths without a call as there are kinds of hit, none of them with an
atomic read-modify-write, none above the limit of instructions, counted from the entry to `ret`
inclusively. An allocation has as many again for a thread that is sampled, which counts them; with
--aligned-jumps, what they branch to begins a cache line. Where the compiler folded two equal
functions, the jump from one to the other comes on top.
"""

import argparse
import sys

import disassembly

FREE_LIMIT = 20
ALLOCATE_LIMIT = 18
SAMPLED_LIMIT = 26
CACHE_LINE = 64

# How many ways of hitting: requests have two tables of sizes (up to 1 KiB, up to 32 KiB).
HITS = {
    "malloc": 2,
    "free": 1,
    "free_sized": 1,
    "free_aligned_sized": 1,
    "_Znwm": 2,  # operator new
    "_Znam": 2,
    "_ZnwmRKSt9nothrow_t": 2,
    "_ZdlPv": 1,  # operator delete
    "_ZdaPv": 1,
    "_ZdlPvm": 1,  # sized
    "_ZdaPvm": 1,
}

# Those that are counted where a thread is sampled.
COUNTED = {name for name, ways in HITS.items() if ways == 2}


def find_twin(functions, name):
    """Returns the code of the function that `name` does nothing but jump to, or None."""
    first = functions[name][0]
    if not first.is_unconditional:
        return None
    others = (code for code in functions.values() if code and code[0].address == first.target)
    return next(others, None)


def branches_into_a_line(path):
    """Yields the branches of a path that are taken to somewhere inside a cache line."""
    for step, following in zip(path, path[1:]):
        is_taken = step.is_jump and step.target == following.address
        if is_taken and not step.is_unconditional and following.address % CACHE_LINE != 0:
            yield step


def problems_of(functions, name, wanted, aligned_jumps):
    """Yields what is wrong with one function."""
    if name not in functions:
        yield f"{name}: not in the library"
        return
    twin = find_twin(functions, name)
    paths = disassembly.hit_paths(twin or functions[name])
    # Two tables may share a tail, but a hit of each must still return without a call.
    sampled = wanted if name in COUNTED else 0
    if len(paths) < wanted + sampled:
        yield f"{name}: {len(paths)} paths return without a call, expected {wanted + sampled}"
    paths.sort(key=len)
    limit = ALLOCATE_LIMIT if name in COUNTED else FREE_LIMIT
    limits = [limit] * (len(paths) - sampled) + [SAMPLED_LIMIT] * sampled
    for path, limit in zip(paths, limits):
        if len(path) > limit:
            yield f"{name}: {len(path)} instructions, allowed {limit}"
        for step in path:
            if step.is_atomic_update:
                yield f"{name}: {step.address:x}: atomic read-modify-write: {step.text}"
        for step in branches_into_a_line(path) if aligned_jumps else ():
            yield f"{name}: {step.address:x}: into the middle of a cache line: {step.text}"
    counts = ", ".join(str(len(path)) for path in paths)
    print(f"{name:24} {counts} instructions{' after a jump' if twin else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("--aligned-jumps", action="store_true")
    parser.add_argument("library")
    arguments = parser.parse_args()
    functions = disassembly.disassemble(arguments.objdump, arguments.library)
    aligned = arguments.aligned_jumps
    problems = [p for name, n in HITS.items() for p in problems_of(functions, name, n, aligned)]
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
