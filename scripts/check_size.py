#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what is over a soft size limit and fails when something is over a hard one.

Limits: lines of a file, lines of a function, files of a folder (a header and the source of the same
name count once, as a reader sees one thing). An entry with a reason in size_exceptions.toml raises
a hard limit; one that is no longer needed must go.
"""

import collections
import dataclasses
import sys
import tomllib

import functions
import sources

FOLDERS = ("src", "tools", "tests", "bench", "examples", "fuzz", "scripts")
SUFFIXES = (*sources.CPP_SUFFIXES, ".py")
LIMITS = {"file": (400, 600), "function": (40, 60), "folder": (15, 20)}
UNITS = {"file": "lines", "function": "lines", "folder": "files"}


@dataclasses.dataclass
class Measure:
    """One measured thing: its kind, the key an exception names it by, where it is, its size."""

    kind: str
    key: str
    where: str
    size: int


def measures_of(root):
    """Yields every file, function and folder with its size."""
    names = collections.defaultdict(set)
    for path in sources.files_under(root, FOLDERS, SUFFIXES):
        where = path.relative_to(root).as_posix()
        names[path.parent.relative_to(root).as_posix()].add(path.stem)
        line_count = path.read_text(encoding="utf-8").count("\n")
        yield Measure("file", where, where, line_count)
        for function in functions.functions_of(path):
            key = f"{where}:{function.name}"
            yield Measure("function", key, f"{where}:{function.line}: {function.name}",
                          function.lines)  # fmt: skip
    for folder, stems in sorted(names.items()):
        yield Measure("folder", folder, folder, len(stems))


def load_exceptions(root):
    """Returns {(kind, key): limit} from size_exceptions.toml; an entry without a reason is wrong."""
    path = root / "scripts" / "size_exceptions.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    exceptions = {}
    for kind in LIMITS:
        for entry in entries.get(kind, []):
            if not entry.get("reason", "").strip():
                raise SystemExit(f"size_exceptions.toml: {entry['name']} has no reason")
            exceptions[kind, entry["name"]] = entry["limit"]
    return exceptions


def judge(measures, exceptions):
    """Returns (remarks, problems) as lines of text."""
    remarks, problems, needed = [], [], set()
    for measure in measures:
        soft, hard = LIMITS[measure.kind]
        key = (measure.kind, measure.key)
        text = f"{measure.where}: {measure.kind} of {measure.size} {UNITS[measure.kind]}"
        if measure.size > hard and key in exceptions:
            needed.add(key)
            hard = exceptions[key]
        if measure.size > hard:
            problems.append(f"{text}, the limit is {hard}")
        elif measure.size > soft and key not in needed:
            remarks.append(f"{text}, should be at most {soft}")
    for kind, name in sorted(set(exceptions) - needed):
        problems.append(f"size_exceptions.toml: the {kind} {name} needs no exception")
    return remarks, problems


def main():
    root = sources.parse_root(__doc__)
    remarks, problems = judge(measures_of(root), load_exceptions(root))
    for remark in remarks:
        print(f"note: {remark}")
    return sources.report(problems)


if __name__ == "__main__":
    sys.exit(main())
