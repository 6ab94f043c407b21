#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tracking costs: each level against none, in turns, counted in instructions where valgrind is
installed, and against heaptrack where that is. See bench/README.md. Needs Python 3.11 and a release
build with the benchmarks."""

import argparse
import dataclasses
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from compare.cases import Case, list_workloads
from compare.cases.programs import list_programs
from compare.launch import Launcher
from compare.manager_rows import time_managers
from compare.options import ROOT

LEVELS = {
    "off": "track=off",
    "sampled": "track=sampled",
    "caller": "track=full,depth=1",
    "full": "track=full",
    "debug": "track=debug",
}
# What is so near to `off` that it takes many rounds to tell: off itself once more, sampling as it is,
# with as many samples of fast threads as of others, and with hardly any sample.
NEAR = {
    "again": "track=off",
    "sampled": "track=sampled",
    "unlimited": "track=sampled,sample_up_to=0",
    "counting": "track=sampled,sample=1G",
}
# Those that are compared with heaptrack.
PROGRAMS = ("python", "perl", "lua")

PARTS = ("pairs", "rows", "sampled", "managers", "counts", "heaptrack")

COUNTS_SCALE = 0.05  # valgrind takes some 50 times as long
COUNTS_RUNS = 7


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def ratio(of: list[float], to: list[float]) -> str:
    """The median of the ratios of each round, and the least and the greatest."""
    return spread([a / b for a, b in zip(of, to)])


def mean(ratios: list[float], digits: int = 3) -> str:
    return f"{statistics.geometric_mean(ratios):.{digits}f}"


def named_groups(workloads: list[Case], programs: list[Case]) -> list[tuple[str, list[str]]]:
    groups = (("workloads", workloads), ("programs", programs), ("all", [*workloads, *programs]))
    return [(group, [each.name for each in cases]) for group, cases in groups]


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

    def run(
        self,
        case: Case,
        library: str | None,
        environment: dict[str, str],
        tool: list[str] | None = None,
    ) -> float:
        measure = self.program("ashlar-measure")
        launcher = Launcher(measure, self.scratch, 600, environment, tool or [])
        sample = case.run(launcher, library)
        if sample.error is not None:
            raise SystemExit(f"bench: {case.name}: {sample.error}")
        return sample.seconds

    def cases(self, scale: float) -> tuple[list[Case], list[Case]]:
        """The workloads, and the programs that are installed."""
        workloads = list_workloads(self.program("ashlar-workloads"), scale, 2)
        programs = list_programs(os.path.join(ROOT, "bench", "inputs"), scale)
        return workloads, [each for each in programs if each.missing() is None]

    def rows(self) -> None:
        print("\n## The rows of `./dev bench`: times the time with tracking off\n")
        self.compare({level: LEVELS[level] for level in ("full", "debug")}, True)

    def sampled(self) -> None:
        print("\n## The same rows, sampled: times the time with tracking off\n")
        self.compare(NEAR, False)

    def compare(self, levels: dict[str, str], with_glibc: bool) -> None:
        """A table of all rows at these levels, each of which runs in turn with none."""
        first = ["glibc, s", "off, s"] if with_glibc else ["off, s"]
        print(f"| row | {' | '.join([*first, *levels])} |")
        print("|---" * (1 + len(first) + len(levels)) + "|")
        workloads, programs = self.cases(self.scale)
        ways = {"off": (self.library, "track=off")}
        ways |= {level: (self.library, options) for level, options in levels.items()}
        if with_glibc:
            ways |= {"glibc": (None, "")}
        ratios = {level: {} for level in levels}
        for case in (*workloads, *programs):
            times = {way: [] for way in ways}
            for i in range(self.rounds):
                for way in ways if i % 2 == 0 else reversed(ways):
                    library, options = ways[way]
                    environment = {"ASHLAR_OPTIONS": options} if library is not None else {}
                    times[way].append(self.run(case, library, environment))
            cells = [spread(times[name.removesuffix(", s")]) for name in first]
            cells += [ratio(times[level], times["off"]) for level in levels]
            print(f"| {case.name} | {' | '.join(cells)} |", flush=True)
            for level in levels:
                each = [a / b for a, b in zip(times[level], times["off"])]
                ratios[level][case.name] = statistics.median(each)
        for group, names in named_groups(workloads, programs):
            means = [mean([each[name] for name in names]) for each in ratios.values()]
            print(f"| geometric mean, {group} {'| ' * len(first)}| {' | '.join(means)} |")

    def managers(self) -> None:
        levels = ("off", "sampled", "full")
        print("\n## The managers' benchmarks: times the time with tracking off\n")
        print("| level | rows | geometric mean | half of the rows at most | nine in ten | all |")
        print("|---|---|---|---|---|---|")
        program = self.program("ashlar-managers-bench")
        least: dict[str, dict[str, float]] = {level: {} for level in levels}
        for i in range(self.rounds):
            for level in levels if i % 2 == 0 else reversed(levels):
                environment = {"LD_PRELOAD": self.library, "ASHLAR_OPTIONS": LEVELS[level]}
                for name, time in time_managers(program, environment).items():
                    least[level][name] = min(time, least[level].get(name, time))
        for level in levels[1:]:
            # Of short rows the least time says more than the median: other work only adds to it.
            ratios = sorted(least[level][name] / time for name, time in least["off"].items())
            parts = [ratios[int(share * (len(ratios) - 1))] for share in (0.5, 0.9, 1)]
            cells = " | ".join(f"{part:.3f}" for part in parts)
            print(f"| {level} | {len(ratios)} | {mean(ratios)} | {cells} |", flush=True)

    def counts(self) -> None:
        if shutil.which("valgrind") is None:
            print("\nvalgrind is not installed")
            return
        print(f"\n## Instructions, scale {COUNTS_SCALE:g}: times those with tracking off\n")
        print("| row | off, million | sampled |")
        print("|---|---|---|")
        workloads, programs = self.cases(COUNTS_SCALE)
        ratios = {}
        # Threads of workloads take turns in another way each time; the programs have one.
        for case, runs in [(c, COUNTS_RUNS) for c in workloads] + [(c, 1) for c in programs]:
            off, sampled = self.count_both(case, runs)
            ratios[case.name] = sampled / off
            print(f"| {case.name} | {off / 1e6:.0f} | {ratios[case.name]:.4f} |", flush=True)
        for group, names in named_groups(workloads, programs):
            print(f"| geometric mean, {group} | | {mean([ratios[name] for name in names], 4)} |")

    def count_both(self, case: Case, runs: int) -> tuple[float, float]:
        """Medians of what is counted with tracking off and sampled."""
        pairs = [
            (self.count(case, LEVELS["off"]), self.count(case, LEVELS["sampled"]))
            for _ in range(runs)
        ]
        off, sampled = (statistics.median(each) for each in zip(*pairs))
        return off, sampled

    def count(self, case: Case, options: str) -> int:
        """The instructions of a program, with all that it starts."""
        folder = tempfile.mkdtemp(dir=self.scratch)
        tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--trace-children=yes"]
        tool += ["--cachegrind-out-file=/dev/null", f"--log-file={folder}/%p"]
        self.run(case, self.library, {"ASHLAR_OPTIONS": options}, tool)
        found = 0
        for path in glob.glob(f"{folder}/*"):
            with open(path, encoding="utf-8") as log:
                if count := re.search(r"I +refs: +([0-9,]+)", log.read()):
                    found += int(count[1].replace(",", ""))
        if found == 0:
            raise SystemExit(f"bench: {case.name}: valgrind counted nothing")
        return found

    def heaptrack(self) -> None:
        preload = next(iter(glob.glob("/usr/lib/*/libheaptrack_preload.so")), None)
        if preload is None or shutil.which("heaptrack") is None:
            print("\nheaptrack is not installed")
            return
        print("\n## Every allocation recorded with its stack: times the time on glibc\n")
        print("| program | `heaptrack` | its part in the program |", end="")
        print(" `ashlar run --track=full` | library alone |", end="")
        print(" added time, of heaptrack's | library alone, of its part |")
        print("|---|---|---|---|---|---|---|")
        for case in self.cases(self.scale)[1]:
            if case.name in PROGRAMS:
                self.compare_with_heaptrack(case, preload)

    def compare_with_heaptrack(self, case, preload: str) -> None:
        record = os.path.join(self.scratch, "heaptrack")
        report = os.path.join(self.scratch, "report")
        ours = [self.program("ashlar"), "run", "--track=full", "-o", report, "--"]
        # What heaptrack's library writes goes to a file, uninterpreted: the least that it can cost.
        ways = {
            "glibc": (None, {}),
            "heaptrack": (None, {}, ["heaptrack", "-o", record]),
            "part": (preload, {"DUMP_HEAPTRACK_OUTPUT": record + ".raw"}),
            "ashlar": (None, {}, ours),
            "library": (self.library, {"ASHLAR_OPTIONS": LEVELS["full"]}),
        }
        times = {way: [] for way in ways}
        for _ in range(self.rounds):
            for way, how in ways.items():
                times[way].append(self.run(case, *how))
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
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)} (default: all)")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part '{unknown.pop()}'")
    library = os.path.abspath(os.path.join(options.build_dir, "lib", "libashlar-malloc.so"))
    print(f"{options.rounds} rounds, scale {options.scale:g}: median (least to most)\n")
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as scratch:
        build = os.path.abspath(options.build_dir)
        bench = Bench(build, library, options.rounds, scratch, options.scale)
        for part in options.parts or PARTS:
            getattr(bench, part)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
