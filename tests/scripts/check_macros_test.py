# SPDX-License-Identifier: MIT
"""Tests of scripts/check_macros.py."""

import unittest

import support


class CheckMacros(support.CheckTest):
    script = "check_macros.py"

    def test_accepts_the_places_that_may(self):
        self.write("src/ashlar/base/macros.hpp", "#if defined(X)\n#define ASHLAR_X 1\n#endif\n")
        self.write("src/ashlar/os/linux/a.cpp", "#ifdef MADV_X\n#endif\n")
        self.write("src/ashlar/replace/r.cpp", "#if 1\n#define ASHLAR_ENTRY\n#endif\n")
        self.write("src/ashlar/arena.h", "#ifdef __cplusplus\n#endif\n#define ASHLAR_API\n")
        self.assert_clean()

    def test_refuses_a_condition_above_os(self):
        for directive in ("#if 1", "#ifdef X", "# ifndef X", "#elif 1"):
            with self.subTest(directive):
                self.write("src/ashlar/heap/h.hpp", f"int x;\n{directive}\n#endif\n")
                word = directive.replace("# ", "#").split()[0]
                self.assert_finds(f"src/ashlar/heap/h.hpp:2: {word} is allowed in base, os, replace")

    def test_refuses_a_macro_outside_the_macro_header(self):
        self.write("src/ashlar/base/bits.hpp", "#define ASHLAR_BITS 1\n")
        self.assert_finds("#define ASHLAR_BITS belongs in base/macros.hpp")

    def test_refuses_a_macro_without_the_prefix(self):
        self.write("src/ashlar/base/macros.hpp", "#define FORCE_INLINE inline\n")
        self.assert_finds("macro FORCE_INLINE does not start with ASHLAR_")

    def test_ignores_comments_and_strings(self):
        self.write("src/ashlar/heap/h.hpp", '// #if\n/*\n#if 1\n*/\nauto s = R"(\n#if 1\n)";\n')
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
