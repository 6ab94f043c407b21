# SPDX-License-Identifier: MIT
"""What the checks share: finding source files, and reading C++ without its comments and strings."""

import argparse
import pathlib
import re

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent

CPP_SUFFIXES = (".cpp", ".hpp", ".c", ".h")

# Comments, raw strings, strings and characters, in the order in which they must be tried. A quote
# after a digit is a digit separator (1'000) and opens nothing.
_TOKENS = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'
    """,
    re.DOTALL | re.VERBOSE,
)


def blank(text):
    """Returns `text` with comments and literals emptied; every line keeps its number."""

    def replacement(match):
        token = match.group()
        newlines = "\n" * token.count("\n")
        return (newlines or " ") if token.startswith("/") else '""' + newlines

    return _TOKENS.sub(replacement, text)


def without_comments(text):
    """Returns `text` without comments; literals stay, since an include's path looks like one."""

    def replacement(match):
        token = match.group()
        return ("\n" * token.count("\n") or " ") if token.startswith("/") else token

    return _TOKENS.sub(replacement, text)


def files_under(root, folders, suffixes):
    """Yields the files under `folders` of `root` with one of `suffixes`, sorted."""
    for folder in folders:
        base = root / folder
        if base.is_dir():
            for path in sorted(base.rglob("*")):
                if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
                    yield path


def parse_root(description):
    """Reads the command line that all checks share and returns the root of the tree to check."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, default=REPOSITORY, help="tree to check")
    return parser.parse_args().root.resolve()


def report(problems):
    """Prints the problems, one a line; returns the exit code."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
