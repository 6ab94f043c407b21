# SPDX-License-Identifier: MIT
"""Tests of scripts/check_size.py and of how it tells functions from other braces."""

import sys
import textwrap
import unittest

import support

sys.path.insert(0, str(support.SCRIPTS))
import functions  # noqa: E402


def function_text(lines):
    return "void work() {\n" + "  step();\n" * (lines - 2) + "}\n"


class CheckSize(support.CheckTest):
    script = "check_size.py"

    def test_accepts_a_small_tree(self):
        self.write("src/ashlar/base/a.cpp", function_text(40))
        self.assert_clean()

    def test_refuses_a_long_file(self):
        self.write("src/ashlar/base/a.hpp", "int x;\n" * 601)
        self.assert_finds("src/ashlar/base/a.hpp: file of 601 lines, the limit is 600")

    def test_refuses_a_long_function(self):
        self.write("src/ashlar/base/a.cpp", "namespace n {\n" + function_text(61) + "}\n")
        self.assert_finds("src/ashlar/base/a.cpp:2: work: function of 61 lines, the limit is 60")

    def test_refuses_a_full_folder(self):
        for number in range(21):
            self.write(f"src/ashlar/base/a{number}.hpp", "")
            self.write(f"src/ashlar/base/a{number}.cpp", "")
        self.assert_finds("src/ashlar/base: folder of 21 files, the limit is 20")

    def test_only_remarks_on_a_soft_limit(self):
        self.write("src/ashlar/base/a.cpp", function_text(41))
        code, output = self.run_check()
        self.assertEqual(code, 0)
        self.assertIn("note: src/ashlar/base/a.cpp:1: work: function of 41 lines", output)

    def test_an_exception_raises_a_limit_and_must_be_needed(self):
        entry = '[[function]]\nname = "src/ashlar/base/a.cpp:work"\nlimit = 70\nreason = "one table"\n'
        self.write("scripts/size_exceptions.toml", entry)
        self.write("src/ashlar/base/a.cpp", function_text(70))
        self.assert_clean()
        self.write("src/ashlar/base/a.cpp", function_text(71))
        self.assert_finds("function of 71 lines, the limit is 70")
        self.write("src/ashlar/base/a.cpp", function_text(10))
        self.assert_finds("the function src/ashlar/base/a.cpp:work needs no exception")

    def test_an_exception_needs_a_reason(self):
        self.write("scripts/size_exceptions.toml", '[[file]]\nname = "a"\nlimit = 700\nreason = ""\n')
        self.assert_finds("a has no reason")


class FindFunctions(support.CheckTest):
    def found_in(self, text):
        self.write("a.cpp", textwrap.dedent(text))
        found = functions.functions_of(self.root / "a.cpp")
        return [(function.name, function.line, function.lines) for function in found]

    def test_finds_functions_in_scopes(self):
        text = """\
            namespace a::b {
            template <class T = std::vector<int>>
            struct alignas(64) thing final : base<T> {
              int get() const noexcept { return 1'000; }
              bool operator==(const thing& other) const {
                return true;
              }
            };
            extern "C" {
            void f() {}
            }
            }
            """
        expected = [("get", 4, 1), ("operator==", 5, 3), ("f", 10, 1)]
        self.assertEqual(self.found_in(text), expected)

    def test_sees_through_constructor_lists_and_initialisers(self):
        text = """\
            constexpr int table[] = {1, 2, 3};
            constexpr auto made = make({
                1, 2});
            thing::thing(int a)
                : a_{a},
                  b_(2) {
              int list[]{1, 2};
              if (a) { run([] { return "}"; }); }
            }
            auto value() -> int
            {
            }
            """
        self.assertEqual(self.found_in(text), [("thing::thing", 4, 6), ("value", 10, 3)])

    def test_counts_a_concept_as_no_function(self):
        self.assertEqual(self.found_in("template <class M>\nconcept m = requires(M x) {\n x.y();\n};\n"), [])


if __name__ == "__main__":
    unittest.main()
