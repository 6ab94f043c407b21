#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests what the tool says of programs that are tracked, on the real library."""

import glob
import json
import os
import shutil
import subprocess
import unittest

from support import LIBRARY, PYTHON, STATIC_PROGRAM, TOOL, RunTest

LEAKY = os.environ["ASHLAR_LEAKY_PROGRAM"]

LOST = "3 000 B in 10 blocks lost"


class TrackingTest(RunTest):
    def ashlar(self, verb, *words, **settings):
        settings.setdefault("env", self.environment)
        library = [] if verb == "doctor" else ["--library", LIBRARY]
        return subprocess.run([TOOL, verb, *library, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120, check=False, **settings)

    def capture(self, *words):
        """Runs the leaky program and returns the path of its capture."""
        folder = os.path.join(self.folder, f"captures{len(os.listdir(self.folder))}")
        os.mkdir(folder)
        result = self.ashlar("run", "-q", "--track=full", "--captures", folder, LEAKY, *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return glob.glob(folder + "/*.capture")[0]

    def leaks_of(self, *words):
        result = self.ashlar("leaks", "--json", *words)
        return result.returncode, json.loads(result.stdout)["captures"][0]["leaks"]


class Run(TrackingTest):
    def test_the_figures_are_exact(self):
        result = self.ashlar("run", "--json", "--track=full", LEAKY)
        self.assertEqual(result.stdout, b"done\n")
        tracking = json.loads(result.stderr)["processes"][0]["tracking"]
        self.assertEqual(tracking["level"], "full")
        self.assertEqual(tracking["lost_events"], 0)
        sites = {}
        for site in tracking["sites"]:
            head = site["stack"][site["head"]]
            name = (head["function"] or "").split("(anonymous namespace)::")[-1]
            sites.setdefault(name.split("(")[0], site)
        lost = sites["lose"]
        self.assertEqual((lost["live_blocks"], lost["live_bytes"]), (10, 3000))
        self.assertEqual(lost["allocations"], 10)
        helper = sites["inlined_helper"]
        self.assertEqual((helper["live_blocks"], helper["live_bytes"]), (10, 10_000))
        head, caller = helper["stack"][helper["head"]:][:2]
        self.assertTrue(head["inlined"])
        self.assertIn("keep_more", caller["function"])
        self.assertTrue(caller["file"].endswith("leaky_program.cpp"))

    def test_the_text_shows_places_and_leaks(self):
        result = self.ashlar("run", "--width", "80", "--track=full", LEAKY)
        text = result.stderr.decode()
        for words in ("TOP SITES by live bytes", "TOP SITES by allocations", "THREADS", "LEAKS",
                      "TRACKER   full", "leaky_program.cpp:"):
            self.assertIn(words, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_options_of_the_user_stay(self):
        environment = dict(self.environment, ASHLAR_OPTIONS="track=full,cgroup=0")
        result = self.ashlar("run", "-q", "--track=off", "sh", "-c", 'echo "$ASHLAR_OPTIONS"',
                             env=environment)
        self.assertRegex(result.stdout.decode(), r"^track=full,cgroup=0,snapshot=.*,track=off$")
        result = self.ashlar("run", "--json", LEAKY, env=environment)
        self.assertIn("tracking", json.loads(result.stderr)["processes"][0])

    def test_a_program_that_is_killed_has_a_reason_instead(self):
        result = self.ashlar("run", "--track=full", "sh", "-c", "kill -9 $$")
        self.assertEqual(result.returncode, -9)
        self.assertIn("It left no capture of its blocks", result.stderr.decode())

    def test_counters_alone_need_no_stacks(self):
        result = self.ashlar("run", "--json", "--track=counters", LEAKY)
        tracking = json.loads(result.stderr)["processes"][0]["tracking"]
        self.assertEqual(tracking["level"], "counters")
        self.assertIsNone(tracking["leaks"])


class Leaks(TrackingTest):
    def test_a_program_that_leaks_ends_with_23(self):
        result = self.ashlar("leaks", "--", LEAKY)
        self.assertEqual(result.returncode, 23, result.stderr)
        self.assertEqual(result.stdout, b"done\n")
        text = result.stderr.decode()
        self.assertIn(LOST, text)
        self.assertIn("48 B in 1 block lost", text)
        self.assertIn("32 B in 1 block kept by lost ones", text)

    def test_a_program_that_nobody_looked_at_does_not_pass(self):
        result = self.ashlar("leaks", "--", "sh", "-c", "exec env -i true")
        self.assertEqual(result.returncode, 125)
        self.assertIn("no leak report: It left no capture of its blocks", result.stderr.decode())
        result = self.ashlar("leaks", "--", "sh", "-c", "exec env -i sh -c 'exit 3'")
        self.assertEqual(result.returncode, 3)

    def test_the_exit_code_can_be_chosen_and_that_of_the_program_comes_first(self):
        self.assertEqual(self.ashlar("leaks", "--exit-code", "0", "--", LEAKY).returncode, 0)
        self.assertEqual(self.ashlar("leaks", "--exit-code", "7", "--", LEAKY).returncode, 7)
        result = self.ashlar("leaks", "--", "sh", "-c", "exit 3")
        self.assertEqual(result.returncode, 3)

    def test_captures_are_looked_at_as_often_as_wanted(self):
        capture = self.capture()
        code, leaks = self.leaks_of(capture)
        self.assertEqual(code, 23)
        self.assertEqual(leaks["lost"], {"bytes": 10 * 300 + 48, "blocks": 11, "stacks": 2})
        self.assertEqual(leaks["kept_by_lost"], {"bytes": 32, "blocks": 1, "stacks": 1})
        code, leaks = self.leaks_of("--min", "1K", capture)
        self.assertEqual(leaks["lost"], {"bytes": 3_000, "blocks": 10, "stacks": 1})
        text = self.ashlar("leaks", "--reachable", capture).stdout.decode()
        self.assertIn("STILL REFERENCED", text)
        self.assertIn("5 000", text)

    def test_suppressions_are_those_of_leak_sanitizer(self):
        capture = self.capture()
        everything = self.write_script("all.supp", "# known\nleak:lose\n")
        code, leaks = self.leaks_of("--suppressions", everything, capture)
        self.assertEqual((code, leaks["lost"]["blocks"]), (0, 0))
        self.assertEqual(leaks["not_shown"]["blocks"], 12)
        some = self.write_script("some.supp", "leak:^*lose(unsigned long)$\n")
        environment = dict(self.environment, LSAN_OPTIONS=f"suppressions={some}:verbosity=1")
        result = self.ashlar("leaks", capture, env=environment)
        self.assertEqual(result.returncode, 23)
        self.assertIn(b"48 B in 1 block lost", result.stdout)
        wrong = self.write_script("wrong.supp", "lek:x\n")
        result = self.ashlar("leaks", "--suppressions", wrong, capture)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr.decode(),
                         f"ashlar: {wrong}:1: expected leak:PATTERN, not 'lek:x'\n")

    def test_what_grew_between_two_captures(self):
        before, after = self.capture(), self.capture("more")
        result = self.ashlar("leaks", "--json", "--growing", before, after)
        self.assertEqual(result.returncode, 23, result.stderr)
        grown = json.loads(result.stdout)["growing"]
        self.assertEqual((grown[0]["bytes"], grown[0]["blocks"]), (10_000, 10))
        self.assertIn("inlined_helper", grown[0]["stack"][grown[0]["head"]]["function"])
        self.assertEqual(self.ashlar("leaks", "--growing", before, before).returncode, 0)

    def test_what_is_no_whole_capture_gets_one_line(self):
        capture = self.capture()
        with open(capture, "rb") as file:
            whole = file.read()
        damaged = os.path.join(self.folder, "damaged.capture")
        for data in (b"", b"text\n", whole[:100], whole[:1000], whole[:-1],
                     b"\0" * 300 + whole[300:], whole[:8] + b"\x63" + whole[9:]):
            with open(damaged, "wb") as file:
                file.write(data)
            result = self.ashlar("leaks", damaged)
            self.assertEqual(result.returncode, 125)
            self.assertRegex(result.stderr.decode(),
                             rf"^ashlar: cannot read the capture '{damaged}': it is [^\n]*\n$")
        result = self.ashlar("leaks", "/no/such.capture")
        self.assertEqual((result.returncode, result.stderr.decode()),
                         (125, "ashlar: cannot read the capture '/no/such.capture': "
                               "No such file or directory\n"))

    def test_a_program_that_is_gone_or_stripped_still_has_its_figures(self):
        program = shutil.copy(LEAKY, os.path.join(self.folder, "program"))
        folder = os.path.join(self.folder, "of-program")
        os.mkdir(folder)
        self.ashlar("run", "-q", "--track=full", "--captures", folder, program)
        capture = glob.glob(folder + "/*.capture")[0]
        os.unlink(program)
        result = self.ashlar("leaks", capture)
        self.assertEqual(result.returncode, 23)
        self.assertIn(LOST, result.stdout.decode())
        self.assertRegex(result.stdout.decode(), r"program\+0x[0-9a-f]+")
        self.assertIn(b"changed or gone", result.stdout)

    @unittest.skipUnless(shutil.which("objcopy"), "needs objcopy")
    def test_separate_debug_information_is_found(self):
        program = os.path.join(self.folder, "split")
        debug = os.path.join(self.folder, "split.debug")
        subprocess.run(["objcopy", "--only-keep-debug", LEAKY, debug], check=True)
        subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", LEAKY, program],
                       check=True)
        result = self.ashlar("leaks", "--", program)
        self.assertRegex(result.stderr.decode(), r"lose_a_list  .*leaky_program.cpp:\d+")


class Doctor(TrackingTest):
    def findings(self, *words):
        result = self.ashlar("doctor", "--json", *words)
        found = json.loads(result.stdout)
        return result.returncode, {each["name"]: each for each in found["findings"]}

    def test_programs_of_several_kinds(self):
        code, found = self.findings(LEAKY)
        self.assertEqual(found["frame_pointers"]["section"], "STACKS")
        self.assertEqual(found["debug_information"]["verdict"], "ok")
        self.assertEqual(found["own_malloc"]["verdict"], "ok")
        code, found = self.findings(STATIC_PROGRAM)
        self.assertEqual((code, found["preload"]["verdict"]), (1, "no"))
        script = self.write_script("script", f"#!{PYTHON}\nprint(1)\n")
        code, found = self.findings(script)
        self.assertIn("runtime", found)

    def test_a_process(self):
        code, found = self.findings(str(os.getpid()))
        self.assertEqual(found["on_ashlar"]["verdict"], "limit")
        environment = dict(self.environment, LD_PRELOAD=LIBRARY, ASHLAR_OPTIONS="track=full")
        with subprocess.Popen(["cat"], env=environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            process.stdin.write(b"x\n")
            process.stdin.flush()
            process.stdout.readline()
            code, found = self.findings(str(process.pid))
            self.assertEqual(found["on_ashlar"]["verdict"], "ok")
            self.assertEqual(found["options"]["verdict"], "ok")

    def test_what_does_not_exist(self):
        result = self.ashlar("doctor", "999999999")
        self.assertEqual((result.returncode, result.stderr),
                         (125, b"ashlar: there is no process 999999999\n"))
        self.assertEqual(self.ashlar("doctor", "/no/such").returncode, 127)


if __name__ == "__main__":
    unittest.main()
