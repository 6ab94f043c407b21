# SPDX-License-Identifier: MIT
"""A temporary source tree, and a way to run one of the checks on it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"


class CheckTest(unittest.TestCase):
    """A test of the check named by `script`; every test starts with an empty tree."""

    script = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, text):
        """Writes a file of the tree."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run_check(self):
        """Runs the check; returns its exit code and what it printed."""
        command = [sys.executable, "-B", str(SCRIPTS / self.script), "--root", str(self.root)]
        result = subprocess.run(command, text=True, capture_output=True, check=False)
        return result.returncode, result.stdout + result.stderr

    def assert_clean(self):
        """The check accepts the tree and says nothing."""
        self.assertEqual(self.run_check(), (0, ""))

    def assert_finds(self, *texts):
        """The check refuses the tree and prints each of `texts`."""
        code, output = self.run_check()
        self.assertEqual(code, 1, output)
        for text in texts:
            self.assertIn(text, output)
