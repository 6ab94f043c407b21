# SPDX-License-Identifier: MIT
"""The options of the benchmark runner."""

import argparse
import os

from . import allocators, callgrind

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUICK_SCALE = 0.1
QUICK_ROUNDS = 2
SECONDS_ALLOWED = (
    120.0  # for one run at scale 1; the slowest peer's slowest row needs a quarter of it
)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Returns the options with all defaults filled in; ends the program on a wrong one."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.rounds is None:
        options.rounds = QUICK_ROUNDS if options.quick else 5
    if options.callgrind:
        options.names = [options.callgrind]
    if options.scale is None:
        unhurried = callgrind.DEFAULT_SCALE if options.callgrind else 1.0
        options.scale = QUICK_SCALE if options.quick else unhurried
    if options.threads is None:
        options.threads = min(8, max(2, len(os.sched_getaffinity(0))))
    if options.ashlar is None:
        options.ashlar = os.path.join(options.build_dir, "lib", "libashlar-malloc.so")
    if options.rounds < 1 or options.scale <= 0 or options.threads < 2:
        parser.error("--rounds needs 1 or more, --scale more than 0, --threads 2 or more")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Compares ashlar with other allocators: time and peak memory.",
    )
    quick = f"a first look: {QUICK_ROUNDS} rounds at scale {QUICK_SCALE}, no start-up"
    count = f"count the instructions of one workload (scale {callgrind.DEFAULT_SCALE})"
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="cases to run (default: all, see --list)")
    add("--list", action="store_true", help="list the cases and the allocators, then end")
    add("--allocators", metavar="A,B", help=f"of {', '.join(allocators.NAMES)} (default: all)")
    add("--rounds", type=int, metavar="N", help="rounds of each case (default: 5)")
    add("--scale", type=float, metavar="X", help="amount of work (default: 1)")
    add("--quick", action="store_true", help=quick)
    add("--callgrind", metavar="NAME", help=count)
    add("--threads", type=int, metavar="N", help="of the workloads (default: cores, 2..8)")
    add("--subject", default=allocators.SUBJECT, metavar="NAME", help="the allocator to judge")
    add("--reference", default="mimalloc", metavar="NAME", help="the peer to be compared with")
    add("--csv", metavar="FILE", help="write every sample there too")
    add("--markdown", metavar="FILE", help="write the tables there too")
    add("--results", metavar="DIR", help="result folder (default: bench/results/...)")
    add("--build-dir", default=os.path.join(ROOT, "build", "release"), metavar="DIR")
    add("--ashlar", metavar="FILE", help="libashlar-malloc.so (default: in the build folder)")
    return parser
