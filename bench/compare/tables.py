# SPDX-License-Identifier: MIT
"""The tables of a comparison."""

from dataclasses import dataclass

from . import summary, targets
from .allocators import BASE
from .rounds import Row
from .startup import Start


@dataclass
class Comparison:
    """Everything that a run gave. `subject` is the allocator that is judged, None if none is."""

    machine: dict[str, str]
    allocators: list[str]
    rows: list[Row]
    starts: dict[str, Start]
    subject: str | None
    reference: str
    notes: list[str]


@dataclass
class Table:
    title: str
    header: list[str]
    lines: list[list[str]]

    def text(self) -> str:
        widths = [
            max(len(line[i]) for line in [self.header, *self.lines])
            for i in range(len(self.header))
        ]
        drawn = [self.title, ""]
        for line in [self.header, ["-" * width for width in widths], *self.lines]:
            cells = [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
            drawn.append("  ".join(cells).rstrip())
        return "\n".join(drawn) + "\n"

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.header) - 1)]
        lines = ["| " + " | ".join(line) + " |" for line in [self.header, rule, *self.lines]]
        return "\n".join([f"### {self.title}", "", *lines]) + "\n"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cell(row: Row, name: str, what: str, unit: float, digits: int) -> str:
    if name in row.failures:
        return "FAILED"
    values = list(row.values(name, what).values())
    if not values:
        return "-"
    middle, spread = summary.median(values) / unit, summary.deviation(values) / unit
    return f"{middle:.{digits}f} ±{spread:.{digits}f}"


def value_table(of: Comparison, title: str, what: str, unit: float, digits: int) -> Table:
    """One line a case: every allocator's median and spread, then the subject's ratios."""
    against = [
        name
        for name in dict.fromkeys((BASE, of.reference))
        if of.subject and name != of.subject and name in of.allocators
    ]
    header = ["case", *of.allocators, *(f"/{name}" for name in against)]
    header += ["/best", "best peer"] if of.subject else []
    lines = []
    for row in of.rows:
        line = [row.name, *(_cell(row, name, what, unit, digits) for name in of.allocators)]
        if of.subject:
            peer, ratio = targets.best_peer(row, of.subject, what)
            line += [
                *(_ratio(row.ratio(of.subject, name, what)) for name in against),
                _ratio(ratio),
                peer or "-",
            ]
        lines.append(line)
    return Table(title, header, lines)


def left_table(of: Comparison) -> Table | None:
    """Resident size at the quiet point of the workloads that have one."""
    rows = [row for row in of.rows if row.medians("left_kib")]
    if not rows:
        return None
    lines = [
        [
            row.name,
            f"{max(row.medians('live_kib').values()) / 1024:.1f}",
            *(_cell(row, name, "left_kib", 1024, 1) for name in of.allocators),
        ]
        for row in rows
    ]
    return Table(
        "RSS left at the quiet point, MiB (live = bytes still asked for)",
        ["case", "live", *of.allocators],
        lines,
    )


def mean_table(of: Comparison) -> Table:
    """One line an allocator: geometric means, worst case and start-up."""
    header = [
        "allocator",
        "finished",
        f"time /{BASE}",
        f"time /{of.reference}",
        f"RSS /{BASE}",
        "worst /best other",
        "start of true",
    ]
    lines = []
    for name in of.allocators:
        worst, where = targets.worst_row(of.rows, name)
        start = of.starts.get(name)
        shown = (
            "-"
            if start is None
            else (
                "FAILED"
                if start.error
                else f"{start.milliseconds:.2f} ms, {start.kib / 1024:.1f} MiB"
            )
        )
        lines.append(
            [
                name,
                f"{sum(name not in row.failures for row in of.rows)}/{len(of.rows)}",
                _ratio(targets.mean_ratio(of.rows, name, BASE, "seconds")[0]),
                _ratio(targets.mean_ratio(of.rows, name, of.reference, "seconds")[0]),
                _ratio(targets.mean_ratio(of.rows, name, BASE, "max_rss_kib")[0]),
                f"{worst:.2f} ({where.split(',')[0]})" if worst else "-",
                shown,
            ]
        )
    return Table("Geometric means over all cases", header, lines)


def tables(of: Comparison) -> list[Table]:
    made = [
        value_table(of, "Time, seconds (median ± median absolute deviation)", "seconds", 1, 3),
        value_table(of, "Peak RSS, MiB", "max_rss_kib", 1024, 1),
        left_table(of),
        mean_table(of),
    ]
    return [table for table in made if table is not None and table.lines]
