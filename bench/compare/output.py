# SPDX-License-Identifier: MIT
"""Writes a comparison as text, as Markdown and as CSV."""

import csv

from . import targets
from .tables import Comparison, tables


def closing_lines(of: Comparison) -> list[str]:
    """Failures, notes and verdicts: what must not be overlooked comes last."""
    lines = [
        f"FAILED: {row.name} under {name}: {error}"
        for row in of.rows
        for name, error in row.failures.items()
    ]
    lines += [
        f"FAILED: true under {name}: {start.error}"
        for name, start in of.starts.items()
        if start.error
    ]
    lines += of.notes
    if of.subject:
        lines += [
            verdict.line()
            for verdict in targets.judge(of.rows, of.starts, of.subject, of.reference)
        ]
    return lines


def as_text(of: Comparison) -> str:
    return "\n".join([*(table.text() for table in tables(of)), *closing_lines(of)]) + "\n"


def as_markdown(of: Comparison) -> str:
    facts = [f"- {key}: `{value}`" for key, value in of.machine.items()]
    closing = [f"- {line.strip()}" for line in closing_lines(of)]
    return (
        "\n".join(
            [
                "## Allocators compared",
                "",
                *facts,
                "",
                *(table.markdown() for table in tables(of)),
                *closing,
            ]
        )
        + "\n"
    )


COLUMNS = (
    *("case", "allocator", "round", "seconds", "cpu_seconds", "max_rss_kib"),
    *("left_kib", "live_kib", "digest", "error"),
)


def csv_rows(of: Comparison) -> list[dict]:
    """Returns every sample, and a line for each allocator's start-up."""
    rows = [
        {
            **{key: value for key, value in vars(sample).items() if key in COLUMNS},
            "case": row.name,
            "allocator": name,
            "round": number,
            "error": sample.error or row.failures.get(name),
        }
        for row in of.rows
        for name, rounds in row.samples.items()
        for number, sample in rounds.items()
    ]
    for name, start in of.starts.items():
        seconds = round(start.milliseconds / 1000, 6)
        place = {"case": "start of true", "allocator": name, "round": "all"}
        rows.append({**place, "seconds": seconds, "max_rss_kib": start.kib, "error": start.error})
    return rows


def write_csv(of: Comparison, path: str) -> None:
    """Writes all samples under a header that names the machine and the commit."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        for key, value in of.machine.items():
            file.write(f"# {key}: {value}\n")
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(csv_rows(of))
