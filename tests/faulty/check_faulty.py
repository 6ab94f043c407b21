#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one program of this folder at the debug level, with its mistake and without.

With it, the report must have the kind that table.py names, and among the first frames of its stacks
the lines that the source marks: `made`, `freed`, `noticed`. Without it there must be no report.
Leaks are read from the capture: the marks are `made` and `kept`.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import capture
import table

LIMIT = 60  # seconds: nothing here takes one
FIRST_FRAMES = 4
FRAME = re.compile(r"    #\d+ 0x[0-9a-f]+ (\S+)\+0x([0-9a-f]+)")
STACKS = (  # which lines of a report open which stack
    ("made", re.compile(r"  block of .* at$")),
    ("freed", re.compile(r"  and freed in .* at$")),
    ("noticed", re.compile(r"  [a-z ]+ at$")),
)


class Program:
    def __init__(self, path, library, addr2line, source):
        self.path = path
        self.library = library
        self.addr2line = addr2line
        self.source = source

    def run(self, options, folder):
        words = ["track=debug", f"capture={folder}", *options.split()]
        environment = {
            **os.environ,
            "LD_PRELOAD": self.library,
            "ASHLAR_OPTIONS": ",".join(words),
        }
        return subprocess.run(
            [self.path], env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    def lines_of(self, frames):
        """Returns the lines of the source that the first of some frames lie in."""
        offsets = [
            hex(offset - 1)
            for file, offset in frames[:FIRST_FRAMES]
            if os.path.basename(file) == os.path.basename(self.path)
        ]
        if not offsets:
            return set()
        command = [self.addr2line, "-i", "-e", self.path, *offsets]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.findall(r"([^/\n]+):(\d+)", text)
        return {int(line) for name, line in found if name == self.source.name}


def marks_of(source):
    """Returns {mark: lines} of the comments at the ends of lines."""
    marks = {}
    for number, line in enumerate(source.read_text().splitlines(), 1):
        match = re.search(r"// (made|freed|noticed|kept)$", line)
        if match:
            marks.setdefault(match[1], set()).add(number)
    return marks


def stacks_of(report):
    """Returns {mark: frames} of the stacks of one report."""
    stacks, current = {}, None
    for line in report:
        frame = FRAME.match(line)
        if frame is None:
            name = next((name for name, opening in STACKS if opening.match(line)), None)
            current = stacks.setdefault(name, []) if name else None
        elif current is not None:
            current.append((frame[1], int(frame[2], 16)))
    return stacks


def report_problems(program, case, folder):
    done = program.run(case.options, folder)
    if done.returncode != case.status:
        yield f"ended with {done.returncode}, not {case.status}"
    report = done.stderr.splitlines()
    if not report or re.match(rf"ashlar: {case.kind} of 0x[0-9a-f]+: ", report[0]) is None:
        yield f"the report is no '{case.kind}'"
    wrong = sum(line.count("*") for line in report if line.startswith("    0x"))
    if case.wrong_bytes not in (None, wrong):
        yield f"{wrong} bytes are called wrong, not {case.wrong_bytes}"
    stacks = stacks_of(report)
    for mark, wanted in marks_of(program.source).items():
        lines = program.lines_of(stacks.get(mark, []))
        if not lines & wanted:
            yield f"'{mark}' names the lines {sorted(lines)}, not {sorted(wanted)}"
    if done.returncode != case.status or len(stacks) == 0:
        yield done.stderr


def leak_problems(program, case, folder):
    done = program.run(case.options, folder)
    if done.returncode != case.status or done.stderr:
        yield f"ended with {done.returncode}, and says {done.stderr!r}"
        return
    marks = marks_of(program.source)
    sites = list(capture.read_sites(next(pathlib.Path(folder).iterdir())))
    for mark, lost in (
        ("made", [s for s in sites if s.lost_blocks or (s.held_blocks and "kept" not in marks)]),
        ("kept", [s for s in sites if s.held_blocks and "kept" in marks]),
    ):
        found = set().union(*(program.lines_of(site.frames) for site in lost))
        if marks.get(mark, set()) - found:
            yield f"'{mark}': lost are blocks of the lines {sorted(found)}, not {marks[mark]}"


def fixed_problems(program, case, folder):
    done = program.run(case.options, folder)
    if done.returncode != 0 or done.stderr:
        yield f"fixed: ended with {done.returncode}, and says {done.stderr}"
        return
    for site in capture.read_sites(next(pathlib.Path(folder).iterdir())):
        if case.kind is None and (site.lost_blocks or site.held_blocks):
            yield f"fixed: lost are blocks of the lines {sorted(program.lines_of(site.frames))}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=table.FAULTS)
    parser.add_argument("--faulty", required=True)
    parser.add_argument("--fixed", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--addr2line", default="addr2line")
    arguments = parser.parse_args()
    case = table.FAULTS[arguments.name]
    source = pathlib.Path(__file__).parent / f"{arguments.name}.cpp"
    look = leak_problems if case.kind is None else report_problems
    problems = []
    for path, check in ((arguments.faulty, look), (arguments.fixed, fixed_problems)):
        program = Program(path, arguments.library, arguments.addr2line, source)
        with tempfile.TemporaryDirectory() as folder:
            problems += check(program, case, folder)
    print("\n".join(problems) or f"{arguments.name}: reported where it is, and only then")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
