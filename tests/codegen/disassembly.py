# SPDX-License-Identifier: MIT
"""Reads a function's machine code with objdump, and walks every path through it that makes no call.

Works on x86-64. A path ends at `ret`, or where it leaves the function: that is how hot code hands
over to cold code.
"""

import dataclasses
import re
import subprocess

_HEADER = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"^ +([0-9a-f]+):\t(\S.*)$")
_TARGET = re.compile(r"^([0-9a-f]+)(?: <|$)")

_SYMBOL = re.compile(r"^([0-9a-f]+) .*\s\.text\s.*\s(\S+)$")

PREFIXES = ("lock", "rep", "repz", "repnz", "bnd", "notrack", "data16", "cs")


@dataclasses.dataclass(frozen=True)
class Instruction:
    address: int
    text: str  # as objdump prints it

    @property
    def words(self):
        return self.text.split()

    @property
    def name(self):
        """The mnemonic, without prefixes."""
        return next((word for word in self.words if word not in PREFIXES), "")

    @property
    def is_call(self):
        return self.name.startswith("call") or self.name in ("syscall", "int", "sysenter")

    @property
    def is_atomic_update(self):
        """Whether it is an atomic read-modify-write: a lock prefix, or xchg with memory, which
        implies one."""
        return "lock" in self.words or (self.name == "xchg" and "(" in self.text)

    @property
    def is_return(self):
        return self.name.startswith("ret")

    @property
    def is_jump(self):
        return self.name.startswith("j")

    @property
    def is_unconditional(self):
        return self.name == "jmp"

    @property
    def target(self):
        """The address a jump goes to, or None if it is in a register or in memory."""
        match = _TARGET.match(self.words[-2] if self.words[-1].startswith("<") else self.words[-1])
        return int(match.group(1), 16) if match else None


def parse(text):
    """Returns the instructions of each symbol of an objdump listing."""
    functions = {}
    current = None
    for line in text.splitlines():
        if header := _HEADER.match(line):
            current = functions.setdefault(header.group(1), [])
        elif current is not None and (found := _INSTRUCTION.match(line)):
            code = found.group(2).split("#")[0].rstrip()
            current.append(Instruction(int(found.group(1), 16), code))
    return functions


def add_aliases(functions, symbols):
    """A listing has one name for each address. Adds the others that objdump's table of dynamic
    symbols has for it."""
    by_address = {code[0].address: code for code in functions.values() if code}
    for line in symbols.splitlines():
        if (symbol := _SYMBOL.match(line)) and int(symbol.group(1), 16) in by_address:
            functions.setdefault(symbol.group(2), by_address[int(symbol.group(1), 16)])


def disassemble(objdump, library):
    def output_of(*options):
        command = [objdump, *options, library]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    functions = parse(output_of("--disassemble", "--no-show-raw-insn", "--section=.text"))
    add_aliases(functions, output_of("--dynamic-syms"))
    return functions


def paths_to_return(function):
    """Yields each path from the entry to a `ret` on which no instruction comes twice, as a list of
    instructions."""
    at = {instruction.address: index for index, instruction in enumerate(function)}
    pending = [(0, ())]
    while pending:
        index, path = pending.pop()
        while index is not None and index < len(function):
            instruction = function[index]
            if instruction in path:
                break
            path = (*path, instruction)
            if instruction.is_return:
                yield list(path)
                break
            following = index + 1
            if instruction.is_jump:
                target = at.get(instruction.target)  # None: it leaves the function
                if instruction.is_unconditional:
                    following = target
                elif target is not None:
                    pending.append((target, path))
            index = following


def hit_paths(function):
    """Returns the paths to a `ret` that make no call: those on which nothing was missing."""
    return [path for path in paths_to_return(function) if not any(step.is_call for step in path)]
