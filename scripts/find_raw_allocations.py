#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finds memory that a code base takes past its managers: malloc, new and their kin.

    find_raw_allocations.py src/            all of them, `path:line: text`; status 1 if there are any
    find_raw_allocations.py --allow new src/

Found are calls of the functions of malloc, taking their addresses, new expressions, and what gives
such memory back.
Placement new, overloads of the operators and members of the same name are none. Comments and
literals are not looked at. A line is let pass by a comment on it, or on the line before,

    // ashlar: raw allocation (why)

and a file by `// ashlar: raw allocations in this file (why)`; the reason is required.
"""

import argparse
import pathlib
import re
import sys

# Whatever their case.
SUFFIXES = frozenset(
    ".c .cc .cpp .cxx .c++ .cu .cuh .h .hh .hpp .hxx .h++ .inl .inc .ipp .tpp .txx .tcc .ixx "
    ".cppm .ccm .cxxm .c++m".split()
)

FUNCTIONS = {
    "malloc": "malloc calloc realloc reallocarray aligned_alloc memalign posix_memalign valloc "
              "pvalloc strdup strndup asprintf vasprintf",
    "free": "free cfree free_sized free_aligned_sized",
    "new": "",
    "delete": "",
    "smart": "make_unique make_shared make_unique_for_overwrite make_shared_for_overwrite",
}  # fmt: skip
KINDS = tuple(FUNCTIONS)
# What a code base says that wants smart pointers of the standard found too.
DEFAULT = ("malloc", "free", "new", "delete")

LINE_MARK = re.compile(r"//\s*ashlar: raw allocation \(\S.*\)")
FILE_MARK = re.compile(r"//\s*ashlar: raw allocations in this file \(\S.*\)")

# A token that is no code, or code that is looked at.
NO_CODE = re.compile(
    r"""//(?:\\\n|[^\n])* | /\*.*?\*/
      | R"(?P<end>[^()\\\s]{0,16})\(.*?\)(?P=end)"
      | \bu8'(?:\\.|[^'\\\n])+' | __attribute__\s*\(\(.*?\)\)
      | "(?:\\.|[^"\\\n])*" | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.VERBOSE | re.DOTALL,
)
DIRECTIVE = re.compile(
    r"^[ \t]*\#[ \t]*(?:include|pragma|error|warning|if|ifdef|ifndef|elif|undef)\b[^\n]*",
    re.MULTILINE,
)

# Not behind `.` or `->` (a member), nor behind `operator`; a qualified name only of std or global.
BEFORE = r"(?<![\w.>:~])(?:std\s*::\s*|(?<!\w)::\s*)?"
NEW = re.compile(r"(?<![\w.>~])(?:::\s*)?\bnew\b(?!\s*\()(?=\s*[\w:\[])")
# `new (std::nothrow) T` and `new (std::align_val_t(64)) T` allocate; other parentheses are places.
NEW_WITH = re.compile(
    r"(?<![\w.>~])(?:::\s*)?\bnew\b(?=\s*\(\s*(?:std\s*::\s*)?(?:nothrow(?:_t)?|align_val_t)\b)"
)
# Of `new (node)` and `new (place) node` the first allocates: no type follows.
NEW_OF_TYPE = re.compile(
    r"(?<![\w.>~])(?:::\s*)?\bnew\b(?=\s*(\((?:[^()]|\([^()]*\))*\))\s*(?!::)[;,)\]}({?:])"
)
OPERATOR_CALL = re.compile(r"(?:::|\bstd\s*::|[=(,;{}]|\breturn)\s*operator\s+(new|delete)\b\s*"
                           r"(?:\[\s*\])?\s*\(")  # fmt: skip
DELETE = re.compile(r"(?<![\w.>~])(?:::\s*)?\bdelete\b(?=\s*(?:\[\s*\])?\s*[\w(*:])")


def function_call(names):
    """Returns the pattern of a call of one of the functions."""
    alternatives = "|".join(names.split())
    return re.compile(BEFORE + rf"\b(?:{alternatives})\b\s*(?:<[^;{{}}()]*>\s*)?(?=\()")


