#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of ASHLAR_OPTIONS as users meet it: on programs that know nothing of ashlar. Arguments: the
library's path."""

import os
import struct
import subprocess
import sys
import tempfile
import unittest

LIBRARY = ""


def run(options, *command):
    """Returns the finished process of a command (default: true) on ashlar with these options."""
    environment = {**os.environ, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}
    return subprocess.run(
        command or ("true",),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Options(unittest.TestCase):
    def assert_says(self, options, *lines):
        done = run(options)
        self.assertEqual(done.stderr.splitlines(), list(lines))
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_known_options_say_nothing(self):
        self.assert_says("")
        self.assert_says(
            "faults=warn,soft_limit=64M,hard_limit=2G,cgroup=0,follow=1,fail_at=0,fail_every=0"
        )
        self.assert_says(",,faults=ignore,,")
        self.assert_says("track=debug,guard=1K,fill=1T,quarantine=1m,soft_limit=1g")

    def test_an_unknown_key_gets_one_line_with_the_nearest_match(self):
        for key, nearest in (
            ("fault", "faults"),
            ("hardlimit", "hard_limit"),
            ("hard", "hard_limit"),
            ("release", "release_at_exit"),
            ("softlimt", "soft_limit"),
            ("release_on_exit", "release_at_exit"),
            ("snapshots", "snapshot"),
            ("fial_at", "fail_at"),
        ):
            self.assert_says(
                f"{key}=1",
                f"ashlar: unknown option '{key}' in ASHLAR_OPTIONS; did you mean '{nearest}'?",
            )

    def test_each_unknown_key_gets_its_line_and_the_others_hold(self):
        done = run("x=1,release_at_exit=1,yy")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[0].startswith("ashlar: unknown option 'x'"))
        self.assertTrue(lines[1].startswith("ashlar: unknown option 'yy'"))
        self.assertTrue(lines[2].startswith("ashlar: at exit:"))

    def test_a_bad_value_gets_one_line_that_says_what_is_expected(self):
        def line(value, option, expected):
            place = f"for option '{option}' in ASHLAR_OPTIONS"
            return f"ashlar: bad value '{value}' {place}; expected {expected}"

        self.assert_says("faults=off", line("off", "faults", "abort, warn or ignore"))
        self.assert_says("hard_limit=64Q", line("64Q", "hard_limit", "a size such as 64M"))
        self.assert_says("hard_limit=", line("", "hard_limit", "a size such as 64M"))
        self.assert_says(
            "soft_limit=99999999999G", line("99999999999G", "soft_limit", "a size such as 64M")
        )
        self.assert_says("soft_limit=-1", line("-1", "soft_limit", "a size such as 64M"))
        self.assert_says("follow=yes", line("yes", "follow", "0 or 1"))
        self.assert_says("follow", line("", "follow", "0 or 1"))
        for value in ("", "often", "10d", "-1s", "99999999999999h", "ms"):
            self.assert_says(
                f"capture_every={value}",
                line(value, "capture_every", "a time such as 10s or 500ms"),
            )
        for value in ("", "KILL", "SEGV", "9", "0", "65", "USR3"):
            self.assert_says(
                f"capture_signal={value}", line(value, "capture_signal", "a signal such as USR1")
            )
        for good in ("capture_every=5", "capture_every=500ms", "capture_signal=SIGUSR1",
                     "capture_signal=USR2", "capture_signal=40", "capture_on_crash=1"):
            self.assertEqual(run(good, "true").stderr, "")
        self.assert_says(
            "fail_at=99999999999999999999", line("99999999999999999999", "fail_at", "a number")
        )

    def test_keys_of_any_length_and_content_do_no_harm(self):
        for options in (
            "k" * 10_000,
            "=" * 1000,
            "," * 10_000,
            "a=" + "v" * 100_000,
            "faults=" + "w" * 5000,
            "\t\n =",
        ):
            done = run(options)
            self.assertEqual(done.returncode, 0)
            self.assertLessEqual(len(done.stderr.splitlines()), 2)
            self.assertLess(len(done.stderr), 2000)

    def test_all_memory_is_back_at_the_end(self):
        script = """
import json, threading
threads = [threading.Thread(target=lambda: json.dumps(list(range(10**5)))) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
a = bytearray(10**8)
"""
        python = ("/usr/bin/python3", "-I", "-c", script)
        for command in ((), ("ls", "/"), ("perl", "-e", "my @a = (1) x 10**6"), python):
            done = run("release_at_exit=1", *command)
            self.assertEqual(done.returncode, 0, f"{command[:1]}: {done.stderr}")
            lines = done.stderr.splitlines()
            self.assertGreaterEqual(len(lines), 1, f"{command[:1]} says nothing")
            self.assertEqual(set(lines), {"ashlar: at exit: reserved 0 bytes, committed 0 bytes"})

    def test_giving_memory_back_loses_no_output(self):
        for options in ("", "release_at_exit=1"):
            done = run(options, "perl", "-e", "print 'x' x 1000")
            self.assertEqual(done.stdout, "x" * 1000)
            done = run(options, "awk", 'BEGIN { printf "x" }')
            self.assertEqual(done.stdout, "x")

    def test_every_request_to_the_os_may_fail(self):
        for first in range(1, 40):
            for options in (
                f"fail_at={first}",
                f"fail_at={first},fail_every=1",
                f"fail_at={first},fail_every=3",
            ):
                done = run(options, "ls", "/")
                self.assertGreaterEqual(done.returncode, 0, f"{options}: signal; {done.stderr}")

    def test_a_snapshot_appears_in_the_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run(f"snapshot={folder}", "ls", "/")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            names = os.listdir(folder)
            self.assertEqual(len(names), 1)
            self.assertRegex(names[0], r"^\d+\.ashlar$")

    def test_the_last_record_of_a_quick_exit(self):
        with tempfile.TemporaryDirectory() as folder:
            script = "import ctypes; ctypes.CDLL(None).quick_exit(3)"
            done = run(f"snapshot={folder}", "/usr/bin/python3", "-I", "-c", script)
            self.assertEqual((done.returncode, done.stderr), (3, ""))
            (name,) = os.listdir(folder)
            with open(os.path.join(folder, name), "rb") as file:
                state = struct.unpack_from("<QIIII", file.read())[4]
            self.assertEqual(state, 2, "the process has not said that it ends")

    def test_a_limit_on_the_size_of_files_gets_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run(f"snapshot={folder}", "sh", "-c", "ulimit -f 1; exec ls /")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertTrue(done.stderr.startswith("ashlar: cannot publish to "))

    def test_a_snapshot_folder_that_is_missing_gets_one_line(self):
        done = run("snapshot=/nowhere/at/all", "ls", "/")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertTrue(done.stderr.startswith("ashlar: "))

    def test_a_child_that_outlives_the_folder_says_nothing(self):
        done = run("snapshot=/nowhere/at/all,follow=1", "ls", "/")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = run("track=full,capture=/nowhere/at/all,follow=1", "ls", "/")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    LIBRARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
