# SPDX-License-Identifier: MIT
"""The allocators that take part, and where their libraries lie on this machine."""

import glob
import os
from dataclasses import dataclass

SUBJECT = "ashlar"
BASE = "glibc"


@dataclass(frozen=True)
class Allocator:
    """One allocator: `library` is what gets preloaded, None for the C library's own."""

    name: str
    library: str | None

    @property
    def serving_library(self) -> str:
        """The file that every malloc must be bound to when this allocator serves."""
        return os.path.realpath(self.library or c_library())

    def preload_for(self, links_allocator: bool) -> str | None:
        """What to put into LD_PRELOAD. A program that is itself linked with an allocator gets glibc
        only if libc.so.6 comes first in the search order, hence a preload of the C library.
        """
        if self.library is None and links_allocator:
            return c_library()
        return self.library


@dataclass(frozen=True)
class Peer:
    """How to find a peer: file patterns, newest last, and the Debian package that has it."""

    name: str
    patterns: tuple[str, ...]
    package: str


PEERS = (
    Peer("mimalloc", ("/usr/lib/*-linux-gnu/libmimalloc.so.2",), "libmimalloc2.0"),
    Peer("jemalloc", ("/usr/lib/*-linux-gnu/libjemalloc.so.2",), "libjemalloc2"),
    Peer("tcmalloc", ("/usr/lib/*-linux-gnu/libtcmalloc_minimal.so.4",), "libtcmalloc-minimal4"),
    Peer(
        "scudo",
        (
            "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so",
            "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-aarch64.so",
        ),
        "libclang-rt-19-dev",
    ),
)

NAMES = (SUBJECT, BASE, *(peer.name for peer in PEERS))


class MissingAllocator(Exception):
    """An allocator that was asked for by name is not on this machine."""


def c_library() -> str:
    """Returns the path of the C library that this machine's programs load."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            if line.rstrip().endswith("/libc.so.6"):
                return line.split()[-1]
    raise MissingAllocator("this Python does not run on glibc: no libc.so.6 in /proc/self/maps")


def _version_key(path: str) -> list[int]:
    return [
        int(part) for part in path.replace("-", "/").replace(".", "/").split("/") if part.isdigit()
    ]


def find_peer(peer: Peer) -> str | None:
    """Returns the newest library that matches, or None."""
    found = [path for pattern in peer.patterns for path in glob.glob(pattern)]
    return max(found, key=_version_key, default=None)


def discover(names: list[str] | None, ashlar_library: str) -> tuple[list[Allocator], list[str]]:
    """Returns the allocators to compare and a line for each peer that is left out because it is
    missing.

    `names` None means all. ashlar must exist unless it is left out by name; a peer must exist only
    if named.
    """
    wanted = list(NAMES) if names is None else names
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        raise MissingAllocator(f"unknown allocator '{unknown[0]}'; known: {', '.join(NAMES)}")
    chosen: list[Allocator] = []
    missing: list[str] = []
    for name in dict.fromkeys(wanted):
        if name == BASE:
            chosen.append(Allocator(name, None))
        elif name == SUBJECT:
            if not os.path.exists(ashlar_library):
                raise MissingAllocator(
                    f"no {ashlar_library}: build it with ./dev build, name another with "
                    "--ashlar, or leave ashlar out with --allocators"
                )
            chosen.append(Allocator(name, os.path.abspath(ashlar_library)))
        else:
            peer = next(each for each in PEERS if each.name == name)
            library = find_peer(peer)
            if library is not None:
                chosen.append(Allocator(name, library))
            elif names is None:
                missing.append(
                    f"{name} is left out: not installed (apt-get install {peer.package})"
                )
            else:
                raise MissingAllocator(f"{name} is not installed (apt-get install {peer.package})")
    return chosen, missing
