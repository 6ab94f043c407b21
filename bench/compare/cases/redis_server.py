# SPDX-License-Identifier: MIT
"""redis-server under redis-benchmark, on a socket in the scratch folder.

Debian's redis-server is linked with libjemalloc. A preloaded library comes first in the search
order, so malloc, calloc, realloc, free and malloc_usable_size are the preloaded ones, while mallctl
and nallocx (statistics, size arithmetic) stay jemalloc's; for glibc the C library itself is
preloaded. `INFO memory` prints the name that was compiled in, so it proves nothing: the dynamic
linker's record does (binding.py), and each run looks at the server's memory map besides.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from . import Case
from ..launch import Launcher, Running, Sample, sample_of

TESTS = "set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,mset"
START_LIMIT = 10.0
STOP_LIMIT = 20.0


class RedisError(Exception):
    """The server did not do what it was asked to."""


class RedisClient:
    """Just enough of the protocol: arrays of strings out, one reply in."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(path)
        self._replies = self._socket.makefile("rb")

    def send(self, *words: str) -> None:
        parts = [f"*{len(words)}\r\n"]
        parts += [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
        self._socket.sendall("".join(parts).encode())

    def reply(self) -> str:
        line = self._replies.readline().decode().rstrip()
        if line.startswith("-") or not line:
            raise RedisError(line or "the server closed the connection")
        if line.startswith("$"):
            return self._replies.read(int(line[1:]) + 2)[:-2].decode()
        return line[1:]

    def call(self, *words: str) -> str:
        self.send(*words)
        return self.reply()


def fill(client: RedisClient, count: int) -> None:
    """Stores the same data in every run: strings, lists, hashes, sets and sorted sets."""
    commands = []
    for i in range(count):
        commands.append(("SET", f"string:{i}", f"{i:x}" * (1 + i % 60)))
        commands.append(("RPUSH", f"list:{i % 97}", f"item {i * i}"))
        commands.append(("HSET", f"hash:{i % 89}", f"field{i}", f"{i * 31}"))
        commands.append(("SADD", f"set:{i % 83}", f"member {i % 1009}"))
        commands.append(("ZADD", f"sorted:{i % 79}", str(i * 7919 % 10007), f"element {i}"))
    for begin in range(0, len(commands), 100):
        batch = commands[begin : begin + 100]
        for command in batch:
            client.send(*command)
        for _ in batch:
            client.reply()


class RedisServer(Case):
    links_allocator = True

    def __init__(self, name: str, stresses: str, requests: int) -> None:
        self.name = name
        self.stresses = stresses
        self._requests = requests

    def missing(self) -> str | None:
        if all(shutil.which(each) for each in ("redis-server", "redis-benchmark")):
            return None
        return "no redis-server (apt-get install redis-server redis-tools)"

    def probes(self) -> list[list[str]]:
        return [["redis-server", "--version"]]

    def run(self, launcher: Launcher, preload: str | None) -> Sample:
        folder = tempfile.mkdtemp(dir=launcher.scratch)
        path = os.path.join(folder, "socket")
        command = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            path,
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            folder,
            "--enable-debug-command",
            "local",
            "--loglevel",
            "warning",
        ]
        server = launcher.start(command, preload)
        problem = None
        try:
            seconds, digest = self._use(path, preload, server)
            _shut_down(path)
        except (OSError, subprocess.SubprocessError, RedisError) as found:
            problem = str(found)
        except BaseException:
            server.kill()  # the runner is interrupted
            raise
        sample = sample_of(server, STOP_LIMIT)[0]
        shutil.rmtree(folder)
        if problem is not None:
            return Sample(
                error=problem if sample.error is None else f"{problem}; the server: {sample.error}"
            )
        if sample.error is None:
            sample.seconds, sample.digest = seconds, digest
        return sample

    def _use(self, path: str, preload: str | None, server: Running) -> tuple[float, str]:
        """Runs the benchmark and returns its wall seconds, and the digest of a data set stored
        afterwards.
        """
        client = _connect(path, server)
        if preload is not None:
            _check_mapped(client, preload)
        begin = time.perf_counter()
        done = subprocess.run(
            [
                "redis-benchmark",
                "-s",
                path,
                "-t",
                TESTS,
                "-n",
                str(self._requests),
                "-r",
                "50000",
                "-d",
                "200",
                "-P",
                "16",
                "-q",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=300,
        )
        seconds = round(time.perf_counter() - begin, 6)
        if done.returncode != 0:
            raise RedisError(f"redis-benchmark: exit {done.returncode}")
        client.call("FLUSHALL")
        fill(client, 2000)
        return seconds, client.call("DEBUG", "DIGEST")


def _shut_down(path: str) -> None:
    try:
        RedisClient(path).call("SHUTDOWN", "NOSAVE")
    except (ConnectionError, RedisError):
        pass  # a server that shuts down closes the connection instead of answering


def _connect(path: str, server: Running) -> RedisClient:
    deadline = time.monotonic() + START_LIMIT
    while not server.ended() and time.monotonic() < deadline:
        try:
            client = RedisClient(path)
            client.call("PING")
            return client
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.01)
    raise RedisError("the server did not start")


def _check_mapped(client: RedisClient, preload: str) -> None:
    facts = dict(
        line.split(":", 1) for line in client.call("INFO", "server").splitlines() if ":" in line
    )
    library = os.path.realpath(preload)
    with open(f"/proc/{facts['process_id'].strip()}/maps", encoding="utf-8") as maps:
        if not any(line.rstrip().endswith(library) for line in maps):
            raise RedisError(f"{library} is not mapped by the server")
