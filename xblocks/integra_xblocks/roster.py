"""The facilitator's roster: who may need help, and the same rows as a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from integra_gradebook.results import RosterRow
from integra_xblocks.messages import N_

QUIET_AFTER = timedelta(days=14)

CONCERNS = {
    "not_started": N_("has not begun"),
    "returned": N_("has work to correct"),
    "quiet": N_("nothing for two weeks"),
}

COLUMNS = (
    N_("Code"),
    N_("User"),
    N_("Cohort"),
    N_("Modality"),
    N_("Units complete"),
    N_("Units"),
    N_("Modules reached"),
    N_("Starting test"),
    N_("Final test"),
    N_("Work to correct"),
    N_("Work waiting for review"),
    N_("Last activity (UTC)"),
    N_("Course reached"),
)
YES, NO = N_("yes"), N_("no")

# A spreadsheet takes a cell that begins with one of these for a formula, also behind blanks and in full width.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def find_concerns(row: RosterRow, now: datetime) -> tuple[str, ...]:
    """Return the keys of ``CONCERNS`` that hold for ``row``; none for those who reached the course."""
    if row.is_course_reached:
        return ()
    if row.last_seen_at is None:
        return ("not_started",)
    concerns = []
    if row.returned_count > 0:
        concerns.append("returned")
    if now - row.last_seen_at >= QUIET_AFTER:
        concerns.append("quiet")
    return tuple(concerns)


def sort_by_need(rows: Iterable[RosterRow], now: datetime) -> list[RosterRow]:
    """Return ``rows`` with those who may need help first, then those with least done; ties by code."""
    return sorted(rows, key=lambda row: (not find_concerns(row, now), row.units_complete, row.short_code))


def write_csv(rows: Iterable[RosterRow], translate: Callable[[str], str]) -> bytes:
    """Return ``rows`` as a spreadsheet file that Excel in Spanish opens by itself: semicolons, UTF-8 with mark."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([translate(column) for column in COLUMNS])
    yes, no = translate(YES), translate(NO)
    for row in rows:
        cells = (
            row.short_code,
            row.username,
            row.cohort_key,
            row.modality,
            row.units_complete,
            row.units_total,
            sum(module.state != "open" for module in row.modules),
            yes if row.has_pre else no,
            yes if row.has_post else no,
            row.returned_count,
            row.submitted_count,
            row.last_seen_at.strftime("%Y-%m-%d %H:%M") if row.last_seen_at else "",
            yes if row.is_course_reached else no,
        )
        writer.writerow([disarm(str(cell)) for cell in cells])
    return buffer.getvalue().encode("utf-8-sig")


def disarm(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it: an apostrophe goes before what looks like a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) else text