def function_named(names):
    """Returns the pattern of one that is named as a value: `= &malloc`, `(malloc)(10)`."""
    alternatives = "|".join(names.split())
    return re.compile(
        r"(?:[=,{?]|(?<!decltype)\(|(?<!:):(?!:)|\breturn\b)\s*&?\s*(?:std\s*::\s*|(?<!\w)::\s*)?"
        rf"\b(?P<function>{alternatives})\b(?=\s*[;,)}}?:])"
    )


def patterns_of(kind):
    """Returns what finds the allocations of one kind."""
    if kind == "new":
        return [NEW, NEW_WITH, NEW_OF_TYPE, OPERATOR_CALL]
    if kind == "delete":
        return [DELETE]
    return [function_call(FUNCTIONS[kind]), function_named(FUNCTIONS[kind])]


def blank(text):
    """Replaces what is no code by spaces; lines stay where they are."""

    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group())

    return DIRECTIVE.sub(spaces, NO_CODE.sub(spaces, text))


# What a declaration may begin with, before the name; and what no declaration has there.
TYPE = re.compile(r"[\w\s:<>,*&\[\]]*[\w>][\s*&]*")
NO_TYPE = re.compile(
    r"\b(?:return|else|do|case|throw|co_return|co_yield|co_await|sizeof|and|or|not)\b|&&"
)


def follows_type(before):
    """Whether a name behind this text, which a type alone precedes in its statement, is declared."""
    statement = re.split(r"[;{}]|(?<!:):(?!:)", before)[-1]
    statement = re.sub(r"(?m)^[ \t]*#.*$", "", statement)
    return TYPE.fullmatch(statement) is not None and not NO_TYPE.search(statement)


def is_variable(code, match):
    """Whether what is named as a value is the program's own: a variable, an enumerator."""
    name = match.group("function")
    if re.search(r"\benum\b[^;{}]*\{[^{}]*$", code[: match.end()]):
        return True
    declared = re.compile(rf"(?:\b(?!return\b|else\b)\w+|>)[\s*&]+{name}\s*[=;,)\[{{]")
    return any(not NO_TYPE.search(found.group()) for found in declared.finditer(code))


def is_declaration(code, match):
    """Whether a match declares or overloads: `= delete`, `operator new`, `void free(void*)`."""
    if "function" in match.re.groupindex:
        return is_variable(code, match)
    before = code[: match.start()].rstrip()
    word = match.group().strip()
    if word.endswith("delete") and before.endswith("="):
        return True
    if re.search(r"\boperator$", before):
        return True
    name = word.split("::")[-1].strip()
    return name.isidentifier() and name not in ("new", "delete") and follows_type(before)


def allowed_lines(lines):
    """Returns the numbers of the lines that a comment lets pass."""
    marked = {n for n, line in enumerate(lines, 1) if LINE_MARK.search(line)}
    alone = {n + 1 for n in marked if lines[n - 1].lstrip().startswith("//")}
    return marked | alone


def findings(text, kinds):
    """Yields (line number, line) of each line that allocates raw."""
    if FILE_MARK.search(text):
        return
    code = blank(text)
    lines = text.splitlines()
    allowed = allowed_lines(lines)
    seen = set()
    for kind in kinds:
        for pattern in patterns_of(kind):
            for match in pattern.finditer(code):
                if pattern is OPERATOR_CALL and match.group(1) not in kinds:
                    continue
                if pattern is not OPERATOR_CALL and is_declaration(code, match):
                    continue
                seen.add(code.count("\n", 0, match.end()) + 1)
    for number in sorted(seen - allowed):
        yield number, lines[number - 1].strip()


def files_of(paths):
    """Yields the source files that are named, or lie below a folder that is."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        else:
            yield path


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--allow", action="append", default=[], choices=KINDS)
    parser.add_argument("--forbid", action="append", default=[], choices=KINDS)
    arguments = parser.parse_args()
    kinds = [k for k in (*DEFAULT, *arguments.forbid) if k not in arguments.allow]
    status = 0
    for path in files_of(arguments.paths):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            return 2
        for number, line in findings(text, kinds):
            print(f"{path}:{number}: {line}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
