# SPDX-License-Identifier: MIT
"""Runs every workload at a tiny scale and checks that it prints a sound result, the same twice."""

import json
import subprocess
import sys


def run(program, name):
    done = subprocess.run(
        [program, name, "--scale", "0.001", "--threads", "3"],
        capture_output=True,
        text=True,
        check=True,
    )
    checksum, report = done.stdout.splitlines()
    found = json.loads(report)
    assert checksum == f"checksum {name} {found['checksum']}", done.stdout
    assert found["seconds"] > 0 and found["vm_hwm_kib"] > 0, done.stdout
    return found["checksum"]


def main(program):
    names = [
        line.split("\t")[0]
        for line in subprocess.run(
            [program, "list"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    ]
    assert len(names) >= 10, names
    for name in names:
        first, second = run(program, name), run(program, name)
        assert first == second and int(first, 16) != 0, f"{name}: {first}, then {second}"
        print(name, first)
    refused = subprocess.run([program, "no_such_workload"], capture_output=True, check=False)
    assert refused.returncode == 2, refused


main(sys.argv[1])
