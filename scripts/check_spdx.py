#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when a source file does not open with the licence line and a note on what it provides."""

import sys

import sources

FOLDERS = ("src", "tools", "tests", "bench", "examples", "fuzz", "scripts", "cmake")
SUFFIXES = (*sources.CPP_SUFFIXES, ".py", ".sh", ".cmake")
SPDX = "SPDX-License-Identifier: MIT"
NOTE_STARTS = ("//", "#", '"""', "/*")


def check_file(path, where):
    """Yields the problem of one file, if any."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    if not lines or SPDX not in lines[0]:
        yield f"{where}:1: the first line is not '{SPDX}'"
    elif len(lines) < 2 or not lines[1].startswith(NOTE_STARTS):
        yield f"{where}:2: no note on what the file provides after the licence line"


def files_of(root):
    """Yields the files that must carry the licence line."""
    yield from sources.files_under(root, FOLDERS, SUFFIXES)
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("CMakeLists.txt"))
    yield from (path for path in (root / "CMakeLists.txt", root / "dev") if path.exists())


def main():
    root = sources.parse_root(__doc__)
    return sources.report(
        [
            problem
            for path in files_of(root)
            for problem in check_file(path, path.relative_to(root).as_posix())
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
