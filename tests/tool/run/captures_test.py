#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests captures that are taken while a program runs, or as it crashes, on the real library."""

import glob
import json
import os
import resource
import signal
import subprocess
import time
import unittest

from support import LIBRARY, PATIENCE, PYTHON, TOOL, RunTest

PROGRAM = os.environ["ASHLAR_CAPTURED_PROGRAM"]


class CapturesTest(RunTest):
    def setUp(self):
        super().setUp()
        self.captures = os.path.join(self.folder, "captures")
        os.mkdir(self.captures)

    def preloaded(self, options):
        return dict(self.environment, LD_PRELOAD=LIBRARY,
                    ASHLAR_OPTIONS=f"track=full,capture={self.captures},{options}")

    def run_program(self, *words, options="", **settings):
        return subprocess.run([PROGRAM, *words], env=self.preloaded(options), timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              **settings)

    def files(self):
        """The captures that were left, the numbered ones first, as the names without the pid."""
        found = glob.glob(self.captures + "/*")
        return sorted((os.path.basename(each).split(".", 1)[1], each) for each in found)

    def read(self, *files):
        result = self.tool("leaks", "--json", "--reachable", *files)
        self.assertIn(result.returncode, (0, 23), result.stderr)
        return json.loads(result.stdout)["captures"][0]

    @staticmethod
    def live_of(capture, function):
        return sum(site["live_blocks"] for site in capture["sites"]
                   if function in (site["stack"][site["head"]]["function"] or ""))


class Crashes(CapturesTest):
    def crash(self, how, by, **settings):
        """Crashes, and returns what the capture says; the end is as it would be without it."""
        result = self.run_program(how, options="capture_on_crash=1", **settings)
        self.assertEqual(result.returncode, -by, result.stderr)
        ((name, file),) = self.files()
        self.assertEqual(name, "capture")
        capture = self.read(file)
        os.unlink(file)
        return capture

    def test_each_way_to_crash_leaves_a_whole_capture(self):
        for how, by in (("segv", signal.SIGSEGV), ("abort", signal.SIGABRT),
                        ("trap", signal.SIGILL), ("overflow", signal.SIGSEGV),
                        ("kill", signal.SIGFPE), ("thread", signal.SIGSEGV)):
            with self.subTest(how):
                capture = self.crash(how, by)
                self.assertEqual(self.live_of(capture, "lose"), 5)
                self.assertEqual(capture["leaks"]["lost"]["blocks"], 5)
                self.assertEqual(capture["leaks"]["not_shown"]["blocks"], 1)
                self.assertGreaterEqual(self.live_of(capture, "keep"), 10)

    def test_a_fault_that_the_heap_reports_leaves_one(self):
        capture = self.crash("double-free", signal.SIGABRT)
        self.assertEqual(self.live_of(capture, "keep"), 9)

    def test_a_crash_under_locks_of_the_heap_leaves_one(self):
        for _ in range(10):
            capture = self.crash("amid", signal.SIGSEGV)
            self.assertEqual(self.live_of(capture, "lose"), 5)
            self.assertEqual(self.live_of(capture, "keep"), 10)

    def test_a_full_heap_leaves_one(self):
        for limit in (200 << 20, 1 << 30):
            def limited(limit=limit):
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            capture = self.crash("full", signal.SIGSEGV, preexec_fn=limited)
            self.assertGreaterEqual(self.live_of(capture, "fill_up"), 50)
            self.assertEqual(self.live_of(capture, "lose"), 5)
            self.assertEqual(capture["leaks"]["lost"]["blocks"], 5)

    def test_without_the_option_there_is_none(self):
        self.assertEqual(self.run_program("segv").returncode, -signal.SIGSEGV)
        self.assertEqual(self.files(), [])

    def test_the_report_of_a_run_says_what_ended_it(self):
        result = self.tool("run", "--library", LIBRARY, "--track=full", PROGRAM, "segv")
        self.assertEqual(result.returncode, -signal.SIGSEGV)
        self.assertIn(b"taken as SIGSEGV ended it", result.stderr)
        self.assertIn("1 500 B in 5 blocks lost", result.stderr.decode())


