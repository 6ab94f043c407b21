#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the faulty program under a tool, and checks what the tool says of each fault."""

import argparse
import os
import re
import subprocess
import sys

# What a report must say, by tool; and always the function that commits the fault.
INVALID_WRITE = {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"}
INVALID_READ = {"asan": "use-after-poison", "valgrind": r"Invalid read of size 1"}
EXPECTED = {
    "arena_overrun": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "arena_popped": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "arena_chunk_cleared": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "arena_buffer_overrun": {
        "asan": "use-after-poison",
        "valgrind": r"Invalid write of size 1",
    },
    "pool_freed": {"asan": "use-after-poison", "valgrind": r"32 bytes inside a block of size 64"},
    "pool_overrun": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "fit_overrun": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "fit_freed": {"asan": "use-after-poison", "valgrind": r"0 bytes inside a block of size 64"},
    "best_fit_freed": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "tlsf_freed": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    "hybrid_freed": {"asan": "use-after-poison", "valgrind": r"Invalid write of size 1"},
    **dict.fromkeys(
        (
            "best_fit_overrun",
            "tlsf_overrun",
            "hybrid_overrun",
            "heap_small_overrun",
            "heap_medium_overrun",
            "heap_large_overrun",
            "heap_direct_overrun",
            "heap_shrunk",
            "heap_ended",
            "general_medium_overrun",
            "general_large_overrun",
        ),
        INVALID_WRITE,
    ),
    **dict.fromkeys(
        (
            "fit_shrunk",
            "heap_medium_freed",
            "heap_large_freed",
            "general_medium_freed",
            "buckets_freed",
            "cached_pool_freed",
            "thread_cached_freed",
            "thread_pools_freed",
            "thread_pools_freed_elsewhere",
            "relocatable_freed",
            "relocatable_moved",
        ),
        INVALID_READ,
    ),
    # A byte that is hidden between two that are not has no name.
    **dict.fromkeys(
        ("general_small_overrun", "buckets_overrun"),
        {"asan": "AddressSanitizer: unknown-crash", "valgrind": r"Invalid write of size 1"},
    ),
    **dict.fromkeys(
        ("heap_small_freed", "general_small_freed"),
        {"asan": "use-after-poison", "valgrind": r"0 bytes inside a block of size 64"},
    ),
    "heap_freed_elsewhere": {
        "asan": "use-after-poison",
        "valgrind": r"1 bytes inside a block of size 64 free'd",
    },
    # Its pages are gone.
    "general_large_freed": {"asan": r"SEGV on unknown address", "valgrind": "Invalid read of size 1"},
    # Memcheck watches the manager itself, which reads its node there.
    "fit_small_freed": {"asan": "use-after-poison"},
}
NONE = "none"


def run(tool, program, fault):
    """Returns the exit status and all output."""
    command = [program, fault]
    if tool == "valgrind":
        leaks = "summary" if fault == NONE else "no"
        command = ["valgrind", "--error-exitcode=9", f"--leak-check={leaks}", *command]
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=0")
    result = subprocess.run(
        command, env=environment, text=True, capture_output=True, check=False, timeout=300
    )
    return result.returncode, result.stdout + result.stderr


def problem(tool, program, fault):
    """Says what is wrong with the report of one fault, or None."""
    status, output = run(tool, program, fault)
    if fault == NONE:
        is_well = status == 0 and "nothing" in output
        return None if is_well else f"a report where there is no fault:\n{output}"
    expected = EXPECTED[fault][tool]
    function = rf"\b{fault}\b"  # the report names the place of the fault
    if status == 0:
        return f"no report\n{output}"
    for text in (expected, function):
        if not re.search(text, output):
            return f"no '{text}' in the report:\n{output}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", choices=["asan", "valgrind"])
    parser.add_argument("program")
    arguments = parser.parse_args()
    problems = [
        f"{fault}: {found}"
        for fault in [*EXPECTED, NONE]
        if arguments.tool in EXPECTED.get(fault, (arguments.tool,))
        and (found := problem(arguments.tool, arguments.program, fault))
    ]
    print("\n".join(problems), end="")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
