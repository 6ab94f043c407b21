#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when src/ashlar uses the preprocessor where the language serves.

Conditions (#if and kin) belong in base/, os/ and replace/. The core defines macros in
base/macros.hpp alone; replace/ and report/ may define their own. Every macro is named ASHLAR_...
C headers for users (src/ashlar/*.h) need both and are free to use them.
"""

import re
import sys

import sources

DIRECTIVE = re.compile(
    r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|define|undef)\b[ \t]*(\w*)", re.MULTILINE
)

CONDITIONS_ALLOWED = ("base", "os", "replace")
DEFINES_ALLOWED = ("replace", "report")
MACRO_HEADER = "base/macros.hpp"


def complaint(inside, directive, name):
    """Says what is wrong with a directive of the file at `inside` (below src/ashlar), or None."""
    layer = inside.split("/")[0]
    is_user_c_header = "/" not in inside and inside.endswith(".h")
    if directive in ("define", "undef"):
        if not name.startswith("ASHLAR_"):
            return f"macro {name} does not start with ASHLAR_"
        if inside != MACRO_HEADER and layer not in DEFINES_ALLOWED and not is_user_c_header:
            return f"#{directive} {name} belongs in {MACRO_HEADER}"
    elif layer not in CONDITIONS_ALLOWED and not is_user_c_header:
        return f"#{directive} is allowed in {', '.join(CONDITIONS_ALLOWED)} only"
    return None


def check_file(path, base):
    """Yields the problems of one file."""
    inside = path.relative_to(base).as_posix()
    text = sources.blank(path.read_text(encoding="utf-8"))
    for match in DIRECTIVE.finditer(text):
        problem = complaint(inside, *match.groups())
        if problem:
            line = text.count("\n", 0, match.start()) + 1
            yield f"src/ashlar/{inside}:{line}: {problem}"


def main():
    root = sources.parse_root(__doc__)
    base = root / "src" / "ashlar"
    files = sources.files_under(root, ["src/ashlar"], sources.CPP_SUFFIXES)
    return sources.report([problem for path in files for problem in check_file(path, base)])


if __name__ == "__main__":
    sys.exit(main())
