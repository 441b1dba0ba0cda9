"""Clocks, percentiles and Markdown: what every part of the benchmarks shares."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence


def is_quick() -> bool:
    """Read the one option that every part has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="measure less; proves only that it works")
    return bool(parser.parse_args().quick)


def measure(action: Callable[[], object]) -> tuple[float, float]:
    """Return this process's CPU and the wall milliseconds of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return (time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, row by row as they come; all columns but the first are numbers."""
    print(f"\n### {title}\n")
    print(f"| {' | '.join(columns)} |")
    print(f"|---{'|--:' * (len(columns) - 1)}|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
