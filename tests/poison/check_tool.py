#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the faulty program under a tool, and checks what the tool says of each fault."""

import argparse
import os
import re
import subprocess
import sys

# What a report must say, by tool; and always the function that commits the fault.
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
}
NONE = "none"


def run(tool, program, fault):
    """Returns the exit status and all output."""
    command = [program, fault]
    if tool == "valgrind":
        command = ["valgrind", "--error-exitcode=9", "--leak-check=no", *command]
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
        if (found := problem(arguments.tool, arguments.program, fault))
    ]
    print("\n".join(problems), end="")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
