# SPDX-License-Identifier: MIT
"""chromium, headless: prints a page as PDF, draws it as PNG, and prints the tree that its script
has built.

Debian's chromium has an allocator of its own, linked into the program: its malloc is found before
any preloaded one. What is held here is that it and all its processes work with the library loaded;
that ashlar serves it cannot be had.
"""

import re

from context import ROOT, Failed

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--virtual-time-budget=10000",
)


def chromium(context, _):
    page = f"file://{ROOT / 'tests/programs/inputs/page.html'}"
    flags = (*FLAGS, f"--user-data-dir={context.folder / 'profile'}")
    tree = context.run("chromium", *flags, "--dump-dom", page)
    if b"rows: 400" not in tree:
        raise Failed(f"the page's script did not run: {tree[-500:]!r}")
    context.run("chromium", *flags, "--no-pdf-header-footer", "--print-to-pdf=page.pdf", page)
    context.run("chromium", *flags, "--window-size=800,600", "--screenshot=page.png", page)
    printed = (context.folder / "page.pdf").read_bytes()
    if not printed.startswith(b"%PDF-"):
        raise Failed("no PDF came out")
    without_dates = re.sub(rb"/(Creation|Mod)Date \([^)]*\)", rb"/\1Date ()", printed)
    return tree + without_dates + (context.folder / "page.png").read_bytes()
