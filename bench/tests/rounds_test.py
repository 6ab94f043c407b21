# SPDX-License-Identifier: MIT
"""Interleaving, and what becomes of an allocator that fails."""

import io
import unittest

from compare import output, targets
from compare.allocators import Allocator
from compare.cases import Case
from compare.launch import Sample
from compare.progress import Progress
from compare.rounds import Row, run_case
from compare.startup import Start
from compare.tables import Comparison


class ScriptedCase(Case):
    """Answers from a table by preload instead of running anything, and keeps the order of the
    calls.
    """

    name = "scripted"

    def __init__(self, answers):
        self.answers = answers
        self.calls = []

    def run(self, launcher, preload):
        self.calls.append(preload)
        return self.answers[preload]


def run(answers, rounds=3):
    case = ScriptedCase(answers)
    named = [Allocator(library or "glibc", library) for library in answers]
    return case, run_case(case, named, rounds, None, Progress(0, io.StringIO()))


def row_of(name, **seconds):
    return Row(
        name,
        {
            who: {0: Sample(seconds=value, max_rss_kib=int(value * 1000))}
            for who, value in seconds.items()
        },
    )


class RoundsTest(unittest.TestCase):
    def test_each_round_starts_with_another_allocator(self):
        case, _ = run({None: Sample(1.0), "a": Sample(1.0), "b": Sample(1.0)})
        self.assertEqual(case.calls, [None, "a", "b", "a", "b", None, "b", None, "a"])

    def test_a_crash_is_kept_and_not_repeated(self):
        case, row = run({None: Sample(1.0), "a": Sample(error="killed by SIGSEGV")})
        self.assertEqual(row.failures, {"a": "killed by SIGSEGV"})
        self.assertEqual(case.calls.count("a"), 1)
        self.assertEqual(row.values("a", "seconds"), {})

    def test_another_checksum_than_glibc_is_a_failure(self):
        _, row = run(
            {
                "a": Sample(1.0, digest="x"),
                None: Sample(1.0, digest="y"),
                "b": Sample(1.0, digest="y"),
            }
        )
        self.assertEqual(list(row.failures), ["a"])

    def test_a_failure_shows_in_the_table_and_in_the_verdict(self):
        good, bad = row_of("good", ashlar=1.0, glibc=2.0), row_of("bad", glibc=2.0)
        bad.samples["ashlar"] = {0: Sample(error="exit 3")}
        bad.failures["ashlar"] = "exit 3"
        text = output.as_text(
            Comparison({}, ["ashlar", "glibc"], [good, bad], {}, "ashlar", "mimalloc", [])
        )
        self.assertIn("FAILED: bad under ashlar: exit 3", text)
        self.assertIn("MISSED  rows that failed: 1.00", text)


class TargetsTest(unittest.TestCase):
    def test_verdicts_compare_with_their_bounds(self):
        rows = [
            row_of("one", ashlar=0.8, glibc=1.0, mimalloc=0.9),
            row_of("two", ashlar=1.2, glibc=2.0, mimalloc=1.0),
        ]
        starts = {"ashlar": Start(1.4, 3000), "glibc": Start(0.6, 1000)}
        words = [verdict.word for verdict in targets.judge(rows, starts, "ashlar", "mimalloc")]
        # 0.69 of glibc; 1.03 of mimalloc; 1.20 of the best peer in "two"; RSS 0.69 of glibc;
        # 0.8 ms and 1.95 MiB more at start; no failure.
        self.assertEqual(words, ["met", "MISSED", "MISSED", "met", "met", "MISSED", "met"])

    def test_what_was_not_run_is_not_called_met(self):
        words = {verdict.word for verdict in targets.judge([], {}, "ashlar", "mimalloc")[:-1]}
        self.assertEqual(words, {"not measured"})


if __name__ == "__main__":
    unittest.main()
