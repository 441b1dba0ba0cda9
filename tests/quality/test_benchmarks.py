"""The benchmarks run and print figures; how large they are is for docs/performance.md. A block's weight is not: it does
not depend on the machine and has a budget."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIGURE = re.compile(r"\d+(\.\d+)?")
SHOWS_ONLY = {"`integra_module`", "`integra_record`"}


@pytest.fixture(scope="module")
def tables() -> list[list[dict[str, str]]]:
    """Every table that a quick run prints, as rows of cells by column; repeated columns are numbered."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return [read_table(text) for text in answer.stdout.split("\n### ")[1:]]


def read_table(text: str) -> list[dict[str, str]]:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    columns = [name if name not in lines[0][:n] else f"{name} {n}" for n, name in enumerate(lines[0])]
    return [dict(zip(columns, cells, strict=True)) for cells in lines[1:]]


def test_every_figure_is_a_number(tables: list[list[dict[str, str]]]) -> None:
    blocks, evaluation, sqlite, postgresql, applying, certificate, statistics, busy, work, register = tables

    assert [len(table) for table in (blocks, evaluation, applying)] == [9, 6, 1]
    assert [len(table) for table in (sqlite, postgresql, certificate, statistics)] == [4, 4, 7, 4]
    assert [len(table) for table in (busy, work, register)] == [15, 2, 14]
    for row in (row for table in tables for row in table):
        name, *cells = row.items()
        words = {"main submit", "budget", "while"} | (
            {"CPU ms", "wall ms", "SQL 8"} if name[1] in SHOWS_ONLY else set()
        )
        for column, cell in cells:
            has_no_reference = column == "Reference ms" and cell == "–"
            assert column in words or has_no_reference or FIGURE.match(cell), (name[1], column, cell)


def test_every_block_of_the_delivered_course_is_within_its_budget(tables: list[list[dict[str, str]]]) -> None:
    weights = {row["Block"]: float(row["HTML+CSS+JS gzip kB"]) for row in tables[0]}

    assert {name: weight for name, weight in weights.items() if not 0 < weight <= 15} == {}
