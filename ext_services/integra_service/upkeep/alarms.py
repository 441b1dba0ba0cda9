"""What of the whole service a person should look at: by code and count, never whose."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from integra_service.audit.services import is_head_missing
from integra_service.credentials.monitoring import count_idle_work
from integra_service.lib import workers
from integra_service.people.data_requests import count_overdue_erasures
from integra_service.people.models import Source
from integra_service.records.inbox import FULL
from integra_service.records.monitoring import (
    InboxFigures,
    latest_checks,
    latest_reports,
    list_not_compared,
    list_silent,
)

BEHIND_AFTER = timedelta(minutes=15)
PARKED_AFTER = timedelta(hours=24)
# integra_erasures looks every hour; a day allows for one that was mended meanwhile.
ERASED_WITHIN = timedelta(days=1)


class AlarmCode(StrEnum):
    """What a person should look at."""

    INBOX_BEHIND = "inbox_behind"  # workers do not keep up, or are not there
    AUDIT_HEAD_MISSING = "audit_head_missing"  # the chain's last link does not stand where it should
    ERASURES_OVERDUE = "erasures_overdue"  # people who asked to be forgotten, and whose day passed
    WORK_BEHIND = "work_behind"  # begun certificates and runs that nobody goes on with
    BROKER_AWAY = "broker_away"  # the last ask of this process failed
    PARKED = "parked"  # events that could not be applied for a day
    SEQUENCE_GAPS = "sequence_gaps"  # learners of whom a number never arrived
    ID_CONFLICTS = "id_conflicts"  # one id came with two contents
    DRIFT = "drift"  # the last comparison found something missing or different, or failed
    COMPARISON_OVERDUE = "comparison_overdue"
    SOURCE_SILENT = "source_silent"
    REFUSED_FULL = FULL  # sources of which no further refused event is kept
    CHECK_DIFFERENCES = "check_differences"  # a checker recomputed something and got another result


# With these the service cannot do its work; the others are for people, and taking the pages away would help nobody.
STOPPING = frozenset({AlarmCode.INBOX_BEHIND, AlarmCode.AUDIT_HEAD_MISSING})


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something to look at, and how many of it there are."""

    code: AlarmCode
    count: int

    @property
    def is_stopping(self) -> bool:
        return self.code in STOPPING


def list_alarms(
    figures: InboxFigures, now: datetime, source_ids: Collection[int] | None = None
) -> tuple[Alarm, ...]:
    """Return what a person should look at, the worst first; with sources, what is theirs or of their cities."""
    sources = Source.objects.filter(is_active=True, is_demo=False)
    if source_ids is not None:
        sources = sources.filter(pk__in=source_ids)
    parked = sum(figures.parked_counts.values())
    counts = {
        AlarmCode.INBOX_BEHIND: figures.new_count * is_over(figures.oldest_new_seconds, BEHIND_AFTER),
        AlarmCode.AUDIT_HEAD_MISSING: int(is_head_missing()),
        AlarmCode.ERASURES_OVERDUE: count_overdue_erasures(now - ERASED_WITHIN, source_ids),
        AlarmCode.WORK_BEHIND: count_idle_work(now - BEHIND_AFTER, source_ids),
        AlarmCode.BROKER_AWAY: int(workers.is_broker_away()),
        AlarmCode.PARKED: parked * is_over(figures.oldest_parked_seconds, PARKED_AFTER),
        AlarmCode.SEQUENCE_GAPS: figures.gap_count,
        AlarmCode.ID_CONFLICTS: figures.conflict_count,
        AlarmCode.REFUSED_FULL: figures.refused_full_count,
        AlarmCode.DRIFT: sum(
            report.has_drift for report in latest_reports(source_ids) if report.source.is_active
        ),
        AlarmCode.COMPARISON_OVERDUE: len(list_not_compared(sources, now)),
        AlarmCode.SOURCE_SILENT: len(list_silent(sources, now)),
        AlarmCode.CHECK_DIFFERENCES: sum(
            report.difference_count for report in latest_checks(source_ids) if report.source.is_active
        ),
    }
    return tuple(Alarm(code, count) for code, count in counts.items() if count)


def is_over(seconds: int, limit: timedelta) -> bool:
    return seconds > limit.total_seconds()
