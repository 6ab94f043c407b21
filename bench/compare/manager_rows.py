# SPDX-License-Identifier: MIT
"""The managers' benchmarks as rows: what a pair, a push or a pass takes in each of them."""

import json
import os
import subprocess

# Those that fill memory for seconds, or need threads that run at the same time.
LEFT_OUT = "fit_latency|offset_percentiles|10000000$|/1000000$|shared_"
MIN_TIME = 0.02  # seconds a row


def time_managers(program: str, environment: dict[str, str]) -> dict[str, float]:
    """The CPU time of each row, in the unit of the row."""
    command = [program, f"--benchmark_filter=-{LEFT_OUT}", "--benchmark_format=json"]
    command.append(f"--benchmark_min_time={MIN_TIME}")
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, check=True
    )
    # Rows that find something missing have an error in place of a time.
    rows = json.loads(done.stdout)["benchmarks"]
    return {row["name"]: row["cpu_time"] for row in rows if "cpu_time" in row}
