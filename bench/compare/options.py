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
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Compares ashlar with other allocators: time and peak memory.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="cases to run (default: all, see --list)"
    )
    parser.add_argument(
        "--list", action="store_true", help="list the cases and the allocators, then end"
    )
    parser.add_argument(
        "--allocators", metavar="A,B", help=f"of {', '.join(allocators.NAMES)} (default: all)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each case (default: 5)")
    parser.add_argument("--scale", type=float, metavar="X", help="amount of work (default: 1)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a first look: {QUICK_ROUNDS} rounds at scale {QUICK_SCALE}, no start-up",
    )
    parser.add_argument(
        "--callgrind",
        metavar="NAME",
        help=f"count the instructions of one workload (scale {callgrind.DEFAULT_SCALE})",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads of the workloads (default: cores, 2..8)"
    )
    parser.add_argument(
        "--subject", default=allocators.SUBJECT, metavar="NAME", help="the allocator to judge"
    )
    parser.add_argument(
        "--reference", default="mimalloc", metavar="NAME", help="the peer to be compared with"
    )
    parser.add_argument("--csv", metavar="FILE", help="write every sample there too")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there too")
    parser.add_argument(
        "--results", metavar="DIR", help="result folder (default: bench/results/...)"
    )
    parser.add_argument(
        "--build-dir", default=os.path.join(ROOT, "build", "release"), metavar="DIR"
    )
    parser.add_argument(
        "--ashlar", metavar="FILE", help="libashlar-malloc.so (default: in the build folder)"
    )
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else 5)
    if options.callgrind:
        options.names = [options.callgrind]
        options.scale = options.scale or callgrind.DEFAULT_SCALE
    options.scale = options.scale or (QUICK_SCALE if options.quick else 1.0)
    options.threads = options.threads or min(8, max(2, len(os.sched_getaffinity(0))))
    options.ashlar = options.ashlar or os.path.join(options.build_dir, "lib", "libashlar-malloc.so")
    if options.rounds < 1 or options.scale <= 0 or options.threads < 2:
        parser.error("--rounds needs 1 or more, --scale more than 0, --threads 2 or more")
    return options
