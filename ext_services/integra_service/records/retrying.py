"""Judging parked events again because a person asks for it."""

from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.db import transaction

from integra_service.audit import services as audit
from integra_service.lib.clock import utc_now
from integra_service.lib.workers import ask_workers
from integra_service.people.models import Source

from .apply import apply_waiting, list_parked_learners
from .models import InboxEvent

COMMAND = "integra_apply --retry-parked"


@shared_task(name="integra.retry_parked")  # type: ignore[untyped-decorator]  # Celery has no types
def retry_task(source_pk: int, reason: str, learner_uuid: str | None) -> None:
    """Judge what is parked for that reason again, of one learner or of all; repeatable."""
    refs = list_parked_learners(source_pk, reason, UUID(learner_uuid) if learner_uuid else None)
    apply_waiting(refs, utc_now())


def retry_event(event: InboxEvent, *, actor: str, now: datetime) -> None:
    """Ask for a parked event, and what else of its learner is parked for the same reason, to be judged again."""
    with transaction.atomic():
        subject = f"event:{event.event_id}"
        audit.record("event.retried", actor=actor, subject=subject, now=now, data={"reason": event.reason})
    ask_workers(retry_task, event.source_id, event.reason, str(event.learner_uuid), otherwise=COMMAND)


def retry_reason(source: Source, reason: str, *, actor: str, now: datetime) -> None:
    """Ask for everything of a source that is parked for that reason to be judged again."""
    with transaction.atomic():
        subject = f"source:{source.key}"
        audit.record("events.retried", actor=actor, subject=subject, now=now, data={"reason": reason})
    ask_workers(retry_task, source.pk, reason, None, otherwise=COMMAND)
