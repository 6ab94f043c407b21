# SPDX-License-Identifier: MIT
"""The real programs, each with an input of our own."""

from .cases import Case


def list_programs(inputs: str, scale: float) -> list[Case]:
    """Returns the cases in the order in which they are shown."""
    del inputs, scale
    return []
