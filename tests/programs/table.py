# SPDX-License-Identifier: MIT
"""The programs, as Debian ships them, and what each does. A case returns bytes: they must be the
same on glibc and ashlar.

    CASES[name] = (what must be installed, the function)
"""

import re

import browser
import redis_case
from context import INPUTS, ROOT, Failed

PYTHON = "/usr/bin/python3"
PYTHON_ENVIRONMENT = {
    "PYTHONMALLOC": "malloc",
    "PYTHONHASHSEED": "0",
}  # else python's own heap serves small blocks
PYTHON_MODULES = ("test_json", "test_re", "test_dict", "test_list", "test_threading")


def cxx(context, generated):
    """g++ compiles ashlar's heap, and links it."""
    compiler = context.run("g++", "-print-prog-name=cc1plus").decode().strip()
    context.check_served(compiler, "--version")
    sources = sorted((ROOT / "src/ashlar").rglob("heap/*.cpp")) + sorted(
        (ROOT / "src/ashlar").rglob("structure/*.cpp")
    )
    result = b""
    for source in sources:
        context.run(
            "g++",
            "-std=c++20",
            "-O2",
            "-g",
            "-fPIC",
            "-fno-exceptions",
            f"-I{ROOT / 'src'}",
            f"-I{generated}",
            "-c",
            source,
            "-o",
            f"{source.stem}.o",
        )
        result += (context.folder / f"{source.stem}.o").read_bytes()
    objects = sorted(context.folder.glob("*.o"))
    context.run("g++", "-shared", "-Wl,--build-id=none", *objects, "-o", "linked.so")
    return result + (context.folder / "linked.so").read_bytes()


def python_module(module):
    def run(context, _):
        context.check_served(PYTHON, "--version", environment=PYTHON_ENVIRONMENT)
        # Two: some of a module's tests fail in some containers. Then they fail on glibc as well.
        output = context.run(
            PYTHON, "-m", "test", "-v", module, environment=PYTHON_ENVIRONMENT, statuses=(0, 2)
        )
        verdicts = re.findall(
            rb"^(\w+ \(.+?\).*?) \.\.\. (ok|FAIL|ERROR|skipped|expected failure)",
            output,
            re.MULTILINE,
        )
        counts = re.findall(rb"^Ran \d+ tests?", output, re.MULTILINE)
        if not verdicts or not counts:
            raise Failed(f"{module} printed no verdicts: {output[-2000:]!r}")
        return b"\n".join(sorted(b" ".join(verdict) for verdict in verdicts) + counts)

    return run


def sqlite(context, _):
    """Rows, indexes and groups, in memory and then in a file."""
    context.check_served("sqlite3", "--version")
    script = (INPUTS / "rows.sql").read_bytes()
    setting = ("-cmd", ".parameter init", "-cmd", ".parameter set @rows 100000")
    in_memory = context.run("sqlite3", "-batch", *setting, ":memory:", stdin=script)
    in_file = context.run("sqlite3", "-batch", *setting, "rows.db", stdin=script)
    return (
        in_memory + in_file + context.run("sqlite3", "rows.db", ".dump", "PRAGMA integrity_check")
    )


