#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when a file of src/ashlar includes a layer it may not: the table is layers.toml.

Files directly in src/ashlar are for users and may include every layer; no layer includes them. But
a source may include a C header there: somebody must define what it declares.
"""

import pathlib
import re
import sys
import tomllib

import sources

TABLE = pathlib.Path(__file__).with_name("layers.toml")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)

USER_C_HEADER = re.compile(r"ashlar/\w+\.h")


def layer_of(folder, layers):
    """Returns the longest layer name that is `folder` or holds it; None outside all of them."""
    names = [str(folder), *map(str, folder.parents)]
    return next((name for name in names if name in layers), None)


def complaint(layer, own_folder, quote, target, table):
    """Says what is wrong with including `target`, or returns None."""
    path = pathlib.PurePosixPath(target)
    if path.parts[0] != "ashlar":
        return 'is not a full path ("ashlar/...")' if quote == '"' else None
    folder = path.relative_to("ashlar").parent
    if str(folder) == ".":
        return "is for users; a layer includes what it needs from the layers below"
    other = layer_of(folder, table["layers"])
    if other is None:
        return "lies in no layer of layers.toml"
    if other != layer and other not in table["layers"][layer]:
        return f"goes from layer {layer} to layer {other}, which it may not use"
    top = folder.parts[0]
    for private in table.get("private", {}).get("folders", []):
        if folder.is_relative_to(private) and own_folder.parts[0] != top:
            return f"reaches into {private}, which only {top} may include"
    return None


def check_file(path, base, table):
    """Yields the problems of one file."""
    own_folder = pathlib.PurePosixPath(path.relative_to(base).parent.as_posix())
    layer = layer_of(own_folder, table["layers"])
    where = path.relative_to(base.parent.parent)
    if str(own_folder) == ".":
        return
    if layer is None:
        yield f"{where}: lies in no layer of layers.toml"
        return
    text = sources.without_comments(path.read_text(encoding="utf-8"))
    for match in INCLUDE.finditer(text):
        quote, target = match.groups()
        if path.suffix == ".cpp" and USER_C_HEADER.fullmatch(target):
            continue
        problem = complaint(layer, own_folder, quote, target, table)
        if problem:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{where}:{line}: include of {target} {problem}"


def main():
    root = sources.parse_root(__doc__)
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    base = root / "src" / "ashlar"
    files = sources.files_under(root, ["src/ashlar"], sources.CPP_SUFFIXES)
    return sources.report([problem for path in files for problem in check_file(path, base, table)])


if __name__ == "__main__":
    sys.exit(main())
