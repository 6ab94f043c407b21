#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests `ashlar run` from the outside: what the program, its caller and the user see."""

import json
import os
import resource
import shutil
import signal
import subprocess
import unittest

from support import LIBRARY, PATIENCE, PYTHON, STATIC_PROGRAM, TOOL, RunTest


class Transparency(RunTest):
    def test_the_exit_code_is_the_programs(self):
        for code in (0, 1, 3, 125, 255):
            result = self.run_tool("sh", "-c", f"exit {code}")
            self.assertEqual(result.returncode, code)
            self.assert_report(result.stderr)

    def test_input_and_output_pass_byte_by_byte(self):
        data = os.urandom(1 << 20)
        result = self.run_tool("cat", input=data)
        self.assertEqual(result.stdout, data)
        self.assertEqual(result.returncode, 0)

    def test_stderr_of_the_program_comes_before_the_report(self):
        result = self.run_tool("sh", "-c", "echo out; echo problem >&2")
        self.assertEqual(result.stdout, b"out\n")
        self.assertTrue(result.stderr.startswith(b"problem\n\n"), result.stderr)
        self.assert_report(result.stderr)

    def test_arguments_and_the_name_of_the_program_pass_unchanged(self):
        words = ["", "a b", "--json", "-o", "--", "größe"]
        result = self.run_tool(PYTHON, "-c", "import sys; print(sys.argv[1:])", *words)
        self.assertEqual(result.stdout.decode(), repr(words) + "\n")
        result = self.run_tool("sh", "-c", "echo $0")
        self.assertEqual(result.stdout, b"sh\n")

    def test_the_program_inherits_no_descriptor_and_no_blocked_signal(self):
        script = ("import os, signal; print(sorted(map(int, os.listdir('/proc/self/fd')))[:4],"
                  "signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGCHLD))")
        plain = subprocess.run([PYTHON, "-c", script], stdout=subprocess.PIPE, check=True)
        self.assertEqual(self.run_tool(PYTHON, "-c", script).stdout, plain.stdout)

    def test_a_program_that_closed_its_output_does_not_disturb(self):
        for redirection in (">&-", "2>&-", "</dev/null >&- 2>&-"):
            shell = f'exec "$@" {redirection}'
            result = subprocess.run(["sh", "-c", shell, "sh", *self.command("true")],
                                    env=self.environment, stderr=subprocess.DEVNULL, check=False)
            self.assertEqual(result.returncode, 0, redirection)

    def test_a_reader_who_went_away_does_not_change_the_exit_code(self):
        script = '("$@" 2>&1 >/dev/null; echo $? >"$CODE") | true'
        code = os.path.join(self.folder, "code")
        subprocess.run(["sh", "-c", script, "sh", *self.command("sh", "-c", "sleep 0.2; exit 7")],
                       env=dict(self.environment, CODE=code), check=True)
        with open(code, encoding="utf-8") as file:
            self.assertEqual(file.read(), "7\n")


