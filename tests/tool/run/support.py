# SPDX-License-Identifier: MIT
"""What the tests of `ashlar run` share: the names of what is tested, and one case that runs it.

The environment names what is tested: ASHLAR_TOOL, the executable; ASHLAR_LIBRARY, what it preloads
(the real library, or the fake one of these tests); ASHLAR_STATIC_PROGRAM, a program without a
dynamic linker. Every test checks in the end that the tool has left no folder behind.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = os.environ["ASHLAR_TOOL"]
LIBRARY = os.environ["ASHLAR_LIBRARY"]
STATIC_PROGRAM = os.environ["ASHLAR_STATIC_PROGRAM"]
PYTHON = sys.executable
PATIENCE = 20  # seconds for things that take milliseconds, on a machine that is busy


class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ashlar-run-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.runtime = os.path.join(self.folder, "runtime")
        os.mkdir(self.runtime)
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=self.runtime)
        for name in ("ASHLAR_OPTIONS", "LD_PRELOAD", "NO_COLOR", "COLUMNS", "LC_ALL"):
            self.environment.pop(name, None)

    def tearDown(self):
        self.assertEqual(os.listdir(self.runtime), [], "the tool left a folder behind")

    def command(self, *words, options=()):
        return [TOOL, "run", "--library", LIBRARY, *options, "--", *words]

    def run_tool(self, *words, options=(), **settings):
        settings.setdefault("env", self.environment)
        return subprocess.run(self.command(*words, options=options), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, **settings)

    def tool(self, *words, **settings):
        return subprocess.run([TOOL, *words], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False, **settings)

    def start_tool(self, script):
        """Starts a Python program that says "ready" when it is, and returns the tool's process."""
        process = subprocess.Popen(self.command(PYTHON, "-c", script), env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def write_script(self, name, text, mode=0o755):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def assert_report(self, text, count=1):
        self.assertEqual(text.count(b"ashlar report"), count, text.decode())

    def assert_refused(self, result, code, line):
        self.assertEqual(result.returncode, code, result.stderr.decode())
        self.assertEqual(result.stderr.decode(), line + "\n")
        self.assertEqual(result.stdout, b"")
