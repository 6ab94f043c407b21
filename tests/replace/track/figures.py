#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A capture of a program with known allocations says exactly what it did. Arguments: the library,
the program (known.cpp)."""

import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LIBRARY = ""
PROGRAM = ""

HEADER = struct.Struct("<QIIIIQQQQQQQQQII64s4IQII")
SECTION = struct.Struct("<IIQQ")
SITE = struct.Struct("<6I11Q2I")
TAG = struct.Struct("<2I4Q")
THREAD = struct.Struct("<4I6Q")


class Capture:
    """The figures of a file, with sites grouped by the function of known.cpp they come from."""

    def __init__(self, path, symbols):
        data = Path(path).read_bytes()
        fields = HEADER.unpack_from(data)
        self.live_bytes, self.live_blocks, self.peak_bytes = fields[7:10]
        self.lost_events, self.sample_bytes = fields[11:13]
        self.most_sample_bytes, self.has_leaks = fields[13:15]
        sections = {}
        for i in range(11):
            kind, size, offset, count = SECTION.unpack_from(data, HEADER.size + i * SECTION.size)
            sections[kind] = (size, offset, count)
        self.base = self._base(data, sections[1])
        frames = self._entries(data, sections[3], struct.Struct("<Q"))
        self.functions = {}
        self.sites = self._entries(data, sections[4], SITE)
        for site in self.sites:
            stack = [f[0] for f in frames[site[0] : site[0] + site[1]]]
            name = self._function(stack, symbols)
            sums = self.functions.setdefault(name, [0] * 11)
            for i, value in enumerate(site[6:17]):
                sums[i] += value
        self.tags = self._entries(data, sections[5], TAG)
        self.threads = self._entries(data, sections[6], THREAD)

    @staticmethod
    def _entries(data, section, layout):
        size, offset, count = section
        assert size == layout.size
        return [layout.unpack_from(data, offset + i * size) for i in range(count)]

    @staticmethod
    def _base(data, section):
        _, offset, count = section
        for line in data[offset : offset + count].decode().splitlines():
            if line.endswith(os.path.realpath(PROGRAM)):
                return int(line.split("-")[0], 16)
        raise AssertionError("the program is not among its own mappings")

    def _function(self, stack, symbols):
        for address in stack:
            for name, start, size in symbols:
                if start < address - self.base <= start + size:
                    return name
        return ""


def read_symbols():
    """The functions of known.cpp that allocate: name, start, size."""
    text = subprocess.run(["nm", "-S", PROGRAM], capture_output=True, text=True, check=True).stdout
    symbols = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 4 and "_" in fields[3] and not fields[3].startswith("_"):
            symbols.append((fields[3], int(fields[0], 16), int(fields[1], 16)))
    return symbols


class Figures(unittest.TestCase):
    def capture(self, *arguments, options="", code=0):
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "LD_PRELOAD": LIBRARY,
                "ASHLAR_OPTIONS": f"track=full,capture={folder}{options}",
            }
            done = subprocess.run(
                [PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False
            )
            self.assertEqual(done.returncode, code, done.stderr)
            (file,) = Path(folder).iterdir()
            return Capture(file, read_symbols())

    # born blocks, born bytes, live blocks, live bytes, temporary
    EXPECTED = {
        "keeps_ten": (10, 1000, 10, 1000, 0),
        "makes_temporary": (1000, 48000, 0, 0, 1000),
        "grows_twice": (3, 1001010, 1, 1000000, 2),
        "uses_new": (7, 24 + 64 + 512 + 5000000, 7, 24 + 64 + 512 + 5000000, 0),
        "loses_fifty": (100, 50 * 96, 100, 50 * 96, 0),
    }

    def assert_exact(self, found):
        for name, expected in self.EXPECTED.items():
            self.assertEqual(tuple(found.functions[name][:5]), expected, name)
        self.assertEqual(tuple(found.functions["makes_later"][:4]), (1000, 64000, 0, 0))
        self.assertEqual(found.lost_events, 0)
        # Sums over sites, threads and tags are one and the same.
        self.assertEqual(sum(s[9] for s in found.sites), found.live_bytes)
        self.assertEqual(sum(t[9] for t in found.threads), found.live_bytes)
        self.assertEqual(sum(t[4] for t in found.tags), found.live_bytes)
        self.assertEqual(sum(s[8] for s in found.sites), found.live_blocks)
        self.assertEqual(sum(s[6] for s in found.sites), sum(t[4] for t in found.threads))
        self.assertGreaterEqual(found.peak_bytes, found.live_bytes)

    def assert_threads(self, found):
        made = sorted(t[4] for t in found.threads if t[2] == 1)
        self.assertEqual([n for n in made if n >= 500], [500, 500])
        live = [t for t in found.threads if t[2] == 1 and t[4] == 500 and t[8] == 500]
        self.assertEqual(len(live), 1)

    def test_every_figure_is_exact(self):
        for arguments, code in (((), 0), (("exit",), 4), (("_exit",), 3)):
            for options in ("", ",exact_peaks=1", ",depth=64"):
                found = self.capture(*arguments, options=options, code=code)
                self.assert_exact(found)
                self.assert_threads(found)

    def test_lost_blocks_are_told_from_those_they_keep(self):
        found = self.capture()
        self.assertEqual(found.has_leaks, 1)
        lost_blocks, lost_bytes, held_blocks, held_bytes = found.functions["loses_fifty"][5:9]
        self.assertEqual((lost_blocks, lost_bytes), (50, 50 * 80))
        self.assertEqual((held_blocks, held_bytes), (50, 50 * 16))
        for name in ("keeps_ten", "grows_twice", "uses_new"):
            self.assertEqual(found.functions[name][5:9], [0, 0, 0, 0], name)

    def test_a_stack_of_one_frame_is_the_caller(self):
        found = self.capture(options=",depth=1")
        self.assertEqual(tuple(found.functions["keeps_ten"][:4]), (10, 1000, 10, 1000))
        self.assertTrue(all(s[1] <= 1 for s in found.sites))

    def test_all_memory_goes_back_with_tracking_too(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "LD_PRELOAD": LIBRARY,
                "ASHLAR_OPTIONS": f"release_at_exit=1,track=full,capture={folder},"
                "capture_on_crash=1",
            }
            done = subprocess.run(
                [PROGRAM], env=environment, capture_output=True, text=True, check=False
            )
            self.assertEqual(
                done.stderr, "ashlar: at exit: reserved 0 bytes, committed 0 bytes\n"
            )
            self.assertEqual(len(list(Path(folder).iterdir())), 1)


if __name__ == "__main__":
    LIBRARY, PROGRAM = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
