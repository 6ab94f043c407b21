#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records what real programs ask malloc for, and prints how much memory the fit managers need for it.

    cmake --preset bench
    cmake --build --preset bench --target ashlar-recorder ashlar-fragmentation
    python3 bench/fit/fragmentation.py > table.md

The programs and their inputs are those of `./dev bench`. The traces, about 500 MB, are kept nowhere.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parents[1]
INPUTS = BENCH / "inputs"

# The bench runs python with -I, which would let it ignore PYTHONMALLOC.
PROGRAMS = {
    "g++": ["g++", "-std=c++20", "-O2", "-DPARTS=1", "-o", "/dev/null", "-c",
            str(INPUTS / "templates.cpp")],
    "lua": ["lua5.4", str(INPUTS / "tables.lua"), "10"],
    "perl": ["perl", str(INPUTS / "hashes.pl"), "8"],
    "python": ["python3", "-s", str(INPUTS / "objects.py"), "1"],
    "sqlite": ["sqlite3", "-batch", "-cmd", ".parameter init",
               "-cmd", ".parameter set @rows 400000", ":memory:"],
}  # fmt: skip
STDIN = {"sqlite": INPUTS / "rows.sql"}
ENVIRONMENT = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0"}


def record(name, recorder, folder):
    """Runs a program with the recorder. Returns its largest trace: that of the process that works."""
    environment = os.environ | ENVIRONMENT
    environment |= {"LD_PRELOAD": str(recorder), "ASHLAR_RECORD": str(folder / name)}
    source = STDIN.get(name, os.devnull)
    with open(source, "rb") as stdin:
        subprocess.run(PROGRAMS[name], stdin=stdin, stdout=subprocess.DEVNULL, check=True,
                       env=environment)  # fmt: skip
    return max(folder.glob(f"{name}.*"), key=lambda path: path.stat().st_size)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=BENCH.parent / "build" / "bench",
                        help="the build tree (default: build/bench)")  # fmt: skip
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory() as folder:
        traces = []
        for name, words in PROGRAMS.items():
            if shutil.which(words[0]) is None:
                print(f"{words[0]} is not installed: left out", file=sys.stderr)
                continue
            trace = record(name, build / "lib" / "libashlar-recorder.so", pathlib.Path(folder))
            traces.append(f"{name}={trace}")
        subprocess.run([build / "bin" / "ashlar-fragmentation", *traces], check=True)


if __name__ == "__main__":
    main()
