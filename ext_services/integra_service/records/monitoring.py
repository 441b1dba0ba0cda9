"""Figures and alarms about the inbox: counts and ages, never whose."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery, Sum

from integra_service.people.models import Source

from .models import (
    CheckReport,
    IdConflict,
    InboxEvent,
    InboxState,
    LearningRecordRow,
    ReconcileReport,
    RefusedEvent,
)

SILENT_AFTER = timedelta(days=7)
CONFLICTS_WITHIN = timedelta(days=7)
COMPARED_WITHIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """What waits, what is parked and why, what was refused, where numbers are missing."""

    new_count: int
    oldest_new_seconds: int
    parked_counts: dict[str, int]  # by reason
    oldest_parked_seconds: int
    refused_count: int
    conflict_count: int  # ids that lately came with another content
    refused_full_count: int  # sources of which as many are kept as are kept for one
    gap_count: int  # learners of whom an event never arrived
    due_count: int  # records whose change not everyone has dealt with


def measure_inbox(now: datetime, source_ids: Collection[int] | None = None) -> InboxFigures:
    """Return the figures of these sources; of all without. What is switched off counts nowhere."""
    of_sources = Q() if source_ids is None else Q(source_id__in=source_ids)
    of_records = Q() if source_ids is None else Q(identity__source_id__in=source_ids)
    inactive = list(Source.objects.filter(is_active=False).values_list("pk", flat=True))
    if inactive:
        of_sources &= ~Q(source_id__in=inactive)
        of_records &= ~Q(identity__source_id__in=inactive)
    events = InboxEvent.objects.filter(of_sources)
    new = events.filter(state=InboxState.NEW).aggregate(n=Count("pk"), oldest=Min("received_at"))
    parked = events.filter(state=InboxState.PARKED).values("reason")
    counts = list(parked.annotate(n=Count("pk"), oldest=Min("received_at")).order_by("reason"))
    refused = RefusedEvent.objects.filter(of_sources)
    conflicts = IdConflict.objects.filter(of_sources)
    records = LearningRecordRow.objects.for_system().filter(of_records)
    return InboxFigures(
        new_count=new["n"],
        oldest_new_seconds=age(new["oldest"], now),
        parked_counts={row["reason"]: row["n"] for row in counts},
        oldest_parked_seconds=age(min((row["oldest"] for row in counts), default=None), now),
        refused_count=refused.aggregate(n=Sum("count"))["n"] or 0,
        conflict_count=conflicts.filter(last_at__gte=now - CONFLICTS_WITHIN).count(),
        refused_full_count=len(list_full(refused)),
        gap_count=records.filter(missing_count__gt=0).count(),
        due_count=records.filter(is_announcement_due=True).count(),
    )


def list_full(refused: QuerySet[RefusedEvent]) -> list[int]:
    """Return the sources of which no further refused event is kept."""
    counts = refused.order_by().values_list("source").annotate(n=Count("pk"))
    return [source_id for source_id, _n in counts.filter(n__gte=settings.INTEGRA_REFUSED_MAX_PER_SOURCE)]


def age(moment: datetime | None, now: datetime) -> int:
    """Return the age in seconds; a clock set back must not give a negative one."""
    return 0 if moment is None else max(0, int((now - moment).total_seconds()))


def latest_reports(source_ids: Collection[int] | None = None) -> list[ReconcileReport]:
    """Return the last finished comparison of each source."""
    finished = ReconcileReport.objects.filter(source=OuterRef("pk"), finished_at__isnull=False)
    sources = Source.objects.all() if source_ids is None else Source.objects.filter(pk__in=source_ids)
    latest = sources.annotate(latest=Subquery(finished.order_by("-requested_at", "-pk").values("pk")[:1]))
    return list(ReconcileReport.objects.filter(pk__in=latest.values("latest")).select_related("source"))


def list_not_compared(sources: QuerySet[Source], now: datetime) -> list[Source]:
    """Return sources that were not compared lately, though they were active for as long."""
    recent = ReconcileReport.objects.filter(finished_at__gte=now - COMPARED_WITHIN)
    return list(active_for(sources, COMPARED_WITHIN, now).exclude(pk__in=recent.values("source_id")))


def list_silent(sources: QuerySet[Source], now: datetime) -> list[Source]:
    """Return sources that were heard once and not lately, though they were active for as long.

    One that was never heard has nothing to say yet.
    """
    events = InboxEvent.objects.filter(source=OuterRef("pk")).order_by("-received_at")
    last = active_for(sources, SILENT_AFTER, now).annotate(last_at=Subquery(events.values("received_at")[:1]))
    return list(last.filter(last_at__lt=now - SILENT_AFTER))


def active_for(sources: QuerySet[Source], time: timedelta, now: datetime) -> QuerySet[Source]:
    """Return those that were registered, or switched on again, at least so long ago."""
    return sources.filter(Q(active_since=None) | Q(active_since__lte=now - time))


def latest_checks(source_ids: Collection[int] | None = None) -> list[CheckReport]:
    """Return the last run of each checker over each source."""
    newer = CheckReport.objects.filter(
        source=OuterRef("source"), kind=OuterRef("kind"), started_at__gt=OuterRef("started_at")
    )
    reports = (
        CheckReport.objects.filter(~Exists(newer)).select_related("source").order_by("source__key", "kind")
    )
    return list(reports if source_ids is None else reports.filter(source__in=source_ids))
