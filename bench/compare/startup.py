# SPDX-License-Identifier: MIT
"""Measures what an allocator adds to the start of the smallest program: `true`, in a loop.

A start takes half a millisecond. On a busy machine many wait a whole scheduler tick of 4 ms for a
processor, so the median would tell about the load; the first decile still tells about the start.
"""

from dataclasses import dataclass

from . import summary
from .allocators import Allocator
from .launch import Launcher, failure_of

START = "start"  # the name that selects this measurement
TURNS_PER_ROUND = 5
STARTS_PER_TURN = 20  # few in a row: a start takes half a millisecond, other load comes in bursts


@dataclass
class Start:
    """What an undisturbed start takes (first decile), and the median of the peaks."""

    milliseconds: float
    kib: float
    error: str | None = None


def measure_starts(
    allocators: list[Allocator], rounds: int, launcher: Launcher
) -> dict[str, Start]:
    """Starts `true` under each allocator, twenty times in turn, a hundred times a round."""
    seconds: dict[str, list[float]] = {each.name: [] for each in allocators}
    kib: dict[str, list[float]] = {each.name: [] for each in allocators}
    errors: dict[str, str] = {}
    for number in range(rounds * TURNS_PER_ROUND):
        for allocator in summary.rotated(allocators, number):
            costs, _, last = launcher.run(["/bin/true"], allocator.library, times=STARTS_PER_TURN)
            error = failure_of(costs, last)
            if error is not None:
                errors[allocator.name] = error
            seconds[allocator.name] += [cost["seconds"] for cost in costs]
            kib[allocator.name] += [cost["max_rss_kib"] for cost in costs]
    return {
        name: Start(
            summary.first_decile(seconds[name]) * 1000, summary.median(kib[name]), errors.get(name)
        )
        if seconds[name]
        else Start(0, 0, errors.get(name, "could not be started"))
        for name in seconds
    }
