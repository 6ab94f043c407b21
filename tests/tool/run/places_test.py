#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the functions and lines in reports: of what ashlar said on stderr, and of what containers
took from managers. On the real library."""

import json
import os
import signal
import unittest

from support import LIBRARY, RunTest

PROGRAM = os.environ["ASHLAR_CAPTURED_PROGRAM"]
CONTAINERS = os.environ["ASHLAR_CONTAINERS_PROGRAM"]


class Said(RunTest):
    def test_a_fault_is_shown_with_functions_and_lines(self):
        result = self.tool("run", "--json", "--track=debug", "--library", LIBRARY, PROGRAM,
                           "double-free")
        self.assertEqual(result.returncode, -signal.SIGABRT, result.stderr)
        text = result.stderr.decode()
        self.assertIn("ashlar: double free of", text)
        said = json.loads(text[text.index("\n{") :])["processes"][0]["tracking"]["said"]
        self.assertTrue(said[0]["text"].startswith("ashlar: double free of"))
        heads = []
        for before, line in zip(said, said[1:]):
            if line["frames"] and not before["frames"]:
                heads.append((before["text"].split()[-1], line["frames"][0]))
        self.assertEqual(len(heads), 4, said)  # made, freed, freed again; the neighbour
        for word, frame in heads:
            self.assertEqual(word, "at")
            self.assertTrue(frame["file"].endswith("captured_program.cpp"), frame)
            self.assertGreater(frame["line"], 0)


    def test_what_the_programs_own_copy_of_the_library_says_is_shown_so(self):
        result = self.tool("run", "--json", "--track=full", "--library", LIBRARY, CONTAINERS, "leak")
        self.assertEqual(result.returncode, 0, result.stderr)
        text = result.stderr.decode()
        said = json.loads(text[text.index("\n{") :])["processes"][0]["tracking"]["said"]
        places = {}
        for line in said:
            if line["text"].startswith("ashlar: "):
                head = line["text"]
            for frame in line["frames"]:
                if frame["function"].startswith("game::forget_some"):
                    places[head] = frame["line"]
        self.assertEqual(list(places), ["ashlar: scope 'part' ends with 1 live block, 123 B",
                                        "ashlar: watched ends with 1 live block, 77 B"], said)
        self.assertGreater(min(places.values()), 0)


class Containers(RunTest):
    def test_what_containers_took_from_managers_is_shown_with_its_lines(self):
        result = self.tool("run", "--json", "--track=full", "--library", LIBRARY, CONTAINERS)
        self.assertEqual(result.returncode, 0, result.stderr)
        inside = json.loads(result.stderr)["processes"][0]["tracking"]["inside"]
        found = {each["name"] or each["manager"]: each for each in inside}
        self.assertEqual(len(inside), 2, inside)
        self.assertEqual((found["level"]["manager"], found["level"]["live_bytes"],
                          found["level"]["live_blocks"]), ("arena", 4000, 1))
        self.assertEqual((found["pool"]["live_blocks"], found["pool"]["allocations"]), (10, 10))
        for name, function in (("level", "load_level"), ("pool", "add_nodes")):
            each = found[name]
            head = each["stack"][each["head"]]
            self.assertIn(function, head["function"])
            self.assertTrue(head["file"].endswith("containers_program.cpp"), head)
            self.assertGreater(head["line"], 0)
            self.assertEqual(each["tag"], "game/level")

    def test_the_report_has_a_section_for_it(self):
        result = self.tool("run", "--track=full", "--width=120", "--library", LIBRARY, CONTAINERS)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr.decode(),
                         r'INSIDE MANAGERS[^\n]*in 11 blocks of containers\n[^\n]*\n'
                         r'  arena "level" [^\n]*load_level[^\n]*containers_program.cpp:\d+'
                         r"[^\n]*<game/level>")


if __name__ == "__main__":
    unittest.main()
