# SPDX-License-Identifier: MIT
"""redis-server under redis-benchmark, on a socket in its folder. Debian links it with libjemalloc:
`check_served` holds that the preloaded library comes first all the same, and that the server's own
calls are bound to it."""

import os
import subprocess
import time

from context import Failed

TESTS = "set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,mset,lrange_100"


def fill_script():
    """Returns commands for redis-cli that store the same data in every run."""
    lines = ["FLUSHALL"]
    for i in range(3000):
        lines += [
            f"SET string:{i} {'x' * (i % 500)}{i}",
            f"RPUSH list:{i % 97} item{i * i}",
            f"HSET hash:{i % 89} field{i} {i * 31}",
            f"SADD set:{i % 83} member{i % 1009}",
            f"ZADD sorted:{i % 79} {i * 7919 % 10007} element{i}",
            f"APPEND string:{i % 50} {'y' * 100}",
        ]
    return "\n".join([*lines, "DEBUG DIGEST", "DBSIZE", "MEMORY PURGE", ""]).encode()


def wait_for(path, server):
    deadline = time.monotonic() + 20
    while not path.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"redis-server did not start: {server.communicate()[1]!r}")
        time.sleep(0.02)


def check_mapped(context, server):
    """Holds that the library is in the server's memory, and that the server is really the process
    looked at."""
    if context.library is None:
        return
    with open(f"/proc/{server.pid}/maps", encoding="utf-8") as maps:
        if not any(line.rstrip().endswith(os.path.realpath(context.library)) for line in maps):
            raise Failed("the library is not mapped by redis-server")


def server_command(context, path):
    settings = {
        "port": "0",
        "unixsocket": path,
        "save": "",
        "appendonly": "no",
        "dir": context.folder,
        "enable-debug-command": "local",
        "loglevel": "warning",
        "activedefrag": "no",
    }
    words = ["redis-server"]
    for name, value in settings.items():
        words += [f"--{name}", str(value)]
    return words


def redis(context, _):
    """Answers to the same commands, after a benchmark has been through the server."""
    context.check_served("redis-server", "--version")
    path = context.folder / "socket"
    command = server_command(context, path)
    with subprocess.Popen(
        command,
        env=context.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as server:
        try:
            wait_for(path, server)
            check_mapped(context, server)
            load = ("-t", TESTS, "-n", "50000", "-r", "10000", "-d", "300", "-P", "16", "-q")
            context.run("redis-benchmark", "-s", path, *load)
            answers = context.run("redis-cli", "-s", path, stdin=fill_script())
        finally:
            context.run("redis-cli", "-s", path, "SHUTDOWN", "NOSAVE", statuses=(0, 1))
            errors = server.communicate(timeout=60)[1]
        context.check(command, server.returncode, errors)
    return answers
