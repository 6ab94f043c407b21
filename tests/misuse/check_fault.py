#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one program of this folder on ashlar under each policy, and checks what it says and how it
ends.

    faults=abort (the default)   the one line of the table on stderr, then SIGABRT
    faults=warn                  the same line, and the program goes on: its heap is whole
    faults=ignore                no line, and the program goes on
"""

import argparse
import os
import re
import signal
import subprocess
import sys

import table

LIMIT = 60  # seconds: nothing here takes one


def run(program, library, options):
    environment = {**os.environ, "LD_PRELOAD": library, "ASHLAR_OPTIONS": options}
    return subprocess.run(
        [program], env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def line_of(kind, text, pointer):
    return rf"ashlar: {kind} of {pointer}: {text}\n"


def problems(name, program, library):
    """Yields what is wrong, one line each."""
    kind, text = table.FAULTS[name]
    for options, status, has_line in (
        ("", -signal.SIGABRT, True),
        ("faults=abort", -signal.SIGABRT, True),
        ("faults=warn", 0, True),
        ("faults=ignore", 0, False),
    ):
        done = run(program, library, options)
        pointer, _, rest = done.stdout.partition("\n")
        expected = line_of(kind, text, re.escape(pointer)) if has_line else ""
        if done.returncode != status:
            yield f"'{options}': ended with {done.returncode}, not {status}"
        if re.fullmatch(expected, done.stderr) is None:
            yield f"'{options}': stderr is {done.stderr!r}, which does not match {expected!r}"
        if rest != ("went on\n" if status == 0 else ""):
            yield f"'{options}': stdout after the pointer is {rest!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=table.FAULTS)
    parser.add_argument("--program", required=True)
    parser.add_argument("--library", required=True)
    arguments = parser.parse_args()
    found = list(problems(arguments.name, arguments.program, arguments.library))
    print("\n".join(found) or f"{arguments.name}: reported and survived")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
