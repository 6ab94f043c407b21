#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when a header of src/ashlar does not compile alone and without a warning, included twice.

The generated base/build_config.hpp is made here with neutral values, so no build tree is needed.
Headers of other systems are left out.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import sources

COMPILER = os.environ.get("CXX", "g++")
FOREIGN_FOLDERS = ("os/windows/",)
TEMPLATE = sources.REPOSITORY / "cmake" / "build_config.hpp.in"


def generate_build_config(into):
    """Writes base/build_config.hpp below `into` from CMake's template."""
    text = re.sub(r"@ASHLAR_BOOL_\w+@", "false", TEMPLATE.read_text(encoding="utf-8"))
    text = re.sub(r"@\w+@", "0", text)
    header = into / "ashlar" / "base" / "build_config.hpp"
    header.parent.mkdir(parents=True)
    header.write_text(text, encoding="utf-8")


def compile_alone(header, root, generated):
    """Returns the compiler's complaint about a file that holds the header alone, or ''."""
    include = f'#include "{header.relative_to(root / "src").as_posix()}"\n'
    result = subprocess.run(
        [COMPILER, "-x", "c++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
         "-Werror", f"-I{root / 'src'}", f"-I{generated}", "-"],
        input=include * 2, text=True, capture_output=True, check=False,
    )  # fmt: skip
    return result.stderr if result.returncode else ""


def headers_of(root):
    """Returns the headers to compile."""
    base = root / "src" / "ashlar"
    headers = sources.files_under(root, ["src/ashlar"], (".hpp", ".h"))
    return [
        header
        for header in headers
        if not header.relative_to(base).as_posix().startswith(FOREIGN_FOLDERS)
    ]


def main():
    root = sources.parse_root(__doc__)
    headers = headers_of(root)
    with tempfile.TemporaryDirectory() as folder:
        generated = pathlib.Path(folder)
        generate_build_config(generated)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            outputs = list(pool.map(lambda h: compile_alone(h, root, generated), headers))
    problems = [
        f"{header.relative_to(root)}: does not compile alone\n{output.rstrip()}"
        for header, output in zip(headers, outputs)
        if output
    ]
    return sources.report(problems)


if __name__ == "__main__":
    sys.exit(main())
