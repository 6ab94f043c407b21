#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the price of a push onto an arena: instructions from the entry to `ret` inclusively.

The path without a call is the push that the window serves. A handle whose manager is not known
costs what the arena costs.
"""

import argparse
import sys

import disassembly

LIMITS = {
    "push_known": 9,
    "push_known_erased": 9,
    "push_any": 18,
    "push_any_erased": 18,
    "make_node": 18,  # three fields are written
}


def problems_of(functions, name, limit):
    """Yields what is wrong with one function."""
    paths = disassembly.hit_paths(functions.get(name, []))
    if not paths:
        yield f"{name}: no path returns without a call"
        return
    longest = max(len(path) for path in paths)
    print(f"{name:20} {longest} instructions")
    if longest > limit:
        yield f"{name}: {longest} instructions, allowed {limit}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("program")
    arguments = parser.parse_args()
    functions = disassembly.disassemble(arguments.objdump, arguments.program)
    problems = [p for name, limit in LIMITS.items() for p in problems_of(functions, name, limit)]
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
