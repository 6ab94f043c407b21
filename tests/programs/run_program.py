#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a real program on glibc and on ashlar, and compares what it makes byte for byte."""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile

import table
from context import Context, Failed


def first_difference(a, b):
    """Returns a few words on where two results part."""
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    begin = max(0, at - 40)
    return f"at byte {at}: {a[begin:at + 40]!r} on glibc, {b[begin:at + 40]!r} on ashlar"


def compare(name, library, options, generated):
    """Returns the exit code."""
    case = table.CASES[name][1]
    with tempfile.TemporaryDirectory(prefix="ashlar-program-") as folder:
        work = os.path.join(folder, "work")
        on_glibc = case(Context(work, None), generated)
        on_ashlar = case(Context(work, library, options), generated)
    print(f"{name}: {len(on_glibc)} bytes, SHA-256 {hashlib.sha256(on_glibc).hexdigest()[:16]}")
    if not on_glibc:
        print("the program made nothing")
        return 1
    if on_glibc != on_ashlar:
        print(first_difference(on_glibc, on_ashlar))
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--list", action="store_true", help="print the cases whose programs are installed"
    )
    parser.add_argument("--library", type=os.path.realpath)
    parser.add_argument("--options", default="", help="run-time options of ashlar")
    parser.add_argument("--generated", help="folder of the generated headers")
    parser.add_argument("name", nargs="?", choices=table.CASES)
    arguments = parser.parse_args()
    if arguments.list:
        print(
            "\n".join(
                name
                for name, (needs, _) in table.CASES.items()
                if all(shutil.which(p) for p in needs)
            )
        )
        return 0
    try:
        return compare(
            arguments.name, arguments.library, arguments.options, arguments.generated
        )
    except Failed as failed:
        print(failed)
        return 1


if __name__ == "__main__":
    sys.exit(main())
