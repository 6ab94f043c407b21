# SPDX-License-Identifier: MIT
"""Runs the cases in interleaved rounds and keeps every sample."""

from dataclasses import dataclass, field

from . import summary
from .allocators import BASE, Allocator
from .binding import check_served
from .cases import Case
from .launch import Launcher, Sample
from .progress import Progress


@dataclass
class Row:
    """All samples of one case: by allocator, by round. `failures` holds the first error of an
    allocator.
    """

    name: str
    samples: dict[str, dict[int, Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def values(self, allocator: str, what: str) -> dict[int, float]:
        """Returns one figure of each good round; empty for an allocator that failed."""
        if allocator in self.failures:
            return {}
        rounds = self.samples.get(allocator, {})
        return {
            number: getattr(sample, what)
            for number, sample in rounds.items()
            if getattr(sample, what) is not None
        }

    def medians(self, what: str) -> dict[str, float]:
        found = {name: self.values(name, what) for name in self.samples}
        return {
            name: summary.median(list(values.values())) for name, values in found.items() if values
        }

    def ratio(self, ours: str, theirs: str, what: str) -> float | None:
        return summary.round_ratio(self.values(ours, what), self.values(theirs, what))


def check_all_served(cases: list[Case], allocators: list[Allocator], launcher: Launcher) -> None:
    """Raises NotServed for the first program that an allocator would not serve; each is started
    once.
    """
    seen: set[tuple] = set()
    for case in cases:
        for allocator in allocators:
            for probe in case.probes():
                key = (tuple(probe), allocator.name)
                if key not in seen:
                    seen.add(key)
                    check_served(
                        launcher,
                        probe,
                        allocator.preload_for(case.links_allocator),
                        allocator.serving_library,
                    )


def run_case(
    case: Case, allocators: list[Allocator], rounds: int, launcher: Launcher, progress: Progress
) -> Row:
    """Runs one case: each round all allocators in turn, each round another one first."""
    row = Row(case.name, {each.name: {} for each in allocators})
    for number in range(rounds):
        for allocator in summary.rotated(allocators, number):
            if allocator.name in row.failures:
                progress.skip()
                continue
            progress.begin(case.name, number, allocator.name)
            sample = case.run(launcher, allocator.preload_for(case.links_allocator))
            row.samples[allocator.name][number] = sample
            if sample.error is not None:
                row.failures[allocator.name] = sample.error
            progress.end()
    compare_digests(row)
    progress.case_done(case.name, row.failures)
    return row


def compare_digests(row: Row) -> None:
    """Marks allocators under which the program gave another result than under glibc, or than the
    first.
    """
    reference = BASE if row.samples.get(BASE) and BASE not in row.failures else None
    for name in [reference] if reference else row.samples:
        if name not in row.failures and row.samples[name]:
            expected = next(iter(row.samples[name].values())).digest
            break
    else:
        return
    for name, rounds in row.samples.items():
        if name not in row.failures and any(each.digest != expected for each in rounds.values()):
            row.failures[name] = "wrong result: checksum differs"