class Environment(RunTest):
    def test_the_library_goes_before_others_and_options_behind(self):
        other = shutil.copy(LIBRARY, os.path.join(self.folder, "other.so"))
        environment = dict(self.environment, LD_PRELOAD=other, ASHLAR_OPTIONS="cgroup=0")
        result = self.run_tool("sh", "-c", 'echo "$LD_PRELOAD"; echo "$ASHLAR_OPTIONS"', env=environment)
        preload, options = result.stdout.decode().splitlines()
        self.assertEqual(preload, f"{LIBRARY}:{other}")
        self.assertRegex(options, rf"^cgroup=0,snapshot={self.runtime}/ashlar-\w{{6}},follow=0$")

    def test_a_library_path_with_blanks_works(self):
        os.mkdir(os.path.join(self.folder, "my library"))
        copy = shutil.copy(LIBRARY, os.path.join(self.folder, "my library", "a.so"))
        result = subprocess.run([TOOL, "run", "--library", copy, "true"], env=self.environment,
                                stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 0)
        self.assert_report(result.stderr)

    def test_a_missing_library_is_named(self):
        result = subprocess.run([TOOL, "run", "--library", "/no/lib.so", "true"], env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assert_refused(result, 125, "ashlar: cannot read the library '/no/lib.so'")


class Refusals(RunTest):
    def test_a_missing_program(self):
        self.assert_refused(self.run_tool("no-such-program"), 127,
                            "ashlar: cannot run 'no-such-program': No such file or directory")
        self.assert_refused(self.run_tool("/no/such"), 127,
                            "ashlar: cannot run '/no/such': No such file or directory")

    def test_a_file_that_is_not_executable(self):
        path = self.write_script("plain", "#!/bin/sh\n", mode=0o644)
        self.assert_refused(self.run_tool(path), 126, f"ashlar: cannot run '{path}': Permission denied")
        self.assert_refused(self.run_tool("/tmp"), 126, "ashlar: cannot run '/tmp': Is a directory")

    def test_a_file_that_is_no_program(self):
        path = self.write_script("data", "just some text\n")
        self.assert_refused(self.run_tool(path), 126, f"ashlar: cannot run '{path}': Exec format error")

    def test_a_script_without_its_interpreter(self):
        path = self.write_script("script", "#!/no/such/shell\n")
        self.assert_refused(
            self.run_tool(path), 127,
            f"ashlar: cannot run '{path}': its interpreter '/no/such/shell': No such file or directory")

    def test_a_static_program(self):
        self.assert_refused(
            self.run_tool(STATIC_PROGRAM), 125,
            f"ashlar: cannot serve '{STATIC_PROGRAM}': it is linked statically, so nothing can be "
            "preloaded; link it with ashlar::malloc instead")

    def test_a_setuid_program(self):
        if os.getuid() == 0:  # a program of somebody else, since root's own change nobody
            path = shutil.copy(shutil.which("true"), os.path.join(self.folder, "setuid"))
            os.chown(path, 65534, 65534)
            os.chmod(path, 0o4755)
        else:
            path = shutil.which("passwd")
        self.assert_refused(
            self.run_tool(path), 125,
            f"ashlar: cannot serve '{path}': it is setuid or setgid, and such programs ignore LD_PRELOAD")

    def test_a_program_for_another_machine(self):
        with open("/proc/self/exe", "rb") as file:
            data = bytearray(file.read())
        data[18] ^= 0x40  # e_machine
        path = os.path.join(self.folder, "foreign")
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o755)
        self.assert_refused(
            self.run_tool(path), 125,
            f"ashlar: cannot serve '{path}': it is built for another kind of machine than libashlar-malloc.so")

    def test_wrong_usage(self):
        result = self.run_tool("true", options=["--jsom"])
        self.assert_refused(result, 2, "ashlar run: unknown option --jsom; did you mean --json?")

    def test_a_library_that_publishes_nothing(self):
        empty = self.write_script("empty.so", "")
        result = subprocess.run([TOOL, "run", "--library", empty, "--", "sh", "-c", "exit 4"],
                                env=self.environment, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 4)
        last = result.stderr.decode().splitlines()[-1]
        self.assertRegex(last, r"^ashlar: no report: 'sh' \(pid \d+\) left no record; ")


