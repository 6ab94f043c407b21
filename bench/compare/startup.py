# SPDX-License-Identifier: MIT
"""Measures what an allocator adds to the start of the smallest program: `true`, started in a loop."""

from dataclasses import dataclass

from . import summary
from .allocators import Allocator
from .launch import Launcher, failure_of

STARTS_PER_ROUND = 100


@dataclass
class Start:
    """Median of all starts of one allocator."""

    milliseconds: float
    kib: float
    error: str | None = None


def measure_starts(allocators: list[Allocator], rounds: int, launcher: Launcher) -> dict[str, Start]:
    """Starts `true` under each allocator, in interleaved rounds of a hundred."""
    seconds: dict[str, list[float]] = {each.name: [] for each in allocators}
    kib: dict[str, list[float]] = {each.name: [] for each in allocators}
    errors: dict[str, str] = {}
    for number in range(rounds):
        for allocator in summary.rotated(allocators, number):
            costs, _, last = launcher.run(["/bin/true"], allocator.library, times=STARTS_PER_ROUND)
            error = failure_of(costs, last)
            if error is not None:
                errors[allocator.name] = error
            seconds[allocator.name] += [cost["seconds"] for cost in costs]
            kib[allocator.name] += [cost["max_rss_kib"] for cost in costs]
    return {name: Start(summary.median(seconds[name]) * 1000, summary.median(kib[name]), errors.get(name))
            if seconds[name] else Start(0, 0, errors.get(name, "could not be started"))
            for name in seconds}
