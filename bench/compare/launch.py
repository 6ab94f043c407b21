# SPDX-License-Identifier: MIT
"""Starts one program under one allocator through ashlar-measure, and reads what it cost."""

import hashlib
import json
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field


@dataclass
class Sample:
    """What one run gave. `error` is None for a good run; `digest` must be equal for all allocators."""

    seconds: float = 0.0
    max_rss_kib: int = 0
    cpu_seconds: float = 0.0
    left_kib: int | None = None
    live_kib: int | None = None
    digest: str = ""
    error: str | None = None


@dataclass
class Launcher:
    """How to start programs: the path of ashlar-measure, a scratch folder, a limit in seconds."""

    program: str
    scratch: str
    limit: float = 300.0
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, command: list[str], preload: str | None, *, times: int = 1, stdin: str | None = None,
            environment: dict[str, str] | None = None) -> tuple[list[dict], bytes, str]:
        """Runs the command `times` times; returns the cost of each start, its standard output, and the last
        line of its standard error. Raises TimeoutError beyond the limit."""
        result = os.path.join(self.scratch, "cost.json")
        with (open(stdin or os.devnull, "rb") as source, tempfile.TemporaryFile(dir=self.scratch) as output,
              tempfile.TemporaryFile(dir=self.scratch) as errors):
            child = subprocess.Popen(
                [self.program, result, preload or "-", str(times), *command], stdin=source, stdout=output,
                stderr=errors, cwd=self.scratch, process_group=0, env=self._environment(environment))
            wait_or_kill(child, self.limit)
            output.seek(0)
            errors.seek(0)
            return _read_costs(result), output.read(), _last_line(errors.read())

    def _environment(self, more: dict[str, str] | None) -> dict[str, str]:
        return {**os.environ, "LC_ALL": "C.UTF-8", "TMPDIR": self.scratch, **self.environment, **(more or {})}


def wait_or_kill(child: subprocess.Popen, limit: float) -> None:
    """Waits for a child that leads a process group; ends the whole group when it takes too long, or when
    the runner itself is interrupted."""
    try:
        child.wait(timeout=limit)
    except BaseException as stop:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if isinstance(stop, subprocess.TimeoutExpired):
            raise TimeoutError(f"still running after {limit:.0f} s") from None
        raise


def _read_costs(path: str) -> list[dict]:
    try:
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []
    finally:
        if os.path.exists(path):
            os.unlink(path)


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def failure_of(costs: list[dict], last_error: str) -> str | None:
    """Returns how the last start failed in a few words, None if it did not."""
    if not costs:
        return last_error or "could not be started"
    last = costs[-1]
    if last["signal"]:
        name = signal.Signals(last["signal"]).name
        return f"killed by {name}" + (f" ({last_error})" if last_error else "")
    if last["exit"] != 0:
        return f"exit {last['exit']}" + (f" ({last_error})" if last_error else "")
    return None


def measure(launcher: Launcher, command: list[str], preload: str | None, **how) -> tuple[Sample, bytes]:
    """Runs a command once and returns its sample, with the digest of its output, and the output."""
    try:
        costs, output, last_error = launcher.run(command, preload, **how)
    except TimeoutError as late:
        return Sample(error=str(late)), b""
    error = failure_of(costs, last_error)
    if error is not None:
        return Sample(error=error), output
    cost = costs[-1]
    return Sample(seconds=cost["seconds"], max_rss_kib=cost["max_rss_kib"],
                  cpu_seconds=cost["user"] + cost["system"],
                  digest=hashlib.sha256(output).hexdigest()[:16]), output
