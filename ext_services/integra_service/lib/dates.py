"""Calendar arithmetic, and dates as people read them."""

from calendar import monthrange
from datetime import date, timedelta

MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
    "diciembre",
)  # fmt: skip
SATURDAY = 5


def add_months(start: date, months: int) -> date:
    """Return the same day ``months`` later, or the last day of a month that is too short."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def count_months(start: date, end: date) -> int:
    """Return the number of whole months from ``start`` to ``end``; 0 when ``end`` is earlier.

    31 August to 28 February are 6: the sixth month ends on the last day February has. 1 September to 28 February are 5.

    Invariant: count_months(d, add_months(d, n)) == n for n >= 0.
    """
    months = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, months) > end:
        months -= 1
    return max(months, 0)


def add_working_days(start: date, days: int) -> date:
    """Return the day ``days`` working days after ``start``; Saturdays and Sundays do not count, holidays do."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY:
            days -= 1
    return day


def spell_date(day: date) -> str:
    """Return the date in Spanish words: "31 de agosto de 2026"."""
    return f"{day.day} de {MONTHS[day.month - 1]} de {day.year}"
