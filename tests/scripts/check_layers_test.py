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

    def test_keeps_the_kinds_of_managers_apart(self):
        self.write("src/ashlar/manager/arena/a.hpp", '#include "ashlar/manager/pool/p.hpp"\n')
        self.assert_finds("goes from layer manager/arena to layer manager/pool")

    def test_keeps_platform_folders_private(self):
        self.write("src/ashlar/heap/h.hpp", '#include "ashlar/os/linux/a.hpp"\n')
        self.assert_finds("reaches into os/linux, which only os may include")

    def test_refuses_relative_paths_and_the_umbrella(self):
        self.write("src/ashlar/base/b.hpp", '#include "../base/c.hpp"\n#include <ashlar/ashlar.hpp>\n')
        self.assert_finds("../base/c.hpp is not a full path", "ashlar/ashlar.hpp is for users")

    def test_lets_a_source_define_what_a_c_header_for_users_declares(self):
        self.write("src/ashlar/manager/arena/c.cpp", '#include "ashlar/arena.h"\n')
        self.assert_clean()
        self.write("src/ashlar/manager/arena/c.hpp", '#include "ashlar/arena.h"\n')
        self.assert_finds("src/ashlar/manager/arena/c.hpp:1: include of ashlar/arena.h is for users")

    def test_refuses_a_folder_that_is_no_layer(self):
        self.write("src/ashlar/util/u.hpp", "")
        self.assert_finds("src/ashlar/util/u.hpp: lies in no layer")

    def test_ignores_comments(self):
        self.write("src/ashlar/base/b.hpp", '/*\n#include "ashlar/os/a.hpp"\n*/\n')
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
