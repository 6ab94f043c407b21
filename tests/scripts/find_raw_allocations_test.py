# SPDX-License-Identifier: MIT
"""Tests of scripts/find_raw_allocations.py."""

import subprocess
import sys
import unittest

import support


class FindRawAllocations(support.CheckTest):
    script = "find_raw_allocations.py"

    def find(self, text, *options, name="a.cpp"):
        """Returns the numbers of the lines that are found in a file of this text."""
        self.write(name, text)
        command = [sys.executable, "-B", str(support.SCRIPTS / self.script), *options]
        result = subprocess.run(
            [*command, str(self.root / name)], text=True, capture_output=True, check=False
        )
        self.assertEqual(result.stderr, "")
        lines = result.stdout.splitlines()
        self.assertEqual(result.returncode, 1 if lines else 0)
        return [int(line.split(":")[1]) for line in lines]

    def assert_found(self, *lines):
        for line in lines:
            self.assertEqual(self.find(f"\n{line}\n"), [2], line)

    def assert_passed(self, *lines):
        for line in lines:
            self.assertEqual(self.find(f"\n{line}\n"), [], line)

    def test_finds_each_kind(self):
        self.assert_found(
            "void* p = malloc(5);",
            "p = std::malloc(5);",
            "p = ::calloc(1, 5);",
            "return realloc(p, 7);",
            "if (posix_memalign(&p, 64, 5)) {}",
            "char* s = strdup(text);",
            "free(p);",
            "std::free (p);",
            "auto* n = new node;",
            "auto* n = new node{1};",
            "f(new int[5]);",
            "auto* n = ::new node;",
            "auto* n = new (std::nothrow) node;",
            "auto* n = new std::vector<int>;",
            "void* p = ::operator new(5);",
            "::operator delete(p);",
            "delete n;",
            "delete[] list;",
            "delete (n);",
            "if (p && free(p), 1) {}",
            "if (n > 0 && malloc(n)) {}",
            "x = y * malloc(3);",
            "auto d = &malloc;",
            "void (*f)(void*) = free;",
            "return std::free;",
            "std::unique_ptr<char, decltype(&std::free)> u(p, std::free);",
            "void* z = (malloc)(10);",
            "auto x = new (int);",
            "auto y = new (std::string)(text);",
            "int (*list)[5] = new (int[3][5]);",
            "x = many ? new (int) : one;",
            "auto w = new (std::nothrow_t{}) int;",
            "char c = u8'\"'; int* q = new int;",
            "sizeof malloc(3);",
        )

    def test_lets_pass_what_is_none(self):
        self.assert_passed(
            "::new (place) node;",
            "auto* n = new (place) node{1};",
            "heap.free(p);",
            "heap->malloc(5);",
            "my::malloc(5);",
            "void* operator new(size_t size);",
            "void operator delete(void* p) noexcept;",
            "node(const node&) = delete;",
            "node& operator=(const node&) = delete;",
            "void free(void* p);",
            "void* malloc(size_t size) { return take(size); }",
            "extern void* malloc(size_t size);",
            "public: void free(void* p);",
            "template <class T> void free(T* p);",
            "__attribute__((malloc)) void* take(size_t size);",
            "#if defined(malloc)",
            "kind = my::free; f(&my::malloc);",
            "decltype(malloc) another;",
            "enum state { used, free, gone };",
            "size_t free = size - used; report(used, free);",
            "auto* n = new (place) ::node;",
            "int newest = malloced(free_blocks(1));",
            "#include <new>",
            '#include "malloc (5).h"',
            "// p = malloc(5), then delete p",
            "/* new node */",
            'say("malloc(5) and new node");',
            'say(R"(new node)");',
            "int big = 1'000'000;",
        )

    def test_suppressions_need_a_reason(self):
        self.assert_passed("p = malloc(5);  // ashlar: raw allocation (the C library frees it)")
        self.assert_found("p = malloc(5);  // ashlar: raw allocation")
        self.assert_found("p = malloc(5);  // ashlar: raw allocation ()")
        self.assertEqual(
            self.find("// ashlar: raw allocation (freed by libfoo)\np = malloc(5);\nfree(p);\n"), [3]
        )
        self.assertEqual(
            self.find("// ashlar: raw allocations in this file (a malloc)\nfree(p);\n"), []
        )

    def test_finds_lines_behind_comments_and_literals(self):
        text = "/* one\n two */ p = malloc(1);\nconst char c = '\"'; q = new int;\n"
        self.assertEqual(self.find(text), [2, 3])

    def test_kinds_are_chosen(self):
        text = "p = malloc(5);\nn = new node;\nu = std::make_unique<node>(5);\n"
        self.assertEqual(self.find(text), [1, 2])
        self.assertEqual(self.find(text, "--allow", "new"), [1])
        self.assertEqual(self.find(text, "--forbid", "smart"), [1, 2, 3])

    def test_reads_folders(self):
        self.write("src/a.cpp", "p = malloc(5);\n")
        self.write("src/deep/b.h", "free(p);\n")
        self.write("src/c.txt", "free(p);\n")
        for suffix in ("C", "CPP", "c++", "cu", "ixx", "tpp"):
            self.write(f"src/other.{suffix}", "free(p);\n")
        command = [sys.executable, "-B", str(support.SCRIPTS / self.script), str(self.root / "src")]
        result = subprocess.run(command, text=True, capture_output=True, check=False)
        self.assertEqual(len(result.stdout.splitlines()), 8)


if __name__ == "__main__":
    unittest.main()
