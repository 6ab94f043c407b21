# SPDX-License-Identifier: MIT
"""The command line of the benchmark runner."""

import argparse
import os
import sys
import tempfile

from . import allocators, callgrind, machine, output
from .binding import NotServed
from .cases import Case, Workload, list_workloads
from .launch import Launcher
from .programs import list_programs
from .progress import Progress
from .rounds import check_all_served, run_case
from .startup import measure_starts

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUICK_SCALE = 0.1
QUICK_ROUNDS = 2


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Compares ashlar with other allocators: time and peak memory.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases to run (default: all, see --list)")
    parser.add_argument("--list", action="store_true", help="list the cases and the allocators, then end")
    parser.add_argument("--allocators", metavar="A,B", help=f"of {', '.join(allocators.NAMES)} (default: all)")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each case (default: 5)")
    parser.add_argument("--scale", type=float, metavar="X", help="amount of work (default: 1)")
    parser.add_argument("--quick", action="store_true",
                        help=f"a first look: {QUICK_ROUNDS} rounds at scale {QUICK_SCALE}, no start-up")
    parser.add_argument("--callgrind", metavar="NAME",
                        help=f"count the instructions of one workload (scale {callgrind.DEFAULT_SCALE})")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of the workloads (default: cores, 2..8)")
    parser.add_argument("--subject", default=allocators.SUBJECT, metavar="NAME", help="the allocator to judge")
    parser.add_argument("--reference", default="mimalloc", metavar="NAME", help="the peer to be compared with")
    parser.add_argument("--csv", metavar="FILE", help="write every sample there too")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there too")
    parser.add_argument("--results", metavar="DIR", help="result folder (default: bench/results/...)")
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build", "release"), metavar="DIR")
    parser.add_argument("--ashlar", metavar="FILE", help="libashlar-malloc.so (default: in the build folder)")
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


def built_program(options: argparse.Namespace, name: str) -> str:
    path = os.path.join(os.path.abspath(options.build_dir), "bin", name)
    if not os.path.exists(path):
        raise SystemExit(f"bench: no {path}: build it with ./dev build, or name the folder with --build-dir")
    return path


def choose_cases(options: argparse.Namespace) -> list[Case]:
    cases: list[Case] = [*list_workloads(built_program(options, "ashlar-workloads"), options.scale, options.threads),
                         *list_programs(os.path.join(ROOT, "bench", "inputs"), options.scale)]
    known = {case.name for case in cases}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise SystemExit(f"bench: no case '{unknown[0]}'; known: {', '.join(sorted(known))}")
    return [case for case in cases if not options.names or case.name in options.names]


def show_list(options: argparse.Namespace) -> None:
    for case in choose_cases(options):
        missing = case.missing()
        print(f"{case.name:20} {case.stresses}{f' [left out: {missing}]' if missing else ''}")
    print()
    print(f"{allocators.SUBJECT:20} {options.ashlar}{'' if os.path.exists(options.ashlar) else ' [not built]'}")
    print(f"{allocators.BASE:20} {allocators.c_library()}")
    for peer in allocators.PEERS:
        print(f"{peer.name:20} {allocators.find_peer(peer) or f'not installed (apt-get install {peer.package})'}")


def compare(options: argparse.Namespace) -> output.Comparison:
    """Runs everything that was asked for."""
    names = options.allocators.split(",") if options.allocators else None
    chosen, notes = allocators.discover(names, options.ashlar)
    described = machine.describe(ROOT)
    described["scheduling"] = machine.raise_autogroup()
    described["rounds"] = f"{options.rounds}, scale {options.scale:g}, {options.threads} threads"
    cases = []
    for case in choose_cases(options):
        missing = case.missing()
        if missing is None:
            cases.append(case)
        else:
            notes.append(f"{case.name} is left out: {missing}")
    progress = Progress(len(cases) * len(chosen) * options.rounds)
    for line in notes:
        progress.note(line)
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as scratch:
        launcher = Launcher(built_program(options, "ashlar-measure"), scratch)
        progress.note(f"checking that each of {len(chosen)} allocators serves each program")
        check_all_served(cases, chosen, launcher)
        rows = [run_case(case, chosen, options.rounds, launcher, progress) for case in cases]
        starts = {} if options.quick or options.names else measure_starts(chosen, options.rounds, launcher)
    progress.finish()
    present = [each.name for each in chosen]
    return output.Comparison(described, present, rows, starts,
                             options.subject if options.subject in present else None, options.reference, notes)


def count_instructions(options: argparse.Namespace) -> str:
    """Returns the table that --callgrind prints."""
    chosen, notes = allocators.discover(options.allocators.split(",") if options.allocators else None, options.ashlar)
    (case,) = choose_cases(options)
    if not isinstance(case, Workload):
        raise callgrind.NoValgrind(f"{case.name} is a real program; --callgrind takes a workload")
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as scratch:
        launcher = Launcher(built_program(options, "ashlar-measure"), scratch)
        check_all_served([case], chosen, launcher)
        return "\n".join([callgrind.table(case, chosen, launcher).text(), *notes])


def save(done: output.Comparison, options: argparse.Namespace) -> str:
    """Writes the result folder and the extra copies; returns the folder."""
    folder = options.results or machine.result_folder(ROOT, done.machine)
    os.makedirs(folder, exist_ok=True)
    for path in filter(None, (os.path.join(folder, "samples.csv"), options.csv)):
        output.write_csv(done, path)
    for path in filter(None, (os.path.join(folder, "table.md"), options.markdown)):
        with open(path, "w", encoding="utf-8") as file:
            file.write(output.as_markdown(done))
    return folder


def main(arguments: list[str]) -> int:
    """Returns 0 for a finished comparison, 1 if an allocator failed somewhere, 2 if it could not be made."""
    options = parse(arguments)
    try:
        if options.list:
            show_list(options)
            return 0
        machine.enter_own_session()
        if options.callgrind:
            print(count_instructions(options))
            return 0
        done = compare(options)
    except (allocators.MissingAllocator, NotServed, callgrind.NoValgrind) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted", file=sys.stderr)
        return 130
    print(output.as_text(done))
    print(f"saved in {os.path.relpath(save(done, options))}")
    return 1 if any(row.failures for row in done.rows) else 0
