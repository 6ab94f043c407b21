# SPDX-License-Identifier: MIT
"""The arithmetic of a comparison: medians, spread, same-round ratios, geometric means.

A ratio is taken round by round and then the median of those, because neighbours in time share the
state of the machine: its speed drifts more between minutes than two allocators differ.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def deviation(values: Sequence[float]) -> float:
    """Returns the median absolute deviation: half of the values lie within it around the median."""
    middle = statistics.median(values)
    return statistics.median([abs(value - middle) for value in values])


def first_decile(values: Sequence[float]) -> float:
    """Returns the value that a tenth of all are at or below."""
    return sorted(values)[(len(values) - 1) // 10]


def geometric_mean(values: Iterable[float]) -> float | None:
    """Returns the geometric mean of positive numbers, None when there are none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms)) if logarithms else None


def round_ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """Returns the median ratio over the rounds that both have; keys are round numbers."""
    shared = [
        ours[number] / theirs[number]
        for number in sorted(ours.keys() & theirs.keys())
        if theirs[number] > 0
    ]
    return statistics.median(shared) if shared else None


def best(medians: Mapping[str, float], without: Iterable[str] = ()) -> str | None:
    """Returns the name with the smallest value, None when all are excluded."""
    excluded = set(without)
    candidates = {name: value for name, value in medians.items() if name not in excluded}
    return min(candidates, key=lambda name: candidates[name], default=None)


def rotated(names: Sequence, by: int) -> list:
    """Returns the names in the same cycle with another start, so nobody always follows the same one
    first.
    """
    by %= max(len(names), 1)
    return [*names[by:], *names[:by]]
