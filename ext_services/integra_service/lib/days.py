"""Days as the programme counts them: in its own time zone."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings


def local_day(moment: datetime) -> date:
    """Return the calendar day in the programme's time zone."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def start_of_day(day: date) -> datetime:
    """Return its first moment."""
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE)).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """Return the last second of that day; signed documents tell no finer time."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(settings.TIME_ZONE)).astimezone(UTC)
