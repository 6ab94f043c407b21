# SPDX-License-Identifier: MIT
"""Holds the pages to the tree: what README.md quotes is the file, and what the pages link to exists."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]


def anchors(page: Path) -> set[str]:
    """The names that headings get: lower case, spaces as dashes, without punctuation."""
    text = FENCE.sub("", page.read_text())
    titles = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


class PagesTest(unittest.TestCase):
    def test_readme_quotes_first_heap(self):
        source = (ROOT / "examples/first_heap.cpp").read_text()
        code = re.sub(r"\A(//.*\n)+", "", source)
        self.assertIn(f"```cpp\n{code}```", (ROOT / "README.md").read_text())

    def test_links_lead_somewhere(self):
        for page in pages():
            for link in LINK.findall(FENCE.sub("", page.read_text())):
                if link.startswith(("http://", "https://")):
                    continue
                path, _, anchor = link.partition("#")
                target = (page.parent / path).resolve() if path else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target))


if __name__ == "__main__":
    unittest.main()
