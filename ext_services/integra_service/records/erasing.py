"""What a source should not have sent: a refused event is kept as it came, and may hold what no event may."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from integra_service.people.models import LearnerIdentity

from .models import RefusedEvent


def list_refused_of(identity: LearnerIdentity) -> Iterator[tuple[RefusedEvent, dict[str, Any]]]:
    """Yield the refused events whose subject is this learner, each with its body.

    Not those that only mention them: who rated somebody's work, or typed it in, stands in events about somebody else.
    """
    for row in _list_mentioning(identity):
        body = _read(row.body)
        if body is not None and body.get("subject") == str(identity.learner_uuid):
            yield row, body


def erase_refused(identity: LearnerIdentity) -> None:
    """Empty the refused events that speak of this learner; that they came, when and why they were refused stays.

    Also those that do not say of whom they speak. What is another learner's stays theirs.
    """
    for row in _list_mentioning(identity):
        body = _read(row.body)
        subject = None if body is None else _read_uuid(body.get("subject"))
        if subject in {None, identity.learner_uuid}:
            RefusedEvent.objects.filter(pk=row.pk).update(body="")


def _list_mentioning(identity: LearnerIdentity) -> list[RefusedEvent]:
    rows = RefusedEvent.objects.filter(source=identity.source_id, body__contains=str(identity.learner_uuid))
    return list(rows.order_by("pk"))


def _read(body: str) -> dict[str, Any] | None:
    """Return the event, or None: it was cut at the size limit, or is none."""
    try:
        read = json.loads(body)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _read_uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
