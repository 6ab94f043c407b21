# SPDX-License-Identifier: MIT
"""Tells on standard error how far a long run is: one line that is rewritten, or a line for each
case.
"""

import sys
import time


class Progress:
    def __init__(self, runs: int, stream=None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._runs = runs
        self._done = 0
        self._begin = time.monotonic()
        self._case_begin = self._begin

    def begin(self, case: str, number: int, allocator: str) -> None:
        if self._live:
            self._rewrite(
                f"[{self._done + 1}/{self._runs}] {case}, round {number + 1}, {allocator}"
                f"{self._left()}"
            )

    def end(self) -> None:
        self._done += 1

    def skip(self) -> None:
        self._done += 1

    def note(self, text: str) -> None:
        """Prints a line that stays."""
        if self._live:
            self._rewrite("")
        print(text, file=self._stream, flush=True)

    def case_done(self, case: str, failures: dict[str, str]) -> None:
        now = time.monotonic()
        for name, error in failures.items():
            self.note(f"{case}: {name} FAILED: {error}")
        if not self._live:
            self.note(
                f"[{self._done}/{self._runs}] {case} done in"
                f" {now - self._case_begin:.1f} s{self._left()}"
            )
        self._case_begin = now

    def finish(self) -> None:
        if self._live:
            self._rewrite("")

    def _left(self) -> str:
        if self._done == 0:
            return ""
        seconds = (time.monotonic() - self._begin) / self._done * (self._runs - self._done)
        return (
            f", about {seconds / 60:.0f} min left"
            if seconds >= 90
            else f", about {seconds:.0f} s left"
        )

    def _rewrite(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()
