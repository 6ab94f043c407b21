# SPDX-License-Identifier: MIT
"""What is run: the interface of a case, and the synthetic workloads of ashlar-workloads."""

import json
import subprocess

from ..launch import Launcher, Sample, measure


class Case:
    """One row of the table: how to run it, and which commands show who serves malloc."""

    name = ""
    stresses = ""
    links_allocator = False  # True for a program whose own libraries bring an allocator

    def missing(self) -> str | None:
        """Returns why the case cannot run on this machine, None if it can."""
        return None

    def probes(self) -> list[list[str]]:
        """Returns short commands, one for each executable that must get the preloaded malloc."""
        raise NotImplementedError

    def run(self, launcher: Launcher, preload: str | None) -> Sample:
        """Runs the case once and returns its sample; an error is a result, not an exception."""
        raise NotImplementedError


class Workload(Case):
    """A synthetic workload; its own clock leaves process start and sleeping out."""

    def __init__(self, program: str, name: str, stresses: str, scale: float, threads: int) -> None:
        self.name = name
        self.stresses = stresses
        self._program = program
        self._command = [program, name, "--scale", f"{scale:g}", "--threads", str(threads)]

    @property
    def command(self) -> list[str]:
        return self._command

    def probes(self) -> list[list[str]]:
        return [[self._program, "list"]]

    def run(self, launcher: Launcher, preload: str | None) -> Sample:
        sample, output = measure(launcher, self._command, preload)
        if sample.error is not None:
            return sample
        try:
            report = json.loads(output.decode().splitlines()[-1])
        except (ValueError, IndexError):
            sample.error = "printed no result"
            return sample
        sample.seconds = report["seconds"]
        sample.digest = report["checksum"]
        if report["left_kib"] >= 0:
            sample.left_kib = report["left_kib"]
            sample.live_kib = report["live_kib"]
        return sample


def list_workloads(program: str, scale: float, threads: int) -> list[Workload]:
    """Asks ashlar-workloads what it has."""
    listed = subprocess.run([program, "list"], check=True, capture_output=True, text=True).stdout
    pairs = [line.split("\t", 1) for line in listed.splitlines()]
    return [Workload(program, name, stresses, scale, threads) for name, stresses in pairs]
