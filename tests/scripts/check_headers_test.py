# SPDX-License-Identifier: MIT
"""Tests of scripts/check_headers.py."""

import unittest

import support


class CheckHeaders(support.CheckTest):
    script = "check_headers.py"

    def test_accepts_a_header_that_stands_alone(self):
        text = '#pragma once\n#include "ashlar/base/build_config.hpp"\n'
        self.write("src/ashlar/base/a.hpp", text + "static_assert(!ashlar::build::asan);\n")
        self.assert_clean()

    def test_refuses_a_header_that_needs_another(self):
        self.write("src/ashlar/base/a.hpp", "#pragma once\ninline std::size_t size = 0;\n")
        self.assert_finds("src/ashlar/base/a.hpp: does not compile alone", "size_t")

    def test_refuses_a_header_without_a_guard(self):
        self.write("src/ashlar/base/a.hpp", "struct a {};\n")
        self.assert_finds("src/ashlar/base/a.hpp: does not compile alone", "redefinition")

    def test_refuses_a_header_with_a_warning(self):
        self.write("src/ashlar/base/a.hpp", "#pragma once\nstruct a {\n  int n;\n  int more[];\n};\n")
        self.assert_finds("src/ashlar/base/a.hpp: does not compile alone", "flexible array")

    def test_leaves_other_systems_out(self):
        self.write("src/ashlar/os/windows/a.hpp", "#include <windows.h>\n")
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
