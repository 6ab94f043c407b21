# SPDX-License-Identifier: MIT
"""The project's targets for speed and memory, and whether a comparison meets them."""

from dataclasses import dataclass

from . import summary
from .allocators import BASE
from .rounds import Row
from .startup import Start

TIME_VS_BASE = 0.85
TIME_VS_REFERENCE = 1.00
TIME_VS_BEST_PEER = 1.15
RSS_VS_BASE = 1.20
START_MILLISECONDS = 1.0
START_KIB = 1024


@dataclass(frozen=True)
class Verdict:
    """One target: what was measured (None: it could not be), and the bound it must not exceed."""

    target: str
    measured: float | None
    bound: float
    unit: str = ""
    detail: str = ""

    @property
    def word(self) -> str:
        if self.measured is None:
            return "not measured"
        return "met" if self.measured <= self.bound else "MISSED"

    def line(self) -> str:
        shown = "-" if self.measured is None else f"{self.measured:.2f}{self.unit}"
        detail = f" ({self.detail})" if self.detail else ""
        return (
            f"{self.word:>12}  {self.target}: {shown}, at most {self.bound:.2f}{self.unit}{detail}"
        )


def mean_ratio(rows: list[Row], ours: str, theirs: str, what: str) -> tuple[float | None, int]:
    """Returns the geometric mean over the rows that both finished, and how many those are."""
    ratios = [ratio for row in rows if (ratio := row.ratio(ours, theirs, what))]
    return summary.geometric_mean(ratios), len(ratios)


def best_peer(row: Row, subject: str, what: str = "seconds") -> tuple[str | None, float | None]:
    """Returns the fastest allocator other than the subject, and the subject's ratio to it."""
    peer = summary.best(row.medians(what), without=[subject])
    return peer, row.ratio(subject, peer, what) if peer else None


def worst_row(rows: list[Row], subject: str) -> tuple[float | None, str]:
    """Returns the largest ratio to the best peer, and where it is."""
    found = [
        (ratio, f"{row.name}, against {peer}")
        for row in rows
        for peer, ratio in [best_peer(row, subject)]
        if ratio is not None
    ]
    return max(found, default=(None, ""))


def judge(rows: list[Row], starts: dict[str, Start], subject: str, reference: str) -> list[Verdict]:
    """Returns a verdict for each target, and one that counts the subject's failures."""
    verdicts = []
    for against, bound in ((BASE, TIME_VS_BASE), (reference, TIME_VS_REFERENCE)):
        mean, count = mean_ratio(rows, subject, against, "seconds")
        verdicts.append(
            Verdict(f"time against {against}, geometric mean", mean, bound, "x", f"{count} rows")
        )
    worst, where = worst_row(rows, subject)
    verdicts.append(
        Verdict("worst row's time against its best peer", worst, TIME_VS_BEST_PEER, "x", where)
    )
    mean, count = mean_ratio(rows, subject, BASE, "max_rss_kib")
    verdicts.append(
        Verdict(f"peak RSS against {BASE}, geometric mean", mean, RSS_VS_BASE, "x", f"{count} rows")
    )
    ours, base = starts.get(subject), starts.get(BASE)
    good = ours is not None and base is not None and not ours.error and not base.error
    verdicts.append(
        Verdict(
            f"start of true, time above {BASE}",
            ours.milliseconds - base.milliseconds if good else None,
            START_MILLISECONDS,
            " ms",
        )
    )
    verdicts.append(
        Verdict(
            f"start of true, peak RSS above {BASE}",
            (ours.kib - base.kib) / 1024 if good else None,
            START_KIB / 1024,
            " MiB",
        )
    )
    failed = [row.name for row in rows if subject in row.failures]
    verdicts.append(Verdict("rows that failed", float(len(failed)), 0, "", ", ".join(failed)))
    return verdicts
