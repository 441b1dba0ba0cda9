"""Turns what the rules forbid for now into a refusal with its date, in the learner's own time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format

from integra_gradebook.errors import GradebookError
from integra_gradebook.places import Place
from integra_grading.reasons import Permission, ReasonCode

REFUSALS = {
    ReasonCode.NOT_BYPASSABLE: "not_offered",
    ReasonCode.MODULE_DONE: "module_done",
    ReasonCode.EXEMPT_ALREADY: "already_exempt",
    ReasonCode.ALREADY_PASSED: "already_taken",
    ReasonCode.ATTEMPTS_USED: "attempts_used",
    ReasonCode.SITTINGS_USED: "sittings_used",
    ReasonCode.COOLDOWN: "too_early",
}


def refuse_permission(permission: Permission, place: Place) -> None:
    """Raise the refusal of a permission that is not granted; its first reason is the one that is told."""
    if permission.is_granted:
        return
    reason = permission.reasons[0]
    available = format_moment(permission.until, place.time_zone)
    raise GradebookError(REFUSALS[reason.code], reason.key, available=available)


def format_moment(moment: datetime | None, time_zone: str) -> str:
    return date_format(moment.astimezone(ZoneInfo(time_zone)), "DATETIME_FORMAT") if moment else ""
