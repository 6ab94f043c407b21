# SPDX-License-Identifier: MIT
"""Compares allocators: the same programs, interleaved rounds, time and peak memory."""
