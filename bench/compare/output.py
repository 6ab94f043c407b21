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


def write_csv(of: Comparison, path: str) -> None:
    """Writes every sample, one line each, under a header that names the machine and the commit."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        for key, value in of.machine.items():
            file.write(f"# {key}: {value}\n")
        writer = csv.writer(file)
        writer.writerow(
            [
                "case",
                "allocator",
                "round",
                "seconds",
                "cpu_seconds",
                "max_rss_kib",
                "left_kib",
                "live_kib",
                "digest",
                "error",
            ]
        )
        for row in of.rows:
            for name, rounds in row.samples.items():
                for number, each in rounds.items():
                    writer.writerow(
                        [
                            row.name,
                            name,
                            number,
                            f"{each.seconds:.6f}",
                            f"{each.cpu_seconds:.6f}",
                            each.max_rss_kib,
                            each.left_kib,
                            each.live_kib,
                            each.digest,
                            each.error or row.failures.get(name, ""),
                        ]
                    )
        for name, start in of.starts.items():
            writer.writerow(
                [
                    "start of true",
                    name,
                    "median",
                    f"{start.milliseconds / 1000:.6f}",
                    "",
                    start.kib,
                    "",
                    "",
                    "",
                    start.error or "",
                ]
            )
