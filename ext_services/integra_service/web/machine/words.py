"""Alarms and reasons in words that say what is the matter and what to do."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integra_service.credentials.checking import EVIDENCE
from integra_service.credentials.models import FindingCode
from integra_service.records.checking import STANDING
from integra_service.records.judging import (
    APPLY_FAILED,
    CLOCK_AHEAD,
    SOURCE_MISMATCH,
    UNKNOWN_RULE_VERSION,
    UNREADABLE,
)
from integra_service.records.models import CheckReport
from integra_service.upkeep.alarms import Alarm, AlarmCode
from integra_service.web.wording import FINDINGS

# What it means, and what whoever reads it can do.
REASONS = {
    SOURCE_MISMATCH: (
        gettext_lazy("It speaks of another city or course"),
        gettext_lazy(
            "This source may not speak of it. Add the course to the source, or ask the classroom why."
        ),
    ),
    CLOCK_AHEAD: (
        gettext_lazy("It is dated in the future"),
        gettext_lazy("It is applied by itself when its time comes. Check the classroom's clock."),
    ),
    UNKNOWN_RULE_VERSION: (
        gettext_lazy("Its rules are not registered"),
        gettext_lazy("Register the manifest it names; then it is applied by itself."),
    ),
    UNREADABLE: (
        gettext_lazy("It is written for another version"),
        gettext_lazy("Update this service and try again."),
    ),
    APPLY_FAILED: (
        gettext_lazy("It failed on our side"),
        gettext_lazy("The service's log says why. Try again after it is mended."),
    ),
}
# Where the alarm leads.
ALARM_ROUTES = {
    AlarmCode.INBOX_BEHIND: "",
    AlarmCode.AUDIT_HEAD_MISSING: "",
    AlarmCode.ERASURES_OVERDUE: "",
    AlarmCode.WORK_BEHIND: "",
    AlarmCode.BROKER_AWAY: "",
    AlarmCode.PARKED: "web:machine-parked",
    AlarmCode.SEQUENCE_GAPS: "web:machine-gaps",
    AlarmCode.ID_CONFLICTS: "web:machine-refused",
    AlarmCode.REFUSED_FULL: "web:machine-refused",
    AlarmCode.DRIFT: "web:machine-sources",
    AlarmCode.COMPARISON_OVERDUE: "web:machine-sources",
    AlarmCode.SOURCE_SILENT: "web:machine-sources",
    AlarmCode.CHECK_DIFFERENCES: "",
}


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """Why an event is held, and what to do about it."""

    title: str
    advice: str


@dataclass(frozen=True, slots=True)
class AlarmWords:
    """One alarm as a sentence."""

    sentence: str
    is_stopping: bool
    route: str


def explain_reason(reason: str) -> ReasonWords:
    title, advice = REASONS.get(reason, (reason, ""))
    return ReasonWords(str(title), str(advice))


def describe_alarm(alarm: Alarm) -> AlarmWords:
    return AlarmWords(say(alarm), alarm.is_stopping, ALARM_ROUTES[alarm.code])


def say(alarm: Alarm) -> str:
    count = alarm.count
    match alarm.code:
        case AlarmCode.INBOX_BEHIND:
            return _(
                "Events wait for more than a quarter of an hour: the workers do not keep up or are not there."
            )
        case AlarmCode.AUDIT_HEAD_MISSING:
            return _("The audit chain has lost its last link: somebody changed the database by hand.")
        case AlarmCode.ERASURES_OVERDUE:
            return ngettext(
                "{count} erasure should have been carried out days ago: integra_erasures is not running, or fails.",
                "{count} erasures should have been carried out days ago: integra_erasures is not running, or fails.",
                count,
            ).format(count=count)
        case AlarmCode.WORK_BEHIND:
            return ngettext(
                "{count} begun certificate or run was left for a quarter of an hour: integra_work is not running, or "
                "fails.",
                "{count} begun certificates or runs were left for a quarter of an hour: integra_work is not running, "
                "or fails.",
                count,
            ).format(count=count)
        case AlarmCode.BROKER_AWAY:
            return _(
                "The broker could not be reached: until it is back, only the processes with --every work."
            )
        case AlarmCode.PARKED:
            return ngettext(
                "{count} event is held, the oldest for more than a day.",
                "{count} events are held, the oldest for more than a day.",
                count,
            ).format(count=count)
        case AlarmCode.SEQUENCE_GAPS:
            return ngettext(
                "Something is missing in the sequence of {count} person.",
                "Something is missing in the sequence of {count} people.",
                count,
            ).format(count=count)
        case AlarmCode.ID_CONFLICTS:
            return ngettext(
                "{count} event came again with another content this week. The first one stays.",
                "{count} events came again with another content this week. The first ones stay.",
                count,
            ).format(count=count)
        case AlarmCode.REFUSED_FULL:
            return ngettext(
                "So much of {count} source was refused that no more is kept. Look at it and make room.",
                "So much of {count} sources was refused that no more is kept. Look at it and make room.",
                count,
            ).format(count=count)
        case AlarmCode.DRIFT:
            return ngettext(
                "The last comparison with {count} source found differences or broke off.",
                "The last comparison with {count} sources found differences or broke off.",
                count,
            ).format(count=count)
        case AlarmCode.COMPARISON_OVERDUE:
            return ngettext(
                "{count} source was not compared for two days.",
                "{count} sources were not compared for two days.",
                count,
            ).format(count=count)
        case AlarmCode.SOURCE_SILENT:
            return ngettext(
                "{count} source has sent nothing for a week.",
                "{count} sources have sent nothing for a week.",
                count,
            ).format(count=count)
        case AlarmCode.CHECK_DIFFERENCES:
            return ngettext(
                "The nightly check found {count} difference.",
                "The nightly check found {count} differences.",
                count,
            ).format(count=count)


CHECKS = {STANDING: gettext_lazy("standings"), EVIDENCE: gettext_lazy("certificates")}


def name_check(report: CheckReport) -> str:
    """Return what the checker looked at; a kind this page does not know keeps its own name."""
    return str(CHECKS.get(report.kind, report.kind))


@dataclass(frozen=True, slots=True)
class DifferenceWords:
    """What a checker found, as a row."""

    short_code: str  # the learner's, or the beginning of the certificate's number
    where: str
    decided: str
    recomputed: str


def describe_differences(report: CheckReport) -> tuple[DifferenceWords, ...]:
    """Return the differences a report keeps; one of a kind this page does not know is shown as it was written."""
    return tuple(describe_difference(found) for found in json.loads(report.differences))


def describe_difference(found: dict[str, Any]) -> DifferenceWords:
    if found.get("code") in FindingCode:
        details = ", ".join(found["details"])
        return DifferenceWords(
            found["credential"][:8], f"{FINDINGS[FindingCode(found['code'])]}: {details}", "", ""
        )
    if "rule_version" in found:
        unknown = _("rules that are not registered: %(version)s") % {"version": found["rule_version"]}
        return DifferenceWords(found["short_code"], f"{found['course_key']} · {unknown}", "", "")
    if "recomputed" not in found:
        return DifferenceWords(str(found.get("short_code", "")), json.dumps(found), "", "")
    where = found["module_key"] or _("the whole course")
    words = [describe_standing(found[name]) for name in ("decided", "recomputed")]
    return DifferenceWords(found["short_code"], f"{found['course_key']} · {where}", *words)


def describe_standing(standing: dict[str, Any] | None) -> str:
    if standing is None:
        return _("nothing said")
    minutes = standing["minutes_trained"] + standing["minutes_recognised"]
    return f"{standing['state']} {standing['route'] or ''} {minutes} min".replace("  ", " ")
