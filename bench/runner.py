#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares ashlar with other allocators; see bench/README.md. Needs Python 3.11 and nothing else.
"""

import sys

from compare.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
