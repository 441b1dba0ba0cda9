"""Figures about the inbox: counts and ages, never whose."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Sum

from .models import InboxEvent, InboxState, LearningRecordRow, RefusedEvent


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """What waits, what is parked and why, what was refused, where numbers are missing."""

    new_count: int
    oldest_new_seconds: int
    parked_counts: dict[str, int]  # by reason
    refused_count: int
    gap_count: int  # learners of whom an event never arrived
    due_count: int  # records whose change not everyone has dealt with


def measure_inbox(now: datetime) -> InboxFigures:
    new = InboxEvent.objects.filter(state=InboxState.NEW).aggregate(n=Count("pk"), oldest=Min("received_at"))
    parked = InboxEvent.objects.filter(state=InboxState.PARKED).values("reason").annotate(n=Count("pk"))
    records = LearningRecordRow.objects.for_system()
    return InboxFigures(
        new_count=new["n"],
        # A clock set back must not give a negative age.
        oldest_new_seconds=max(0, int((now - new["oldest"]).total_seconds())) if new["oldest"] else 0,
        parked_counts={row["reason"]: row["n"] for row in parked.order_by("reason")},
        refused_count=RefusedEvent.objects.aggregate(n=Sum("count"))["n"] or 0,
        gap_count=records.filter(missing_count__gt=0).count(),
        due_count=records.filter(is_announcement_due=True).count(),
    )
