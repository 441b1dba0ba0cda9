"""``integra-stats``: item and test statistics of any table of responses, as JSON or as a table to read."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from integra_grading.consistency import MAX_ITEMS, estimate_consistency
from integra_grading.statistics import MINIMUM_N, TestStatistics, analyse

REFUSED = 2


class TableError(Exception):
    """The table cannot be read; the message says where and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Print the statistics; 2 with a sentence on stderr where the table cannot be read."""
    parser = argparse.ArgumentParser(prog="integra-stats", description=__doc__)
    parser.add_argument("responses", type=Path, metavar="RESPONSES.csv")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--cut", type=int, metavar="POINTS", help="also: how dependable decisions at this cut are"
    )
    parser.add_argument(
        "--minimum",
        type=int,
        default=MINIMUM_N,
        metavar="N",
        help="no figure below this many learners (%(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        if options.minimum < 2:
            raise TableError("--minimum: at least 2 learners are needed for any figure.")
        with options.responses.open(encoding="utf-8-sig", newline="") as file:
            report = describe(file, cut=options.cut, minimum=options.minimum)
    except (TableError, OSError) as error:
        sys.stderr.write(f"integra-stats: {error}\n")
        return REFUSED
    except UnicodeDecodeError:
        sys.stderr.write(f"integra-stats: {options.responses} is not UTF-8. Save it as «CSV UTF-8».\n")
        return REFUSED
    sys.stdout.write((json.dumps(report, indent=2) if options.json else _as_text(report)) + "\n")
    return 0


def describe(file: TextIO, *, cut: int | None, minimum: int) -> dict[str, Any]:
    """Return what is printed: the statistics of the table in ``file``, read once.

    Raises:
        TableError: With line, column and what to do.
    """
    reader = csv.reader(file, delimiter=_find_delimiter(file), strict=True)
    try:
        header = next(reader, [])
        keys = [key.strip() for key in header[1:]]
        _check_header(keys)
        if cut is not None and not 1 <= cut <= len(keys):
            raise TableError(f"--cut: from 1 to {len(keys)} points are possible.")
        statistics = analyse(keys, _read_rows(reader, keys), minimum=minimum)
    except csv.Error as error:
        raise TableError(f"line {reader.line_num}: {error}.") from error
    return _to_dict(statistics) | ({} if cut is None else _describe_cut(statistics, len(keys), cut))


def _find_delimiter(file: TextIO) -> str:
    """Excel in Spanish writes semicolons; the header tells which it was."""
    first = file.readline()
    file.seek(0)
    return ";" if first.count(";") > first.count(",") else ","


def _check_header(keys: list[str]) -> None:
    if not keys:
        raise TableError("line 1: the first row names the items, after a first column for the learners.")
    for number, key in enumerate(keys, start=2):
        if not key:
            raise TableError(f"line 1, column {number}: the item has no name.")
        if keys.index(key) != number - 2:
            raise TableError(f"line 1, column {number}: the item {key} stands twice.")


def _read_rows(reader: Any, keys: list[str]) -> Iterator[list[float | None]]:
    seen: set[str] = set()
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        where = f"line {reader.line_num}"
        if len(row) != len(keys) + 1:
            raise TableError(f"{where}: {len(row)} columns; the header has {len(keys) + 1}.")
        learner = row[0].strip()
        if not learner:
            raise TableError(f"{where}, column 1: the learner has no key.")
        if learner in seen:
            raise TableError(f"{where}, column 1: this learner stands twice.")
        seen.add(learner)
        yield [
            _read_score(cell.strip(), f"{where}, column {number}")
            for number, cell in enumerate(row[1:], start=2)
        ]


def _read_score(cell: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise TableError(
            f"{where}: a score from 0 to 1 is expected, or nothing where the item was not given."
        )
    # Whole numbers stay whole, so that sums of right answers are exact.
    return int(value) if value in (0, 1) else value


def _to_dict(statistics: TestStatistics) -> dict[str, Any]:
    items = [
        {"key": item.key, "n": item.n, "facility": item.facility, "item_rest": item.item_rest}
        for item in statistics.items
    ]
    return {
        "n": statistics.n,
        "items": items,
        "alpha": statistics.alpha,
        "kr20": statistics.kr20,
        "sem": statistics.sem,
    }


def _describe_cut(statistics: TestStatistics, items: int, cut: int) -> dict[str, Any]:
    nothing = {"consistency": None, "kappa": None, "method": None}
    # The method is for items that are right or wrong.
    if statistics.kr20 is None or statistics.mean is None or statistics.sd is None or items > MAX_ITEMS:
        return nothing
    found = estimate_consistency(mean=statistics.mean, sd=statistics.sd, items=items, cut=cut)
    return {"consistency": found.consistency, "kappa": found.kappa, "method": found.method}


def _as_text(report: dict[str, Any]) -> str:
    width = max(len("item"), *(len(item["key"]) for item in report["items"]))
    lines = [f"{'item':{width}}  {'n':>7}  {'facility':>8}  {'item-rest':>9}"]
    lines += [
        f"{item['key']:{width}}  {item['n']:>7}  {_shown(item['facility']):>8}  {_shown(item['item_rest']):>9}"
        for item in report["items"]
    ]
    lines.append("")
    lines += [f"{name:<12} {_shown(report[name])}" for name in report if name not in ("items", "method", "n")]
    return "\n".join(
        [
            f"learners     {report['n']}",
            *lines,
            *([f"method       {report['method'] or '–'}"] if "method" in report else []),
        ]
    )


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
