"""Who may need help, and the spreadsheet that runs nothing."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_gradebook.results import RosterModule, RosterRow
from integra_xblocks.roster import COLUMNS, disarm, find_concerns, sort_by_need, write_csv

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def make_row(code: str = "AB12-CD", **changes: Any) -> RosterRow:
    values: dict[str, Any] = {
        "short_code": code,
        "username": "ana",
        "cohort_key": "manta-1",
        "modality": "virtual",
        "units_complete": 1,
        "units_total": 2,
        "modules": (RosterModule("m04", "done", "training"), RosterModule("m06", "open", None)),
        "has_pre": True,
        "has_post": False,
        "returned_count": 0,
        "submitted_count": 1,
        "last_seen_at": NOW - timedelta(days=1),
        "is_course_reached": False,
    }
    return RosterRow(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"last_seen_at": None}, ("not_started",)),
        ({"returned_count": 1}, ("returned",)),
        ({"last_seen_at": NOW - timedelta(days=14)}, ("quiet",)),
        ({"last_seen_at": NOW - timedelta(days=13, hours=23)}, ()),
        ({"last_seen_at": NOW - timedelta(days=20), "returned_count": 2}, ("returned", "quiet")),
        ({"last_seen_at": NOW - timedelta(days=90), "is_course_reached": True}, ()),
    ],
)
def test_concerns(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert find_concerns(make_row(**changes), NOW) == expected


def test_those_who_may_need_help_come_first_then_those_with_least_done() -> None:
    rows = [
        make_row("C", units_complete=2),
        make_row("B", units_complete=0),
        make_row("D", units_complete=2, returned_count=1),
        make_row("A", units_complete=0),
    ]
    assert [row.short_code for row in sort_by_need(rows, NOW)] == ["D", "A", "B", "C"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\u00a0=1", "＝1", '=HYPERLINK("x")']
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert disarm(text) == f"'{text}"


@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not disarm(text).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_the_file_is_one_excel_in_spanish_opens() -> None:
    data = write_csv([make_row(username='=cmd|"/c calc"!A0', cohort_key="a;b\nc")], lambda text: text)

    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == [
        "AB12-CD",
        '\'=cmd|"/c calc"!A0',
        "a;b\nc",
        "virtual",
        "1",
        "2",
        "1",
        "yes",
        "no",
        "0",
        "1",
        "2026-11-24 12:00",
        "no",
    ]
