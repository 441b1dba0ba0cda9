"""Judging parked events again because a person asks for it."""

import logging
from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from integra_service.audit import services as audit
from integra_service.lib.clock import utc_now
from integra_service.people.models import Source

from .apply import apply_waiting, list_parked_learners
from .models import InboxEvent

logger = logging.getLogger(__name__)


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
    ask(event.source_id, event.reason, str(event.learner_uuid))


def retry_reason(source: Source, reason: str, *, actor: str, now: datetime) -> None:
    """Ask for everything of a source that is parked for that reason to be judged again."""
    with transaction.atomic():
        subject = f"source:{source.key}"
        audit.record("events.retried", actor=actor, subject=subject, now=now, data={"reason": reason})
    ask(source.pk, reason, None)


def ask(source_pk: int, reason: str, learner_uuid: str | None) -> None:
    try:
        retry_task.apply_async((source_pk, reason, learner_uuid), retry=False)
    except OperationalError:
        logger.warning("the broker is away; integra_apply --retry-parked does the same")
