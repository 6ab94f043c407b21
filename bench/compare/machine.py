# SPDX-License-Identifier: MIT
"""Describes the machine and the source, and gives the runner a scheduler group of its own."""

import datetime
import os
import platform
import re
import signal
import subprocess
import sys


def _first_match(path: str, pattern: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as lines:
            found = re.search(pattern, lines.read(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return (
        done.stdout.strip().splitlines()[0]
        if done.returncode == 0 and done.stdout.strip()
        else None
    )


def commit(root: str) -> str:
    """Returns the commit, with -dirty when tracked files differ from it."""
    return _output("git", "-C", root, "describe", "--always", "--dirty", "--abbrev=10") or "unknown"


def describe(root: str) -> dict[str, str]:
    """Returns everything one needs to repeat a run, in the order in which it is shown."""
    memory = _first_match("/proc/meminfo", r"^MemTotal:\s+(\d+) kB")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory) // 1024} MiB" if memory else "unknown",
        "kernel": platform.release(),
        "system": _first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or "unknown",
        "libc": " ".join(platform.libc_ver()),
        "huge pages": _first_match("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]")
        or "none",
        "compiler": _output(os.environ.get("CXX", "g++"), "--version") or "unknown",
        "commit": commit(root),
        "command": " ".join(sys.argv),
        "load": f"{os.getloadavg()[0]:.2f} before the run",
    }


def result_folder(root: str, machine: dict[str, str]) -> str:
    """Returns bench/results/<date>-<cpu>-<commit>."""
    cpu = re.sub(
        r"[^a-z0-9.]+", "-", re.sub(r"\(\w+\)|@|processor|cpu", " ", machine["cpu"].lower())
    )
    date = machine["date"].replace(" UTC", "").replace(" ", "-").replace(":", "")
    return os.path.join(root, "bench", "results", f"{date}-{cpu.strip('-')}-{machine['commit']}")


def enter_own_session() -> None:
    """Moves the runner into a session of its own.

    Linux shares processors between sessions first (autogroups), then between threads: a single busy
    job in another session takes a whole processor from a workload with two threads. Where the
    caller leads a process group, a new session needs a new process; the old one then only passes
    signals and the exit status on.
    """
    try:
        os.setsid()
    except PermissionError:
        child = os.fork()
        if child != 0:
            _stand_in_for(child)
        os.setsid()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as after Ctrl-C: children first


def _stand_in_for(child: int) -> None:
    """Passes signals to the child and ends as it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: os.kill(child, got))
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def raise_autogroup() -> str:
    """Raises the priority of this session's group where permitted; returns what happened, for the
    report.
    """
    try:
        with open("/proc/self/autogroup", "w", encoding="utf-8") as group:
            group.write("-10")
        return "own session, autogroup priority raised"
    except FileNotFoundError:
        return "own session, this kernel has no autogroups"
    except OSError:
        return "own session, autogroup priority not raised (needs root)"
