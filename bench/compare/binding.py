# SPDX-License-Identifier: MIT
"""Makes sure that the preloaded allocator really serves a program.

That a library is mapped does not say that malloc resolves to it: a program may be linked with an
allocator of its own, be static, or drop LD_PRELOAD. The dynamic linker keeps the only honest
record. With LD_DEBUG=bindings it writes for each symbol to which file it was bound, and with
LD_BIND_NOW it binds all of them at start, so one short start of the program shows every caller of
malloc.
"""

import glob
import os
import re
import shutil
import tempfile

from .launch import Launcher

CHECKED = ("malloc", "calloc", "realloc", "free")
_BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `(\w+)'")


class NotServed(Exception):
    """A program's malloc does not come from the allocator under test."""


def parse_bindings(text: str) -> list[tuple[str, str, str]]:
    """Returns (caller, provider, symbol) for the symbols that matter."""
    return [found for found in _BINDING.findall(text) if found[2] in CHECKED]


def find_strays(bindings: list[tuple[str, str, str]], library: str) -> list[str]:
    """Returns a line for each binding that leads elsewhere.

    An allocator may call the C library's malloc family for its own start-up, so its own bindings do
    not count. An executable at a fixed address (cc1plus) may stand in for a function whose address
    it takes: others are then bound to its jump entry, and what counts is where that entry leads.
    """
    served = {
        (os.path.realpath(caller), symbol)
        for caller, provider, symbol in bindings
        if os.path.realpath(provider) == library
    }
    return [
        f"{symbol} of {os.path.basename(caller)} is bound to {provider}"
        for caller, provider, symbol in bindings
        if os.path.realpath(provider) != library
        and os.path.realpath(caller) != library
        and (os.path.realpath(provider), symbol) not in served
    ]


def check_served(launcher: Launcher, command: list[str], preload: str | None, library: str) -> None:
    """Starts the command once and raises NotServed unless all its callers of malloc are bound to
    library.
    """
    folder = tempfile.mkdtemp(dir=launcher.scratch)
    try:
        record = os.path.join(folder, "bindings")
        launcher.run(
            command,
            preload,
            environment={"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": record, "LD_BIND_NOW": "1"},
        )
        bindings: list[tuple[str, str, str]] = []
        for path in glob.glob(record + ".*"):
            with open(path, encoding="utf-8", errors="replace") as lines:
                bindings += parse_bindings(lines.read())
    finally:
        shutil.rmtree(folder)
    name = os.path.basename(command[0])
    if not any(symbol == "malloc" for _, _, symbol in bindings):
        raise NotServed(f"{name}: the dynamic linker bound no malloc (a static or setuid program?)")
    strays = find_strays(bindings, library)
    if strays:
        raise NotServed(f"{name}: {strays[0]}, not to {library}")
