# SPDX-License-Identifier: MIT
"""Where and how a real program runs in these tests: an empty folder, a fixed environment, with or
without ashlar."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INPUTS = ROOT / "bench" / "inputs"
LIMIT = 300  # seconds for one command

sys.path.insert(0, str(ROOT / "bench"))
from compare import binding  # noqa: E402  (the benchmark asks the same question of the loader)


class Failed(Exception):
    """A program did not do what it does on glibc."""


class Context:
    """One run of a program: on glibc if `library` is None, else on that library.

    The folder has the same path in both runs, since some programs write it into their results.
    """

    def __init__(self, folder, library, options=""):
        self.folder = pathlib.Path(folder)
        self.library = library
        self.options = options
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def environment(self, more=None):
        # Nothing of the caller's environment but the path: a result must not depend on who looks.
        fixed = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
        if self.library:
            fixed["LD_PRELOAD"] = self.library
            fixed["ASHLAR_OPTIONS"] = self.options
        return {**fixed, **(more or {})}

    def run(self, *command, stdin=None, environment=None, statuses=(0,)):
        """Runs a command to its end and returns its standard output. It must end well and hear no
        complaint of ours."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment(environment),
            input=stdin or b"",
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        self.check(command, done.returncode, done.stderr, statuses)
        return done.stdout

    def check(self, command, status, errors, statuses=(0,)):
        where = f"{command[0]} on {self.library or 'glibc'}"
        if status not in statuses:
            raise Failed(f"{where} ended with {status}: {errors.decode(errors='replace')[-2000:]}")
        if b"ashlar: " in errors:
            raise Failed(f"{where} says: {errors.decode(errors='replace')[-2000:]}")

    def check_served(self, *command, environment=None):
        """Raises Failed unless the dynamic linker binds malloc and free of a command to the
        library, and of all that it loads. The command should be a short one, as `--version` is."""
        if self.library is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            record = os.path.join(folder, "bindings")
            watch = {
                "LD_DEBUG": "bindings",
                "LD_DEBUG_OUTPUT": record,
                "LD_BIND_NOW": "1",
                **(environment or {}),
            }
            self.run(*command, environment=watch)
            text = "".join(
                path.read_text(errors="replace") for path in pathlib.Path(folder).iterdir()
            )
        bindings = binding.parse_bindings(text)
        strays = binding.find_strays(bindings, self.library)
        if strays or not any(symbol == "malloc" for _, _, symbol in bindings):
            raise Failed(f"{command[0]} is not served: {strays[:1] or 'it binds no malloc'}")