class Signals(RunTest):
    def test_death_by_signal_is_passed_on_after_the_report(self):
        for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGPIPE):
            result = self.run_tool("sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(result.returncode, -number)
            self.assert_report(result.stderr)
            self.assertIn(f"killed by {number.name}".encode(), result.stderr)

    def test_signals_sent_to_the_tool_reach_the_program(self):
        numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT,
                   signal.SIGALRM, signal.SIGWINCH, signal.SIGPWR, signal.SIGRTMIN)
        script = ("import signal, sys, time\n"
                  "def got(number, frame):\n"
                  "    print(signal.Signals(number).name, flush=True)\n"
                  "    sys.exit(9)\n"
                  f"for each in {[int(each) for each in numbers]}:\n"
                  "    signal.signal(each, got)\n"
                  "print('ready', flush=True)\n"
                  # A signal that comes right before a sleep is looked at after it.
                  "for _ in range(600): time.sleep(0.1)\n")
        for number in numbers:
            process = self.start_tool(script)
            process.send_signal(number)
            output, error = process.communicate(timeout=PATIENCE)
            self.assertEqual(output.decode(), number.name + "\n")
            self.assertEqual(process.returncode, 9)
            self.assert_report(error)

    def test_a_program_that_does_not_handle_the_signal_dies_by_it(self):
        process = self.start_tool("import time; print('ready', flush=True); time.sleep(60)")
        process.terminate()
        _, error = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assert_report(error)

    def test_an_alarm_set_before_the_tool_is_executed_is_the_programs(self):
        process = subprocess.Popen(self.command("sleep", "60"), env=self.environment, stderr=subprocess.PIPE,
                                   preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 0.5))
        _, error = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGALRM)
        self.assert_report(error)

    def test_who_kills_the_tool_kills_the_program(self):
        process = self.start_tool("import time; print('ready', flush=True); time.sleep(60)")
        process.kill()
        process.communicate(timeout=PATIENCE)  # until the program, too, has let go of its output
        self.assertEqual(process.returncode, -signal.SIGKILL)
        for folder in os.listdir(self.runtime):  # which nobody could remove
            shutil.rmtree(os.path.join(self.runtime, folder))

    def test_a_tool_that_waits_for_a_reader_of_its_report_can_be_ended(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        process = subprocess.Popen(self.command("sh", "-c", "echo ready", options=["-o", pipe]),
                                   env=self.environment, stdout=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        for _ in range(PATIENCE * 10):  # the first ones may still be taken for the program's
            process.terminate()
            try:
                process.wait(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                pass
        self.assertEqual(process.returncode, -signal.SIGTERM)
        process.stdout.close()

    def test_an_ignored_sigchld_does_no_harm(self):
        process = subprocess.Popen(self.command("sh", "-c", "exit 6"), env=self.environment,
                                   stderr=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 6)


class Reports(RunTest):
    def run_json(self, *words, options=()):
        result = self.run_tool(*words, options=["--json", "-o", os.path.join(self.folder, "r.json"), *options])
        self.assertEqual(result.stderr, b"")
        with open(os.path.join(self.folder, "r.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_output_to_a_file(self):
        path = os.path.join(self.folder, "report.txt")
        result = self.run_tool("true", options=["-o", path])
        self.assertEqual(result.stderr, b"")
        with open(path, "rb") as file:
            text = file.read()
        self.assert_report(text)
        self.assertNotIn(b"\x1b", text)

    def test_output_that_cannot_be_written(self):
        result = self.run_tool("sh", "-c", "exit 5", options=["-o", "/no/such/file"])
        self.assertEqual(result.returncode, 5)
        self.assertEqual(result.stderr, b"ashlar: cannot write the report to '/no/such/file': No such file or directory\n")

    def test_output_beyond_the_limit_of_files(self):
        limit = (1 << 16, 1 << 16)
        path = os.path.join(self.folder, "report.json")
        result = self.run_tool("sh", "-c", "exit 5", "x" * 100000, options=["--json", "-o", path],
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
        self.assertEqual(result.returncode, 5)
        self.assertEqual(result.stderr.decode(), f"ashlar: cannot write the report to {path}: File too large\n")

    def test_json_adds_up(self):
        report = self.run_json(PYTHON, "-c", "x = [str(i) for i in range(100000)]; raise SystemExit(3)")
        self.assertEqual(report["ashlar_report"], 1)
        self.assertEqual(report["exit"], {"code": 3, "signal": None, "signal_name": None})
        self.assertEqual(report["command"][0], PYTHON)
        (process,) = report["processes"]
        self.assertTrue(process["main"])
        self.assertEqual(process["pid"], report["pid"])
        self.assertEqual(process["state"], "exited")
        memory = process["memory"]
        parts = ("live", "slack", "free", "cached", "metadata", "file", "unexplained")
        self.assertEqual(sum(memory[part] for part in parts) - memory["untouched"], memory["resident"])
        self.assertGreater(memory["live"], 0)

    def test_json_besides_text(self):
        path = os.path.join(self.folder, "r.json")
        result = self.run_tool("true", options=["--json=" + path])
        self.assert_report(result.stderr)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["ashlar_report"], 1)

    def test_quiet(self):
        self.assertEqual(self.run_tool("true", options=["-q"]).stderr, b"")

    def test_ascii_and_width(self):
        text = self.run_tool("true", options=["--ascii", "--width", "70"]).stderr.decode()
        self.assertTrue(text.isascii())
        self.assertLessEqual(max(map(len, text.splitlines())), 70)

    def test_exec_keeps_the_report_on_the_last_program(self):
        report = self.run_json("sh", "-c", f"exec {PYTHON} -c 'print(1)'")
        (process,) = report["processes"]
        self.assertEqual(process["pid"], report["pid"])
        self.assertTrue(process["program"].startswith("python"), process["program"])

    def test_children_write_nothing_unless_followed(self):
        shell = 'dir=${ASHLAR_OPTIONS#*snapshot=}; dir=${dir%%,*}; ' + f"{PYTHON} -c pass; ls $dir"
        result = self.run_tool("sh", "-c", shell)
        self.assertEqual(len(result.stdout.split()), 1, result.stdout)

    def test_children_are_followed_on_request(self):
        script = f"{PYTHON} -c pass; {PYTHON} -c pass; exit 2"
        report = self.run_json("sh", "-c", script, options=["--follow-children"])
        self.assertEqual(report["exit"]["code"], 2)
        names = sorted(each["program"][:6] for each in report["processes"] if not each["main"])
        self.assertEqual(names, ["python", "python"])
        text = self.run_tool("sh", "-c", script, options=["-f"]).stderr
        self.assert_report(text)
        self.assertIn(b"CHILDREN   2 processes on ashlar", text)
        self.assert_report(self.run_tool("sh", "-c", script, options=["--each"]).stderr, count=3)

    def test_forked_children_are_followed_too(self):
        script = "import os, sys\nif os.fork() == 0: sys.exit(0)\nos.wait()"
        self.assertEqual(len(self.run_json(PYTHON, "-c", script)["processes"]), 1)
        self.assertEqual(len(self.run_json(PYTHON, "-c", script, options=["-f"])["processes"]), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