class Signals(CapturesTest):
    def wait_for(self, name):
        """Waits until a capture of this name is whole."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for found, file in self.files():
                if found == name and self.tool("leaks", "-q", file).returncode == 23:
                    return file
            time.sleep(0.02)
        raise AssertionError(f"no whole {name} among {self.files()}")

    def test_an_idle_program_leaves_one_at_each_signal(self):
        with subprocess.Popen([PROGRAM, "wait"], env=self.preloaded("capture_signal=USR2"),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGUSR2)
            first = self.wait_for("1.capture")
            process.send_signal(signal.SIGUSR2)
            second = self.wait_for("2.capture")
            found = json.loads(self.tool("doctor", "--json", str(process.pid)).stdout)
            facts = {each["name"]: each for each in found["findings"]}
            self.assertEqual(facts["capture_signal"]["verdict"], "ok")
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE), 0)
        for file in (first, second):
            self.assertEqual(self.read(file)["leaks"]["lost"]["blocks"], 5)
        text = self.tool("leaks", first).stdout.decode()
        self.assertIn("taken at SIGUSR2, after", text)
        self.assertEqual([name for name, _ in self.files()],
                         ["1.capture", "2.capture", "capture"])

    def test_a_forked_child_of_a_run_that_is_not_followed_leaves_none(self):
        script = f"'{PROGRAM}'; ({PROGRAM}; true) & wait"
        for follow, count in (((), 1), (("-f",), 4)):
            self.tool("run", "-q", "--library", LIBRARY, "--track=full", *follow, "--captures",
                      self.captures, "sh", "-c", script)
            self.assertEqual(len(self.files()), count, self.files())
            for _, file in self.files():
                os.unlink(file)


class Terminations(CapturesTest):
    def start(self, *command, options="capture_on_termination=1", **settings):
        """Starts a program that says "ready" and waits."""
        process = subprocess.Popen(command, env=self.preloaded(options), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_each_signal_that_ends_it_leaves_a_whole_capture(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                process = self.start(PROGRAM, "wait")
                process.send_signal(number)
                self.assertEqual(process.wait(PATIENCE), -number)
                ((name, file),) = self.files()
                self.assertEqual(name, "capture")
                capture = self.read(file)
                self.assertEqual(capture["leaks"]["lost"]["blocks"], 5)
                self.assertEqual(self.live_of(capture, "keep"), 10)
                text = self.tool("leaks", file).stdout.decode()
                self.assertIn(f"taken as {number.name} ended it", text)
                os.unlink(file)

    def test_one_amid_allocations_leaves_one(self):
        result = self.run_program("stopped-amid", options="capture_on_termination=1")
        self.assertEqual(result.returncode, -signal.SIGTERM)
        self.assertEqual(self.live_of(self.read(self.files()[0][1]), "keep"), 10)

    def test_an_interpreter_finds_the_default_and_sets_its_own(self):
        process = self.start(PYTHON, "-c", """
