#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests `ashlar run` under a shell with job control, on a terminal of its own."""

import os
import pty
import re
import select
import signal
import time
import unittest

from support import PATIENCE, PYTHON, RunTest


class Terminal(RunTest):
    def setUp(self):
        super().setUp()
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(self.environment, PS1="$ ", PS2="", TERM="xterm")
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.shell = pid
        self.seen = b""
        self.addCleanup(os.close, self.terminal)
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.type("stty -echo; echo be''gun\n")
        self.expect(b"begun")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def expect(self, wanted):
        """Reads what the terminal shows until `wanted`, and returns it."""
        end = time.monotonic() + PATIENCE
        while wanted not in self.seen:
            if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {wanted} in {self.seen}")
            self.seen += os.read(self.terminal, 65536)
        before, _, self.seen = self.seen.partition(wanted)
        return before + wanted

    def expect_code(self, code):
        """Asks the shell for the exit code, which also waits until the tool is gone."""
        self.type("echo code $?\n")
        self.expect(f"code {code}\r".encode())

    def line(self, script):
        path = self.write_script("program.py", script)
        return " ".join(self.command(PYTHON, path)) + "\n"

    def test_ctrl_c_reaches_the_program_once_and_the_tool_reports(self):
        self.type(self.line("import signal, time\n"
                            "def got(number, frame): print('got', number, flush=True)\n"
                            "signal.signal(signal.SIGINT, got)\n"
                            "print('ready', flush=True)\n"
                            "time.sleep(1); print('done', flush=True)\n"))
        self.expect(b"ready")
        self.type("\x03")
        output = self.expect(b"TIME")
        self.assertEqual(output.count(b"got 2"), 1, output)
        self.assertIn(b"done", output)
        self.expect_code(0)

    def test_ctrl_c_ends_a_program_that_does_not_handle_it(self):
        self.type(self.line("import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
                            "print('ready', flush=True); time.sleep(60)\n"))
        self.expect(b"ready")
        self.type("\x03")
        self.assertIn(b"killed by SIGINT", self.expect(b"TIME"))
        self.expect_code(130)

    def test_ctrl_z_stops_both_and_fg_continues_both(self):
        self.type(self.line("import sys; print('ready', flush=True); print('line', sys.stdin.readline(), flush=True)\n"))
        self.expect(b"ready")
        self.type("\x1a")
        self.expect(b"Stopped")
        self.type("jobs | wc -l; fg\n")
        self.expect(b"program.py")
        self.type("typed\n")
        self.expect(b"line typed")
        self.expect(b"TIME")
        self.expect_code(0)

    def test_the_program_is_in_the_foreground(self):
        self.type(self.line("import os; print(os.tcgetpgrp(0) == os.getpgrp(), os.isatty(1), flush=True)\n"))
        self.expect(b"True True")
        self.expect_code(0)

    def test_the_report_has_the_width_of_the_terminal_and_colour(self):
        for columns in (80, 120):
            self.type(f"stty cols {columns}; " + " ".join(self.command("true")) + "\n")
            output = self.expect(b"TIME")
            self.expect_code(0)
            self.assertIn(b"\x1b[32m", output)
            plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", output).decode()
            widths = [len(each.rstrip("\r")) for each in plain.splitlines() if "RSS" in each or "│" in each]
            self.assertTrue(widths)
            self.assertLessEqual(max(widths), columns)


if __name__ == "__main__":
    unittest.main(verbosity=2)
