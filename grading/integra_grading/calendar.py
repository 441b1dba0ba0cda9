"""Arithmetic on months."""

from __future__ import annotations

import calendar as _calendar
from datetime import datetime


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day and time ``months`` later; the last day of the month where that day is missing.

    Args:
        moment: Aware or naive; the zone is kept.
        months: At least 0.

    Invariants: ``add_months(m, 0) == m``; 31 January plus one month is 28 or 29 February.
    """
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, _calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
