#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What sampling says of a program comes as close to the truth as it claims, and to either side of it.
Arguments: the library, the program (sampled.cpp)."""

import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import figures

# Who allocates in threads: the frames of std::thread hide the function that started them.
UNNAMED = {"": "handed_over"}


def run(sample, up_to=0):
    """Returns the capture, and what the program says it did: name -> six figures."""
    with tempfile.TemporaryDirectory() as folder:
        settings = f"track=sampled,sample={sample},sample_up_to={up_to},capture={folder}"
        environment = {**os.environ, "LD_PRELOAD": figures.LIBRARY, "ASHLAR_OPTIONS": settings}
        done = subprocess.run(
            [figures.PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        (file,) = Path(folder).iterdir()
        found = figures.Capture(file, figures.read_symbols())
        truth = {}
        for line in done.stdout.splitlines():
            name, *values = line.split()
            truth[name] = [float(v) for v in values]
        return found, truth


def differences(found, truth, sample):
    """For each function: how many standard deviations (at most) each figure is off. `sample`: the
    mean bytes between two samples, where they are the rarest."""
    for name, (made, made_bytes, made_inverse, live, live_bytes, live_inverse) in truth.items():
        sums = found.functions.get(name, [0] * 11)
        for alias, stands_for in UNNAMED.items():
            if stands_for == name:
                sums = [a + b for a, b in zip(sums, found.functions.get(alias, [0] * 11))]
        for what, got, true, variance in (
            ("made blocks", sums[0], made, sample * made_inverse),
            ("made bytes", sums[1], made_bytes, sample * made_bytes),
            ("live blocks", sums[2], live, sample * live_inverse),
            ("live bytes", sums[3], live_bytes, sample * live_bytes),
        ):
            yield f"{name}, {what}: {got} for {true:.0f}", (got - true) / math.sqrt(variance + 1)


class Sampled(unittest.TestCase):
    def test_every_figure_is_within_its_error(self):
        for sample in (512, 4096, 65536):
            found, truth = run(sample)
            self.assertEqual(found.sample_bytes, sample)
            self.assertEqual(found.most_sample_bytes, sample)
            self.assertEqual(found.lost_events, 0)
            for what, off in differences(found, truth, sample):
                self.assertLess(abs(off), 8, f"{what}, a sample in {sample} bytes")

    def test_figures_lie_on_both_sides_of_the_truth(self):
        # Of a sum of n independent deviations of about 1, one above 7 * sqrt(n) is a bias.
        runs, sums = 12, {}
        for _ in range(runs):
            for what, off in differences(*run(32768), 32768):
                key = what.split(":")[0]
                sums[key] = sums.get(key, 0) + off
        for what, off in sums.items():
            self.assertLess(abs(off), 7 * math.sqrt(runs), what)

    def test_a_program_in_haste_gets_fewer_samples_that_stand_for_more(self):
        # A program that allocates as fast as this one is to take 1,024 samples a second.
        runs, sums = 12, {}
        for _ in range(runs):
            found, truth = run(4096, up_to=4 << 20)
            self.assertEqual(found.sample_bytes, 4096)
            self.assertGreaterEqual(found.most_sample_bytes, 16 * 4096)
            for what, off in differences(found, truth, found.most_sample_bytes):
                self.assertLess(abs(off), 8, what)
                key = what.split(":")[0]
                sums[key] = sums.get(key, 0) + off
        for what, off in sums.items():
            self.assertLess(abs(off), 7 * math.sqrt(runs), what)

    def test_the_errors_of_a_program_in_haste_are_known(self):
        # Where what is said of them were too little, what they are off would sum up to more. Of a
        # single one it may be far too little: who was in haste and hit it by no sample adds nothing.
        offs, claims = [], []
        for _ in range(12):
            found, truth = run(4096, up_to=4 << 20)
            for name, (_, made_bytes, _, _, live_bytes, _) in truth.items():
                if name not in found.functions or name == "handed_over":
                    continue
                sums = found.functions[name]
                for got, true, excess in (
                    (sums[1], made_bytes, sums[9]),
                    (sums[3], live_bytes, sums[10]),
                ):
                    if excess != 0:
                        offs.append((got - true) ** 2)
                        claims.append(4096 * (got + excess))
        self.assertGreater(len(offs), 12)
        self.assertLess(sum(offs) / sum(claims), 3)
        near = sum(off < 4 * claim for off, claim in zip(offs, claims))
        self.assertGreater(near / len(offs), 0.8)

    def test_sums_over_sites_threads_and_tags_are_the_same(self):
        found, _ = run(4096)
        self.assertEqual(sum(s[9] for s in found.sites), found.live_bytes)
        self.assertEqual(sum(t[9] for t in found.threads), found.live_bytes)
        self.assertEqual(sum(t[4] for t in found.tags), found.live_bytes)
        self.assertEqual(sum(s[8] for s in found.sites), found.live_blocks)

    def test_all_memory_goes_back(self):
        settings = "track=sampled,sample=4K,release_at_exit=1"
        environment = {**os.environ, "LD_PRELOAD": figures.LIBRARY, "ASHLAR_OPTIONS": settings}
        done = subprocess.run(
            [figures.PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stderr, "ashlar: at exit: reserved 0 bytes, committed 0 bytes\n")


if __name__ == "__main__":
    figures.LIBRARY, figures.PROGRAM = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
