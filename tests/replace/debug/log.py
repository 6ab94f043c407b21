# SPDX-License-Identifier: MIT
"""The log of the debug level: every event of known blocks, whatever ends the program."""

import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

LINE = re.compile(
    r"(?P<time>\d+\.\d{3}) (?P<thread>\d+) (?P<what>allocated|refused|freed|released|faulted) "
    r"(?P<size>\d+)(?: (?P<at>0x[0-9a-f]+))?(?: alignment (?P<alignment>\d+))?"
    r"(?: site (?P<site>\d+))?(?: (?P<words>.+))?$"
)


def run(library, program, folder, *words, options="", **settings):
    environment = {
        **os.environ,
        "LD_PRELOAD": library,
        "ASHLAR_OPTIONS": f"track=debug,log={folder}{options}",
    }
    done = subprocess.run(
        [program, *words], env=environment, capture_output=True, text=True, timeout=60,
        check=False, **settings
    )
    return done.returncode, done.stderr, sorted(pathlib.Path(folder).glob("*.log"))


def read(path):
    """Returns (events, sites): the matches of the lines, and {number: frames}."""
    head, *lines = path.read_bytes().rstrip(b"\0").decode().splitlines()
    assert re.fullmatch(r"# ashlar log 1, process \d+", head), head
    events, sites, current = [], {}, None
    for line in lines:
        if match := re.fullmatch(r"site (\d+)", line):
            current = sites.setdefault(int(match[1]), [])
        elif line.startswith("    "):
            current.append(line)
        else:
            match = LINE.match(line)
            assert match, f"no line of a log: {line!r}"
            assert match["site"] is None or int(match["site"]) in sites, f"unknown site: {line!r}"
            events.append(match)
    return events, sites


def story(events, size):
    """Returns what happened to the blocks of a size."""
    return [e["what"] for e in events if int(e["size"]) == size]


def check_whole(path):
    events, sites = read(path)
    assert story(events, 10001) == ["allocated", "freed"], story(events, 10001)
    assert story(events, 10002) == ["allocated", "freed"]
    assert story(events, 10003)[:1] == ["allocated"]
    assert story(events, 10004) == ["allocated", "freed"]
    assert story(events, 12288) == ["allocated", "freed"]
    assert [e["words"] for e in events if e["what"] == "refused"] == ["too large"], [
        e[0] for e in events if e["what"] == "refused"
    ]
    aligned = next(e for e in events if int(e["size"]) == 12288)
    assert aligned["alignment"] == "4096" and int(aligned["at"], 16) % 4096 == 0
    threads = {e["thread"] for e in events if int(e["size"]) == 10002}
    assert threads != {e["thread"] for e in events if int(e["size"]) == 10001} and len(threads) == 1
    made = next(e for e in events if int(e["size"]) == 10001)
    frames = sites[int(made["site"])]
    assert any(re.match(r"    #0 0x[0-9a-f]+ /.*\+0x[0-9a-f]+$", f) for f in frames), frames
    return events


LIBRARY, PROGRAM = sys.argv[1:]


def in_folder(*words, options="", **settings):
    """Runs the program. Returns its status, what it said, and what `look` finds in each log."""
    look = settings.pop("look", lambda log: read(log)[0])
    with tempfile.TemporaryDirectory() as folder:
        status, said, logs = run(LIBRARY, PROGRAM, folder, *words, options=options, **settings)
        return status, said, [look(log) for log in logs]


def log_of(*words, **settings):
    """The same for a program that leaves one log, which is whole."""
    status, said, [events] = in_folder(*words, look=check_whole, **settings)
    return status, said, events


def check_ends():
    status, said, events = log_of("r")
    assert (status, said) == (0, ""), said
    assert story(events, 10003) == ["allocated", "freed"]
    _, _, [size] = in_folder("r", look=lambda log: log.stat().st_size)
    assert size < 1 << 20, "as long as what was written"
    status, said, _ = log_of("r", options=",release_at_exit=1")
    assert said == "ashlar: at exit: reserved 0 bytes, committed 0 bytes\n", said
    status, _, _ = log_of("x")
    assert status == 0
    status, _, events = log_of("k")
    assert status == -9 and story(events, 10003) == ["allocated"]
    status, said, events = log_of("d")
    assert status == -6 and "double free" in said
    fault = events[-1]
    assert (fault["what"], fault["words"]) == ("faulted", "double free"), fault[0]


def check_pairs(events):
    made = story(events, 10009)
    assert made.count("allocated") == made.count("freed") == 30000
    assert 29900 <= made.count("released") <= 30000, made.count("released")


def check_full_quarantine():
    """It lets go of what came first; more than one window of the file."""
    how = ("r", "30000")
    # A thread that moves to another processor has a second ring there, and either may give.
    processor = min(os.sched_getaffinity(0))
    status, said, events = log_of(
        *how, options=",quarantine=64K",
        preexec_fn=lambda: os.sched_setaffinity(0, {processor})
    )
    assert (status, said) == (0, "")
    check_pairs(events)
    status, said, [events] = in_folder(*how, options=",quarantine=64K")
    assert (status, said) == (0, "")
    check_pairs(events)


def check_children():
    # After exec, a further file.
    status, said, logs = in_folder("e", look=check_whole)
    assert (status, said, len(logs)) == (0, "", 2)
    # A child of vfork that ends without exec leaves its parent's log alone.
    status, said, events = log_of("v")
    assert (status, said) == (0, "") and story(events, 10003) == ["allocated", "freed"]
    status, said, logs = in_folder("f")
    assert (status, said, len(logs)) == (0, "", 2), (said, logs)
    stories = sorted(story(events, 10005) for events in logs)
    assert stories == [[], ["allocated", "freed"]], stories
    _, _, logs = in_folder("f", options=",follow=0")
    assert len(logs) == 1, logs


def check_limits():
    status, said, [size] = in_folder(
        "r", "30000", options=",log_size=1M",
        look=lambda log: (read(log), log.stat().st_size)[1]  # all lines are whole
    )
    assert status == 0 and re.fullmatch(r"ashlar: the log \S+ ends: .*log_size.*\n", said), said
    assert (1 << 20) - 100 < size <= 1 << 20
    limit = (1 << 19, 1 << 19)
    status, said, logs = in_folder(
        "r", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    )
    assert (status, logs) == (0, []) and said.endswith("ends: ulimit -f\n"), (status, said, logs)
    status, said, _ = run(LIBRARY, PROGRAM, "/nowhere/at/all", "r")
    assert status == 0 and said.count("\n") == 1 and "cannot be opened" in said, said


def main():
    check_ends()
    check_full_quarantine()
    check_children()
    check_limits()
    print("the log tells what happened")


if __name__ == "__main__":
    main()
