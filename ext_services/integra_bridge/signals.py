"""Listens to the gradebook and to the platform."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.dispatch import receiver
from django.utils import timezone

from integra_bridge import conf, outbox
from integra_gradebook import api
from integra_gradebook.signals import event_recorded
from integra_grading.events import Event


@receiver(event_recorded, dispatch_uid="integra_bridge.queue_event")
def queue_event(sender: object, event: Event, **kwargs: Any) -> None:
    """Write the outbox row in the fact's own transaction; an error here takes the fact with it.

    Where no source is named yet, the gradebook's journal keeps the event for ``integra_outbox --backfill``.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("event_recorded must be sent inside the transaction of the fact.")
    source = conf.find_source()
    if source is not None:
        outbox.record_event(event, source=source, now=timezone.now())


def on_user_retired(sender: object, user: Any, **kwargs: Any) -> None:
    """Forget who the person is and tell the service, in the platform's own transaction (see apps.py)."""
    api.retire_learner(user.pk, now=timezone.now())