import signal, sys
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
try:
    print("ready", flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    sys.exit(7)
""")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 7)

    def test_one_that_cleans_up_and_sends_it_again_leaves_one(self):
        process = self.start(PYTHON, "-c", """
import os, signal, sys
def stop(number, frame):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
sys.stdin.read()
""")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), -signal.SIGTERM)
        text = self.tool("leaks", self.files()[0][1]).stdout.decode()
        self.assertIn("taken as SIGTERM ended it", text)

    def test_what_is_ignored_stays_ignored(self):
        process = self.start(PROGRAM, "wait", preexec_fn=lambda: signal.signal(
            signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_without_the_option_there_is_none(self):
        process = self.start(PROGRAM, "wait", options="capture_on_termination=0")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), -signal.SIGTERM)
        self.assertEqual(self.files(), [])

    def interrupted(self, *command):
        """Returns what the tool reports on a program that Ctrl-C ends."""
        with subprocess.Popen([TOOL, *command, "--library", LIBRARY, "--", PROGRAM, "wait"],
                              env=self.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGINT)
            # To its end before anybody closes what the program waits for: that would end it, too.
            return process.stderr.read().decode()

    def test_the_tool_reports_on_a_program_that_was_interrupted(self):
        text = self.interrupted("leaks")
        self.assertIn("1 500 B in 5 blocks lost", text)
        self.assertIn("taken as SIGINT ended it", text)
        report = json.loads(self.interrupted("run", "--json", "--track=full"))
        self.assertEqual(report["processes"][0]["tracking"]["reason"], "termination")


class OnDemand(CapturesTest):
    def test_the_program_asks_for_one(self):
        path = os.path.join(self.folder, "asked.capture")
        self.assertEqual(self.run_program("ask", path).returncode, 0)
        capture = self.read(path)
        self.assertEqual(self.live_of(capture, "lose"), 5)
        self.assertIn("taken as the program asked", self.tool("leaks", path).stdout.decode())
        os.unlink(self.files()[0][1])
        self.assertEqual(self.run_program("ask").returncode, 0)
        self.assertEqual([name for name, _ in self.files()], ["1.capture", "capture"])

    def test_children_forked_amid_a_capture_write_theirs(self):
        path = os.path.join(self.folder, "child.capture")
        result = self.run_program("fork", path, options="follow=0")
        self.assertEqual(result.returncode, 30, result.stderr)
        self.assertEqual(self.live_of(self.read(path), "lose"), 5)
        self.assertEqual([name for name, _ in self.files()], ["capture"])

    def test_one_that_cannot_be_written_is_a_line(self):
        result = self.run_program("ask", "/no/such/folder/x.capture")
        self.assertEqual(result.returncode, 9)
        self.assertEqual(result.stderr,
                         b"ashlar: cannot write the capture to /no/such/folder/x.capture\n")

    def test_a_limit_on_the_size_of_files_does_not_end_the_program(self):
        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        result = self.run_program(preexec_fn=limited)
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"ashlar: cannot write the capture to ", result.stderr)


class Suppressions(CapturesTest):
    def test_those_of_the_program_count(self):
        self.run_program()
        leaks = self.read(self.files()[0][1])["leaks"]
        self.assertEqual(leaks["lost"], {"bytes": 1500, "blocks": 5, "stacks": 1})
        self.assertEqual(leaks["hidden"][0]["suppressed_by"], "known_to_leak")
        self.assertEqual(leaks["hidden"][0]["blocks"], 1)
        found = json.loads(self.tool("doctor", "--json", PROGRAM).stdout)
        self.assertIn(("suppressions", "ok"),
                      [(each["name"], each["verdict"]) for each in found["findings"]])


class Cycles(CapturesTest):
    def test_of_each_group_that_nothing_leads_to_one_block_is_lost(self):
        self.assertEqual(self.run_program("rings").returncode, 0)
        leaks = self.read(self.files()[0][1])["leaks"]
        self.assertEqual(leaks["lost"]["blocks"], 5 + 2)
        self.assertEqual(leaks["kept_by_lost"]["blocks"], 5)


class Marks(CapturesTest):
    def test_what_was_made_between_marks_is_exact(self):
        result = self.tool("run", "--library", LIBRARY, "--json", "--track=full", PROGRAM, "mark")
        tracking = json.loads(result.stderr)["processes"][0]["tracking"]
        self.assertEqual([mark["name"] for mark in tracking["marks"]], ["level loaded", "boss"])
        self.assertEqual(tracking["frames"], 40)
        self.assertEqual([each["live_blocks"] for each in tracking["periods"]], [16, 8, 7])
        self.assertEqual([each["lost_blocks"] for each in tracking["periods"]], [6, 3, 2])
        made = [[(each["after"], each["before"], each["lost_blocks"]) for each in lost["periods"]]
                for lost in tracking["leaks"]["found"]]
        self.assertCountEqual(made, [[(None, "level loaded", 5)],
                                     [("level loaded", "boss", 3), ("boss", None, 2)]])

    def test_reports_show_them(self):
        text = self.tool("run", "--library", LIBRARY, "--width", "80", "--track=full", PROGRAM,
                         "mark").stderr.decode()
        self.assertIn("TIME MARKS   2 marks", text)
        self.assertIn("FRAMES   40 begun", text)
        self.assertIn('all made before "level loaded"', text)
        self.assertIn('made 3 between "level loaded" and "boss" · 2 after "boss"', text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)


class Growth(CapturesTest):
    def function(self, place):
        return place["stack"][place["head"]]["function"].split("::")[-1].split("(")[0]

    def test_a_run_says_what_grows(self):
        result = self.tool("run", "--library", LIBRARY, "--json", "--leaks-every", "150ms",
                           PROGRAM, "grow")
        growth = json.loads(result.stderr)["processes"][0]["growth"]
        self.assertGreaterEqual(growth["steps"], 2)
        steady = {self.function(each): each for each in growth["growing"] if each["steady"]}
        self.assertEqual(set(steady), {"keep", "lose"})
        self.assertEqual(steady["keep"]["lost_blocks"], 0)
        self.assertGreater(steady["lose"]["lost_blocks"], 0)
        self.assertEqual(steady["keep"]["bytes"], steady["keep"]["blocks"] * 200)
        self.assertAlmostEqual(steady["keep"]["certainty"], 1 - 2.0 ** -growth["steps"])

    def test_captures_that_were_kept_are_compared(self):
        result = self.tool("leaks", "--library", LIBRARY, "--every", "150ms", "--captures",
                           self.captures, "--", PROGRAM, "grow")
        self.assertEqual(result.returncode, 23)
        self.assertIn("2 places rose in each of", result.stderr.decode())
        files = [file for _, file in self.files()]
        text = self.tool("leaks", "--width", "80", *files).stdout.decode()
        self.assertIn("still referenced", text)
        self.assertRegex(text, r"GROWING   2 places rose in each of \d+ steps over")
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        numbered = [file for file in files if ".1." in file or ".2." in file]
        grown = json.loads(self.tool("leaks", "--json", "--growing", *numbered).stdout)
        self.assertEqual(grown["steps"], 1)

    def test_a_program_that_ends_too_soon_has_a_reason_instead(self):
        result = self.tool("run", "--library", LIBRARY, "--leaks-every", "1h", PROGRAM)
        self.assertIn("GROWING   not known: it ended before there were two captures",
                      result.stderr.decode())

    def test_the_option_wants_a_time(self):
        result = self.tool("run", "--leaks-every", "often", PROGRAM)
        self.assertEqual(result.returncode, 2)
        self.assertIn("must be a time such as 10", result.stderr.decode())


if __name__ == "__main__":
    unittest.main()
