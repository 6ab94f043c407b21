#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Privileged programs do not take orders from the environment of whoever starts them.

Needs root: it makes a copy of a program setuid root, and runs it as nobody. The loader ignores
LD_PRELOAD there, so the program is linked with the library: statically, as a real one would be.
Argument: that program (says_privileges.cpp).
"""

import os
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534


def run(program, options):
    return subprocess.run(
        [program],
        env={"ASHLAR_OPTIONS": options},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def main():
    # Not below /tmp where that is mounted nosuid; the folder of the build is the tests' own.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(sys.argv[1])) as folder:
        os.chmod(folder, 0o755)
        plain = shutil.copy(sys.argv[1], os.path.join(folder, "plain"))
        privileged = shutil.copy(sys.argv[1], os.path.join(folder, "privileged"))
        os.chmod(plain, 0o755)
        os.chmod(privileged, 0o4755)
        seen = run(plain, "no_such_option=1,release_at_exit=1")
        ignored = run(privileged, "no_such_option=1,release_at_exit=1")
    problems = []
    if "unknown option 'no_such_option'" not in seen.stderr or "at exit:" not in seen.stderr:
        problems.append(f"a plain program does not read its options: {seen}")
    if ignored.stderr or ignored.returncode != 0:
        problems.append(f"a privileged program reads options: {ignored}")
    if "privileged" not in ignored.stdout:
        problems.append(f"the program did not run with privileges: {ignored}")
    print("\n".join(problems) or "options are ignored in privileged programs")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
