# SPDX-License-Identifier: MIT
"""Tests of scripts/check_spdx.py."""

import unittest

import support

LINE = "SPDX-License-Identifier: MIT\n"


class CheckSpdx(support.CheckTest):
    script = "check_spdx.py"

    def test_accepts_files_with_line_and_note(self):
        self.write("src/ashlar/base/a.hpp", f"// {LINE}// What it is.\n")
        self.write("scripts/a.py", f'#!/usr/bin/env python3\n# {LINE}"""What it is."""\n')
        self.assert_clean()

    def test_refuses_a_file_without_the_line(self):
        self.write("src/ashlar/base/a.hpp", "// What it is.\n")
        self.assert_finds("src/ashlar/base/a.hpp:1: the first line is not 'SPDX")

    def test_refuses_a_file_without_a_note(self):
        self.write("tests/CMakeLists.txt", f"# {LINE}\nadd_test()\n")
        self.assert_finds("tests/CMakeLists.txt:2: no note on what the file provides")


if __name__ == "__main__":
    unittest.main()
