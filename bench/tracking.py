#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tracking costs: each level against none, in turns, and against heaptrack if installed. See
bench/README.md. Needs Python 3.11 and a release build with the benchmarks."""

import argparse
import dataclasses
import glob
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from compare.cases import list_workloads
from compare.cases.programs import list_programs
from compare.launch import Launcher
from compare.options import ROOT

LEVELS = {
    "off": "track=off",
    "sampled": "track=sampled",
    "caller": "track=full,depth=1",
    "full": "track=full",
    "debug": "track=debug",
}
# The allocation-heavy ones: those that do nothing else.
WORKLOADS = ("small", "mixed", "containers", "tree", "realloc_growth", "server")
PROGRAMS = ("python", "perl", "lua")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def ratio(of: list[float], to: list[float]) -> str:
    """The median of the ratios of each round, and the least and the greatest."""
    return spread([a / b for a, b in zip(of, to)])


@dataclasses.dataclass
class Bench:
    build: str
    library: str
    rounds: int
    scratch: str
    scale: float

    def program(self, name: str) -> str:
        return os.path.join(self.build, "bin", name)

    def pairs(self) -> None:
        print("## malloc(64) and free, 20 frames deep with frame pointers: ns a pair\n")
        print("| level | one thread | above off | two threads | speed of two to one |")
        print("|---|---|---|---|---|")
        one = {level: [] for level in LEVELS}
        two = {level: [] for level in LEVELS}
        for _ in range(self.rounds):
            for level, options in LEVELS.items():
                environment = {**os.environ, "LD_PRELOAD": self.library, "ASHLAR_OPTIONS": options}
                for threads, times in (("1", one), ("2", two)):
                    done = subprocess.run(
                        [self.program("ashlar-tracked-pairs"), threads],
                        env=environment,
                        capture_output=True,
                        check=True,
                    )
                    times[level].append(float(done.stdout))
        for level in LEVELS:
            above = statistics.median(one[level]) - statistics.median(one["off"])
            print(
                f"| {level} | {spread(one[level])} | {above:.1f} | {spread(two[level])} "
                f"| {ratio(one[level], two[level])} |"
            )

    def run(self, case, library: str | None, environment: dict[str, str]) -> float:
        launcher = Launcher(self.program("ashlar-measure"), self.scratch, 600, environment)
        sample = case.run(launcher, library)
        if sample.error is not None:
            raise SystemExit(f"bench: {case.name}: {sample.error}")
        return sample.seconds

    def workloads(self) -> None:
        levels = ("off", "sampled", "full", "debug")
        print("\n## Workloads: times the time with tracking off\n")
        print("| workload | off, s | sampled | full | debug |")
        print("|---|---|---|---|---|")
        cases = list_workloads(self.program("ashlar-workloads"), self.scale, 2)
        ratios = {level: [] for level in levels}
        for case in (each for each in cases if each.name in WORKLOADS):
            times = {level: [] for level in levels}
            for _ in range(self.rounds):
                for level in levels:
                    options = {"ASHLAR_OPTIONS": LEVELS[level]}
                    times[level].append(self.run(case, self.library, options))
            cells = [ratio(times[level], times["off"]) for level in levels[1:]]
            for level in levels[1:]:
                each = [a / b for a, b in zip(times[level], times["off"])]
                ratios[level].append(statistics.median(each))
            print(f"| {case.name} | {spread(times['off'])} | {' | '.join(cells)} |", flush=True)
        means = [f"{statistics.geometric_mean(ratios[level]):.3f}" for level in levels[1:]]
        print(f"| geometric mean | | {' | '.join(means)} |")

    def programs(self) -> None:
        levels = ("off", "sampled", "full", "debug")
        print("\n## Real programs: times the time with tracking off\n")
        print("| program | glibc, s | off, s | sampled | full | debug |")
        print("|---|---|---|---|---|---|")
        cases = list_programs(os.path.join(ROOT, "bench", "inputs"), self.scale)
        cases = [each for each in cases if each.name in PROGRAMS]
        for case in cases:
            plain: list[float] = []
            times = {level: [] for level in levels}
            for _ in range(self.rounds):
                plain.append(self.run(case, None, {}))
                for level in levels:
                    options = {"ASHLAR_OPTIONS": LEVELS[level]}
                    times[level].append(self.run(case, self.library, options))
            cells = [spread(plain), spread(times["off"])]
            cells += [ratio(times[level], times["off"]) for level in levels[1:]]
            print(f"| {case.name} | {' | '.join(cells)} |", flush=True)
        preload = next(iter(glob.glob("/usr/lib/*/libheaptrack_preload.so")), None)
        if preload is None or shutil.which("heaptrack") is None:
            print("\nheaptrack is not installed")
            return
        print("\n## Every allocation recorded with its stack: times the time on glibc\n")
        print("| program | `heaptrack` | its part in the program | `ashlar run --track=full` |", end="")
        print(" library alone | added time, of heaptrack's | library alone, of its part |")
        print("|---|---|---|---|---|---|---|")
        for case in cases:
            self.compare_with_heaptrack(case, preload)

    def compare_with_heaptrack(self, case, preload: str) -> None:
        record = os.path.join(self.scratch, "heaptrack")
        report = os.path.join(self.scratch, "report")
        ours = [self.program("ashlar"), "run", "--track=full", "-o", report, "--"]
        # What heaptrack's library writes goes to a file, uninterpreted: the least that it can cost.
        ways = {
            "glibc": (case, None, {}),
            "heaptrack": (case.under(["heaptrack", "-o", record]), None, {}),
            "part": (case, preload, {"DUMP_HEAPTRACK_OUTPUT": record + ".raw"}),
            "ashlar": (case.under(ours), None, {}),
            "library": (case, self.library, {"ASHLAR_OPTIONS": LEVELS["full"]}),
        }
        times = {way: [] for way in ways}
        for _ in range(self.rounds):
            for way, (program, library, environment) in ways.items():
                times[way].append(self.run(program, library, environment))
        cells = [ratio(times[way], times["glibc"]) for way in ways if way != "glibc"]
        added = {
            way: [a - b for a, b in zip(times[way], times["glibc"])]
            for way in ways
            if way != "glibc"
        }
        cells.append(ratio(added["ashlar"], added["heaptrack"]))
        cells.append(ratio(added["library"], added["part"]))
        print(f"| {case.name} | {' | '.join(cells)} |", flush=True)


def main() -> int:
    about = "What each level of tracking costs."
    parser = argparse.ArgumentParser(prog="./dev bench tracking", description=about)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=0.5, help="amount of work")
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build", "bench"))
    parser.add_argument("parts", nargs="*", help="of pairs, workloads, programs (default: all)")
    options = parser.parse_args()
    unknown = set(options.parts) - {"pairs", "workloads", "programs"}
    if unknown:
        parser.error(f"no part '{unknown.pop()}'")
    library = os.path.abspath(os.path.join(options.build_dir, "lib", "libashlar-malloc.so"))
    print(f"{options.rounds} rounds, scale {options.scale:g}: median (least to most)\n")
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as scratch:
        bench = Bench(os.path.abspath(options.build_dir), library, options.rounds, scratch, options.scale)
        for part in options.parts or ("pairs", "workloads", "programs"):
            getattr(bench, part)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