GIT_WHO = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git_in(context, folder):
    """Returns a function that runs git in a folder, with everything that enters a hash fixed."""

    def call(*words, day=1):
        date = f"{1_700_000_000 + day * 86_400} +0000"
        fixed = {**GIT_WHO, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        return context.run("git", "-C", folder, "-c", "pack.threads=1", *words, environment=fixed)

    return call


def make_history(folder, call):
    """Sixty commits on two branches, and their merge."""
    for day in range(60):
        if day == 20:
            call("checkout", "-q", "-b", "side")
        if day == 40:
            call("checkout", "-q", "main")
        name = f"file{day % 7}{'s' if 20 <= day < 40 else ''}.txt"
        with open(folder / name, "a", encoding="utf-8") as file:
            file.writelines(f"line {n} of day {day}: {n * day * 7919 % 1009}\n" for n in range(300))
        call("add", "-A", day=day)
        call("commit", "-q", "-m", f"Day {day}", day=day)
    call("merge", "-q", "--no-edit", "side", day=61)


def git(context, _):
    """Commits, merges, shows, blames, repacks, checks and clones."""
    context.check_served("git", "--version")
    folder = context.folder / "repository"
    context.run("git", "init", "-q", "-b", "main", folder, environment=GIT_WHO)
    call = git_in(context, folder)
    make_history(folder, call)
    result = call("log", "-p", "--stat", "--all") + call("blame", "file3.txt")
    call("repack", "-q", "-a", "-d", "-f")
    packs = sorted((folder / ".git/objects/pack").glob("*.pack"))
    result += call("rev-list", "--objects", "--all") + b"".join(p.read_bytes() for p in packs)
    context.run("git", "clone", "-q", "--no-local", folder, "clone", environment=GIT_WHO)
    cloned = git_in(context, context.folder / "clone")
    return result + call("fsck", "--full") + cloned("log", "--oneline")


def perl(context, _):
    context.check_served("perl", "--version")
    return context.run("perl", INPUTS / "hashes.pl", "3", environment={"PERL_HASH_SEED": "0"})


def lua(context, _):
    context.check_served("lua5.4", "-v")
    return context.run("lua5.4", INPUTS / "tables.lua", "3")


def node(context, _):
    """Objects, buffers, zlib, hashes, and worker threads."""
    context.check_served("node", "--version")
    return context.run("node", ROOT / "tests/programs/inputs/work.js")


def ghostscript(context, _):
    context.check_served("gs", "--version")
    pages = context.run(
        "gs",
        "-q",
        "-dSAFER",
        "-dNOPAUSE",
        "-dBATCH",
        "-dROUNDS=20",
        "-sDEVICE=ppmraw",
        "-r100",
        "-sOutputFile=-",
        INPUTS / "drawing.ps",
    )
    return pages


# --- programs of every day: each makes something out of the sources of ashlar ---

SOURCES = ROOT / "src/ashlar"


def bash(context, _):
    """Arrays, texts, functions and subshells."""
    context.check_served("bash", "--version")
    script = r"""
      declare -A count
      for i in {1..20000}; do key=$((i * 7919 % 331)); count[$key]=$((${count[$key]:-0} + i)); done
      for key in $(printf '%s\n' "${!count[@]}" | sort -n); do echo "$key ${count[$key]}"; done
      text=$(printf 'word%d ' {1..3000}); text=${text// /-}; echo "${#text} ${text:100:50}"
      nest() { (($1 == 0)) || { local here=$1$2; nest $(($1 - 1)) "$here"; }; }; nest 200 x; echo "$(nest 9 y; echo ok)"
    """
    return context.run("bash", "-c", script)


def tar(context, _):
    """Packs, lists and unpacks."""
    context.check_served("tar", "--version")
    fixed = ("--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner")
    context.run("tar", *fixed, "-C", SOURCES, "-cf", "all.tar", ".")
    (context.folder / "out").mkdir()
    context.run("tar", "-C", "out", "-xf", "all.tar")
    return context.run("tar", "-tvf", "all.tar") + context.run("tar", "-dvf", "all.tar", "-C", "out")


def gzip(context, _):
    context.check_served("gzip", "--version")
    text = b"".join(path.read_bytes() for path in sorted(SOURCES.rglob("*.cpp")))
    packed = context.run("gzip", "-n", "-c", stdin=text)
    return packed + context.run("gzip", "-d", "-c", stdin=packed)


def text_of_sources():
    return b"".join(path.read_bytes() for path in sorted(SOURCES.rglob("*.hpp")))


def awk(context, _):
    """Counts words in arrays, and splits and joins."""
    context.check_served("awk", "BEGIN { print 1 }")
    program = (
        '{ for (i = 1; i <= NF; i++) { n[$i]++; s[length($i)] = s[length($i)] " " $i } }'
        ' END { for (w in n) print n[w], w; for (l in s) print l, length(s[l]) }'
    )
    lines = context.run("awk", program, stdin=text_of_sources()).splitlines()
    return b"\n".join(sorted(lines))


def sed(context, _):
    context.check_served("sed", "--version")
    script = r"s/\([a-z_]*\)(\([^)]*\))/\2<-\1/g; /^\/\//{H;d}; $G; y/abc/ABC/"
    return context.run("sed", script, stdin=text_of_sources())


def grep(context, _):
    context.check_served("grep", "--version")
    pattern = r"(\w+)_(\w+)\(|operator.{1,3}=|(.)\3\3"
    return context.run("grep", "-nE", pattern, stdin=text_of_sources())


def find(context, _):
    context.check_served("find", "--version")
    found = context.run("find", SOURCES, "-name", "*.?pp", "-size", "+2k", "-printf", "%P %s\n")
    return b"\n".join(sorted(found.splitlines()))


def openssl(context, _):
    """Hashes, ciphers, a key and what it signs."""
    context.check_served("openssl", "version")
    text = text_of_sources()
    secret = ("-K", "0" * 64, "-iv", "1" * 32)
    hashed = context.run("openssl", "dgst", "-sha512", stdin=text)
    hidden = context.run("openssl", "enc", "-aes-256-cbc", *secret, stdin=text)
    shown = context.run("openssl", "enc", "-d", "-aes-256-cbc", *secret, stdin=hidden)
    listed = context.run("openssl", "ciphers", "-v", "ALL")
    return hashed + hidden + shown + listed


CASES = {
    "cxx": (("g++",), cxx),
    "sqlite": (("sqlite3",), sqlite),
    "git": (("git",), git),
    "perl": (("perl",), perl),
    "lua": (("lua5.4",), lua),
    "node": (("node",), node),
    "ghostscript": (("gs",), ghostscript),
    "bash": (("bash",), bash),
    "tar": (("tar",), tar),
    "gzip": (("gzip",), gzip),
    "awk": (("awk",), awk),
    "sed": (("sed",), sed),
    "grep": (("grep",), grep),
    "find": (("find",), find),
    "openssl": (("openssl",), openssl),
    "redis": (("redis-server", "redis-benchmark"), redis_case.redis),
    "chromium": (("chromium",), browser.chromium),
    **{f"python.{module}": ((PYTHON,), python_module(module)) for module in PYTHON_MODULES},
}
