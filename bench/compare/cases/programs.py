# SPDX-License-Identifier: MIT
"""The real programs: each unmodified, as Debian ships it, with an input of our own.

Their output must be the same bytes under every allocator; wall time counts from start to exit.
"""

import hashlib
import os
import shutil
import subprocess

from . import Case
from ..launch import Launcher, Sample, measure
from .redis_server import RedisServer


class Program(Case):
    """A command whose standard output is its result."""

    def __init__(
        self,
        name: str,
        stresses: str,
        command: list[str],
        *,
        stdin: str | None = None,
        environment: dict[str, str] | None = None,
        package: str | None = None,
    ) -> None:
        self.name = name
        self.stresses = stresses
        self._command = command
        self._stdin = stdin
        self._environment = environment
        self._package = package or os.path.basename(command[0])

    def missing(self) -> str | None:
        if shutil.which(self._command[0]) is None:
            return f"no {self._command[0]} (apt-get install {self._package})"
        return None

    def probes(self) -> list[list[str]]:
        return [[self._command[0], "--version"]]

    def run(self, launcher: Launcher, preload: str | None) -> Sample:
        return measure(
            launcher, self._command, preload, stdin=self._stdin, environment=self._environment
        )[0]


class Compiler(Program):
    """g++: the compiler proper is a child of the driver, and the result is an object file."""

    OBJECT = "compiled.o"

    def probes(self) -> list[list[str]]:
        compiler = subprocess.run(
            [self._command[0], "-print-prog-name=cc1plus"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        return [[self._command[0], "--version"], [compiler, "--version"]]

    def run(self, launcher: Launcher, preload: str | None) -> Sample:
        sample = super().run(launcher, preload)
        path = os.path.join(launcher.scratch, self.OBJECT)
        if sample.error is None:
            with open(path, "rb") as file:
                sample.digest = hashlib.sha256(file.read()).hexdigest()[:16]
            os.unlink(path)
        return sample


def list_programs(inputs: str, scale: float) -> list[Case]:
    """Returns the cases in the order in which they are shown; `inputs` is a folder."""

    def times(count: int) -> int:
        return max(1, round(count * scale))

    def command(words: str, last: str) -> list[str]:
        return [*words.split(), os.path.join(inputs, last)]

    cxx = Compiler(
        "cxx",
        "g++ -O2 on a file full of templates: small blocks, garbage that is never freed",
        command(f"g++ -std=c++20 -O2 -DPARTS={times(1)} -o {Compiler.OBJECT} -c", "templates.cpp"),
    )
    python = Program(
        "python",
        "python3 with PYTHONMALLOC=malloc: dictionaries, strings, objects, JSON",
        [*command("/usr/bin/python3 -s -P", "objects.py"), str(times(5))],
        environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
        package="python3",
    )
    rows = f".parameter set @rows {times(400_000)}"
    sqlite = Program(
        "sqlite",
        "sqlite3: rows, indexes and groups in memory; page cache and realloc",
        ["sqlite3", "-batch", "-cmd", ".parameter init", "-cmd", rows, ":memory:"],
        stdin=os.path.join(inputs, "rows.sql"),
    )
    redis = RedisServer(
        "redis",
        "redis-server under redis-benchmark: sized strings, lists, hashes, sets",
        times(80_000),
    )
    lua = Program(
        "lua",
        "lua5.4: tables, closures and strings; realloc serves everything",
        [*command("lua5.4", "tables.lua"), str(times(10))],
    )
    perl = Program(
        "perl",
        "perl: hashes, strings and regular expressions",
        [*command("perl", "hashes.pl"), str(times(8))],
        environment={"PERL_HASH_SEED": "0"},
    )
    raster = f"-sDEVICE=ppmraw -r150 -dROUNDS={times(60)} -sOutputFile=-"
    ghostscript = Program(
        "ghostscript",
        "gs: dictionaries, paths and a page raster",
        command(f"gs -q -dSAFER -dNOPAUSE -dBATCH {raster}", "drawing.ps"),
        package="ghostscript",
    )
    return [cxx, python, sqlite, redis, lua, perl, ghostscript]
