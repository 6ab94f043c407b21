# SPDX-License-Identifier: MIT
"""The arithmetic of a comparison."""

import unittest

from compare import summary


class SummaryTest(unittest.TestCase):
    def test_deviation_ignores_one_wild_run(self):
        self.assertEqual(
            summary.deviation([1.0, 1.1, 0.9, 1.0, 9.0]),
            summary.deviation([1.0, 1.1, 0.9, 1.0, 2.0]),
        )
        self.assertEqual(summary.deviation([3.0]), 0)

    def test_first_decile_is_a_value_that_occurs(self):
        self.assertEqual(summary.first_decile([float(i) for i in range(20, 0, -1)]), 2.0)
        self.assertEqual(summary.first_decile([3.0]), 3.0)

    def test_geometric_mean_of_inverse_ratios_is_one(self):
        self.assertAlmostEqual(summary.geometric_mean([4.0, 0.25]), 1.0)
        self.assertIsNone(summary.geometric_mean([]))

    def test_round_ratio_compares_within_rounds(self):
        # The machine became twice as slow in the second round: each round still says 0.5.
        self.assertAlmostEqual(summary.round_ratio({0: 1.0, 1: 2.0}, {0: 2.0, 1: 4.0}), 0.5)

    def test_round_ratio_uses_shared_rounds_only(self):
        self.assertAlmostEqual(summary.round_ratio({0: 1.0, 1: 100.0}, {0: 2.0}), 0.5)
        self.assertIsNone(summary.round_ratio({0: 1.0}, {1: 1.0}))

    def test_best_leaves_out_the_excluded(self):
        self.assertEqual(summary.best({"a": 1.0, "b": 2.0}, without=["a"]), "b")
        self.assertIsNone(summary.best({"a": 1.0}, without=["a"]))

    def test_rotated_starts_elsewhere_and_keeps_all(self):
        self.assertEqual(summary.rotated(["a", "b", "c"], 4), ["b", "c", "a"])
        self.assertEqual(summary.rotated([], 3), [])


if __name__ == "__main__":
    unittest.main()
