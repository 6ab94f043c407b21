# SPDX-License-Identifier: MIT
"""Counts instructions with valgrind: exact where a clock is noisy, blind to caches and to the
kernel.
"""

import os
import re
import shutil

from . import allocators
from .allocators import Allocator
from .cases import Workload
from .launch import Launcher, failure_of
from .tables import Table

DEFAULT_SCALE = 0.02  # callgrind runs a program some fifty times slower


class NoValgrind(Exception):
    """valgrind is not installed, or it could not run the program."""


def count(launcher: Launcher, command: list[str], allocator: Allocator) -> int:
    """Returns the instructions of one run of the command: all threads, start and exit too."""
    log = os.path.join(launcher.scratch, "callgrind.log")
    costs, _, last = launcher.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            f"--log-file={log}",
            *command,
        ],
        allocator.library,
    )
    error = failure_of(costs, last)
    if error is not None:
        raise NoValgrind(f"{allocator.name} under valgrind: {error}")
    with open(log, encoding="utf-8") as lines:
        found = re.search(r"Collected : (\d+)", lines.read())
    if found is None:
        raise NoValgrind("valgrind printed no count of instructions")
    return int(found.group(1))


def table(workload: Workload, chosen: list[Allocator], launcher: Launcher) -> Table:
    """Counts the workload under each allocator; the same program without work is taken off."""
    if shutil.which("valgrind") is None:
        raise NoValgrind("no valgrind (apt-get install valgrind)")
    idle = workload.probes()[0]
    counts: dict[str, tuple[int, int]] = {}
    failures: dict[str, str] = {}
    for allocator in chosen:
        try:
            start = count(launcher, idle, allocator)
            counts[allocator.name] = (start, count(launcher, workload.command, allocator) - start)
        except NoValgrind as problem:
            failures[allocator.name] = str(problem)
    base = counts.get(allocators.BASE, (0, 0))[1]
    lines = []
    for each in chosen:
        if each.name in failures:
            lines.append([each.name, "-", "FAILED", "-"])
            continue
        start, work = counts[each.name]
        lines.append([each.name, f"{start:,}", f"{work:,}", f"{work / base:.3f}" if base else "-"])
    title = f"Instructions of {' '.join(workload.command[1:])}"
    if failures:
        title += "\nFAILED: " + "; ".join(failures.values())
    return Table(title, ["allocator", "start", "work", f"work /{allocators.BASE}"], lines)
