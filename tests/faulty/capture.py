# SPDX-License-Identifier: MIT
"""Reads of a capture (src/ashlar/observe/capture.hpp) what these tests ask for: where lost blocks
come from."""

import dataclasses
import re
import struct

HEADER = struct.Struct("<QIIIIQQQQQQQQQII64s4IQII")
SECTION = struct.Struct("<IIQQ")
SECTION_COUNT = 11
MAPS, FRAMES, SITES = 1, 3, 4
SITE = struct.Struct("<6I11Q2I")


@dataclasses.dataclass
class Site:
    """Blocks of one origin. `frames` are (file, offset of the return address in it)."""

    frames: list
    lost_blocks: int
    held_blocks: int


def files_of(maps):
    """Returns (begin, end, file, where the file begins) of each mapping of a file."""
    found, starts = [], {}
    for line in maps.splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) .{4} \S+ \S+ \S+ +(/.*)", line)
        if match:
            begin, end, path = int(match[1], 16), int(match[2], 16), match[3]
            found.append((begin, end, path, starts.setdefault(path, begin)))
    return found


def place_of(address, files):
    for begin, end, path, start in files:
        if begin < address <= end:
            return path, address - start
    return "", address


def read_sites(path):
    data = path.read_bytes()
    sections = {}
    for i in range(SECTION_COUNT):
        kind, size, offset, count = SECTION.unpack_from(data, HEADER.size + i * SECTION.size)
        sections[kind] = (size, offset, count)
    _, offset, count = sections[MAPS]
    files = files_of(data[offset : offset + count].decode(errors="replace"))
    frames_at = sections[FRAMES][1]
    size, offset, count = sections[SITES]
    for i in range(count):
        site = SITE.unpack_from(data, offset + i * size)
        frames = struct.unpack_from(f"<{site[1]}Q", data, frames_at + 8 * site[0])
        yield Site([place_of(f, files) for f in frames], site[11], site[13])
