# SPDX-License-Identifier: MIT
"""Tests of disassembly.py on listings written for it: what must be found is found."""

import unittest

import disassembly


def function_of(*lines):
    """Builds a listing in objdump's form, one instruction an address, and parses it."""
    body = "\n".join(f"    {address:x}:\t{text}" for address, text in enumerate(lines, start=16))
    return disassembly.parse(f"0000000000000010 <f>:\n{body}\n")["f"]


class Paths(unittest.TestCase):
    def test_a_straight_function_has_one(self):
        paths = disassembly.hit_paths(function_of("mov %rdi,%rax", "ret"))
        self.assertEqual([len(path) for path in paths], [2])

    def test_a_branch_inside_gives_two(self):
        paths = disassembly.hit_paths(
            function_of("test %rdi,%rdi", "je 13 <f+0x3>", "inc %rax", "ret")
        )
        self.assertEqual(sorted(len(path) for path in paths), [3, 4])

    def test_a_branch_out_of_the_function_gives_none_of_its_own(self):
        paths = disassembly.hit_paths(function_of("test %rdi,%rdi", "je 5119 <f.cold>", "ret"))
        self.assertEqual([len(path) for path in paths], [3])

    def test_a_jump_back_is_followed_once(self):
        paths = disassembly.hit_paths(
            function_of("mov %rdi,%rax", "dec %rax", "jne 11 <f+0x1>", "ret")
        )
        self.assertEqual([len(path) for path in paths], [4])

    def test_a_call_takes_the_path_out(self):
        for call in ("call 5000 <g>", "call *0x10(%rip)", "syscall"):
            self.assertEqual(disassembly.hit_paths(function_of(call, "ret")), [])


class Aliases(unittest.TestCase):
    def test_each_name_of_an_address_finds_its_code(self):
        functions = disassembly.parse("0000000000000010 <f>:\n    10:\tret\n")
        table = (
            "0000000000000010 g    DF .text\t0000000000000001  Base        f\n"
            "0000000000000010 g    DF .text\t0000000000000001  Base        second\n"
            "0000000000000020 g    DF .text\t0000000000000001  Base        elsewhere\n"
            "0000000000000000      DF *UND*\t0000000000000000  GLIBC_2.34  read\n"
        )
        disassembly.add_aliases(functions, table)
        self.assertEqual(sorted(functions), ["f", "second"])
        self.assertIs(functions["second"], functions["f"])


class Atomics(unittest.TestCase):
    def is_atomic(self, text):
        return function_of(text)[0].is_atomic_update

    def test_locked_instructions_are_found(self):
        self.assertTrue(self.is_atomic("lock xadd %rax,(%rdi)"))
        self.assertTrue(self.is_atomic("lock cmpxchg %rsi,0x8(%rdi)"))

    def test_exchanging_with_memory_implies_a_lock(self):
        self.assertTrue(self.is_atomic("xchg %rax,(%rdi)"))

    def test_exchanging_registers_does_not(self):
        self.assertFalse(self.is_atomic("xchg %rax,%rdx"))
        self.assertFalse(self.is_atomic("mov %rax,(%rdi)"))


if __name__ == "__main__":
    unittest.main()
