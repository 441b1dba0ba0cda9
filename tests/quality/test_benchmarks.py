"""The benchmarks run and print figures; what the figures are is for docs/performance.md, not for a test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_quick_benchmarks_print_a_figure_in_every_row() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stderr
    rows = [line for line in answer.stdout.splitlines() if re.match(r"\| (integra_|single|batch)", line)]
    assert len(rows) == 8 + 2 + 2
    assert all(re.search(r"\| \d+(\.\d+)? \|", row) for row in rows)
