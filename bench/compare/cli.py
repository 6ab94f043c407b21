# SPDX-License-Identifier: MIT
"""Puts the benchmark runner together: chooses, runs, prints and saves."""

import argparse
import os
import sys
import tempfile

from . import allocators, callgrind, machine, output
from .binding import NotServed
from .cases import Case, Workload, list_workloads
from .launch import Launcher
from .options import ROOT, SECONDS_ALLOWED, parse
from .cases.programs import list_programs
from .progress import Progress
from .rounds import check_all_served, run_case
from .startup import START, measure_starts
from .tables import Comparison


def built_program(options: argparse.Namespace, name: str) -> str:
    path = os.path.join(os.path.abspath(options.build_dir), "bin", name)
    if not os.path.exists(path):
        raise SystemExit(
            f"bench: no {path}: build it with ./dev build, or name the folder with --build-dir"
        )
    return path


def choose_cases(options: argparse.Namespace) -> list[Case]:
    cases: list[Case] = [
        *list_workloads(built_program(options, "ashlar-workloads"), options.scale, options.threads),
        *list_programs(os.path.join(ROOT, "bench", "inputs"), options.scale),
    ]
    known = {START, *(case.name for case in cases)}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise SystemExit(f"bench: no case '{unknown[0]}'; known: {', '.join(sorted(known))}")
    return [case for case in cases if not options.names or case.name in options.names]


def show_list(options: argparse.Namespace) -> None:
    for case in choose_cases(options):
        missing = case.missing()
        print(f"{case.name:20} {case.stresses}{f' [left out: {missing}]' if missing else ''}")
    print(f"{START:20} start-up of the smallest program, `true`")
    print()
    built = "" if os.path.exists(options.ashlar) else " [not built]"
    print(f"{allocators.SUBJECT:20} {options.ashlar}{built}")
    print(f"{allocators.BASE:20} {allocators.c_library()}")
    for peer in allocators.PEERS:
        library = allocators.find_peer(peer)
        print(f"{peer.name:20} {library or f'not installed (apt-get install {peer.package})'}")


def compare(options: argparse.Namespace) -> Comparison:
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
        launcher = Launcher(
            built_program(options, "ashlar-measure"),
            scratch,
            limit=max(30.0, SECONDS_ALLOWED * options.scale),
        )
        progress.note(f"checking that each of {len(chosen)} allocators serves each program")
        check_all_served(cases, chosen, launcher)
        rows = [run_case(case, chosen, options.rounds, launcher, progress) for case in cases]
        wanted = START in options.names or not (options.names or options.quick)
        starts = measure_starts(chosen, options.rounds, launcher) if wanted else {}
    progress.finish()
    present = [each.name for each in chosen]
    return Comparison(
        described,
        present,
        rows,
        starts,
        options.subject if options.subject in present else None,
        options.reference,
        notes,
    )


def count_instructions(options: argparse.Namespace) -> str:
    """Returns the table that --callgrind prints."""
    chosen, notes = allocators.discover(
        options.allocators.split(",") if options.allocators else None, options.ashlar
    )
    case = next(iter(choose_cases(options)), None)
    if not isinstance(case, Workload):
        raise callgrind.NoValgrind(f"--callgrind takes a workload, {options.callgrind} is none")
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as scratch:
        launcher = Launcher(built_program(options, "ashlar-measure"), scratch)
        check_all_served([case], chosen, launcher)
        return "\n".join([callgrind.table(case, chosen, launcher).text(), *notes])


def save(done: Comparison, options: argparse.Namespace) -> str:
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
    """Returns 0 for a finished comparison, 1 if an allocator failed somewhere, 2 if it could not be
    made.
    """
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
    folder = save(done, options)
    print(output.as_text(done))
    print(f"saved in {os.path.relpath(folder)}")
    failed = [row for row in done.rows if row.failures]
    failed += [start for start in done.starts.values() if start.error]
    return 1 if failed else 0
