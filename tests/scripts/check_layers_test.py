# SPDX-License-Identifier: MIT
"""Tests of scripts/check_layers.py."""

import unittest

import support


class CheckLayers(support.CheckTest):
    script = "check_layers.py"

    def test_accepts_includes_that_go_down(self):
        self.write("src/ashlar/os/a.hpp", '#include "ashlar/base/b.hpp"\n#include <cstddef>\n')
        self.write("src/ashlar/heap/h.cpp", '#include "ashlar/manager/concept.hpp"\n')
        self.write("src/ashlar/manager/source/s.cpp", '#include "ashlar/os/a.hpp"\n')
        self.write("src/ashlar/ashlar.hpp", '#include "ashlar/heap/h.hpp"\n')
        self.assert_clean()

    def test_refuses_an_include_that_goes_up(self):
        self.write("src/ashlar/base/b.hpp", '\n#include "ashlar/os/a.hpp"\n')
        self.assert_finds(
            "src/ashlar/base/b.hpp:2: include of ashlar/os/a.hpp goes from layer base to layer os"
        )

    def test_refuses_an_include_of_a_sibling(self):
        self.write("src/ashlar/heap/h.hpp", "#include <ashlar/container/vector.hpp>\n")
        self.assert_finds("goes from layer heap to layer container")

    def test_keeps_the_system_out_of_managers_that_are_no_source(self):
        self.write("src/ashlar/manager/arena/a.hpp", '#include "ashlar/os/a.hpp"\n')
        self.assert_finds("goes from layer manager to layer os")

    def test_keeps_platform_folders_private(self):
        self.write("src/ashlar/heap/h.hpp", '#include "ashlar/os/linux/a.hpp"\n')
        self.assert_finds("reaches into os/linux, which only os may include")

    def test_refuses_relative_paths_and_the_umbrella(self):
        self.write("src/ashlar/base/b.hpp", '#include "../base/c.hpp"\n#include <ashlar/ashlar.hpp>\n')
        self.assert_finds("../base/c.hpp is not a full path", "ashlar/ashlar.hpp is for users")

    def test_refuses_a_folder_that_is_no_layer(self):
        self.write("src/ashlar/util/u.hpp", "")
        self.assert_finds("src/ashlar/util/u.hpp: lies in no layer")

    def test_ignores_comments(self):
        self.write("src/ashlar/base/b.hpp", '/*\n#include "ashlar/os/a.hpp"\n*/\n')
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
