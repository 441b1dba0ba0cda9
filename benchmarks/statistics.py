"""Item statistics over a stream of attempts: processor time and memory of the pure functions."""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Iterator

from benchmarks.measuring import is_quick, measure, print_table
from integra_grading.statistics import analyse

ITEMS = 40
BUDGET_SECONDS, BUDGET_MB = 20, 300


def make_attempts(count: int) -> Iterator[list[int]]:
    """Yield invented attempts; the generator is seeded, so that every run computes the same."""
    chance = random.Random("attempts")  # noqa: S311 - invented data
    hardness = [chance.uniform(0.2, 0.9) for _ in range(ITEMS)]
    for _ in range(count):
        shift = chance.uniform(-0.2, 0.2)
        yield [int(chance.random() < share + shift) for share in hardness]


def main() -> int:
    count = 2_000 if is_quick() else 100_000
    attempts = list(make_attempts(count))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = measure(lambda: analyse([f"q{number}" for number in range(ITEMS)], attempts))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print_table(
        f"Item statistics over {count:,} attempts of {ITEMS} items",
        ("What", "ours", "budget"),
        [
            ("CPU s", f"{cpu / 1000:.1f}", str(BUDGET_SECONDS)),
            ("wall s", f"{wall / 1000:.1f}", "–"),
            ("peak memory MB, the attempts themselves included", f"{peak / 1024:.0f}", str(BUDGET_MB)),
            ("of it for the statistics", f"{(peak - before) / 1024:.0f}", "–"),
        ],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
