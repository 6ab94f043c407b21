# SPDX-License-Identifier: MIT
"""Starts one program under one allocator through ashlar-measure, and reads what it cost."""

import hashlib
import json
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from typing import IO


@dataclass
class Sample:
    """What one run gave. `error` is None for a good one; `digest` must be equal for all."""

    seconds: float = 0.0
    max_rss_kib: int = 0
    cpu_seconds: float = 0.0
    left_kib: int | None = None
    live_kib: int | None = None
    digest: str = ""
    error: str | None = None


class Running:
    """A program that was started through ashlar-measure, as the leader of a process group."""

    def __init__(
        self, child: subprocess.Popen, result: str, output: IO[bytes], errors: IO[bytes]
    ) -> None:
        self._child = child
        self._result = result
        self._output = output
        self._errors = errors

    def ended(self) -> bool:
        return self._child.poll() is not None

    def finish(self, limit: float) -> tuple[list[dict], bytes, str]:
        """Waits for the end; returns the cost of each start, the standard output, and the last line
        of the standard error. Ends the whole group, and raises TimeoutError, beyond the limit.
        """
        try:
            self._child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"still running after {limit:.0f} s") from None
        except BaseException:
            self.kill()
            raise
        with self._output, self._errors:
            self._output.seek(0)
            self._errors.seek(0)
            return _read_costs(self._result), self._output.read(), _last_line(self._errors.read())

    def kill(self) -> None:
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()


@dataclass
class Launcher:
    """How to start programs: the path of ashlar-measure, a scratch folder, a limit in seconds, what
    the environment has besides our own, the words of a tool that starts them.
    """

    program: str
    scratch: str
    limit: float = 300.0
    more_environment: dict[str, str] = field(default_factory=dict)
    tool: list[str] = field(default_factory=list)

    def start(
        self,
        command: list[str],
        preload: str | None,
        *,
        times: int = 1,
        stdin: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> Running:
        """Starts the command, to be run `times` times in a row."""
        result = os.path.join(self.scratch, "cost.json")
        output = tempfile.TemporaryFile(dir=self.scratch)
        errors = tempfile.TemporaryFile(dir=self.scratch)
        with open(stdin or os.devnull, "rb") as source:
            child = subprocess.Popen(
                [self.program, result, preload or "-", str(times), *self.tool, *command],
                stdin=source,
                stdout=output,
                stderr=errors,
                cwd=self.scratch,
                process_group=0,
                env=self._environment(environment),
            )
        return Running(child, result, output, errors)

    def run(self, command: list[str], preload: str | None, **how) -> tuple[list[dict], bytes, str]:
        """Starts the command and waits for its end; see Running.finish."""
        return self.start(command, preload, **how).finish(self.limit)

    def _environment(self, more: dict[str, str] | None) -> dict[str, str]:
        ours = {"LC_ALL": "C.UTF-8", "TMPDIR": self.scratch, **self.more_environment}
        return {**os.environ, **ours, **(more or {})}


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


def measure(
    launcher: Launcher, command: list[str], preload: str | None, **how
) -> tuple[Sample, bytes]:
    """Runs a command once and returns its sample, with the digest of its output, and the output."""
    return sample_of(launcher.start(command, preload, **how), launcher.limit)


def sample_of(running: Running, limit: float) -> tuple[Sample, bytes]:
    """Waits for a program; returns its sample, with the digest of its output, and the output."""
    try:
        costs, output, last_error = running.finish(limit)
    except TimeoutError as late:
        return Sample(error=str(late)), b""
    error = failure_of(costs, last_error)
    if error is not None:
        return Sample(error=error), output
    cost = costs[-1]
    return (
        Sample(
            seconds=cost["seconds"],
            max_rss_kib=cost["max_rss_kib"],
            cpu_seconds=round(cost["user"] + cost["system"], 6),
            digest=hashlib.sha256(output).hexdigest()[:16],
        ),
        output,
    )
