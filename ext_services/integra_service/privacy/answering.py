"""Answers that do something: staff carry an erasure out, or note that a request was met."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from integra_service.lib import throttle
from integra_service.lib.errors import NotFoundError
from integra_service.people.data_requests import access_request, mark_done, require_open
from integra_service.people.models import RequestKind, RequestTopic
from integra_service.people.services import Staff

from .erasing import carry_out
from .naming import name_turns


def carry_out_for(staff: Staff, uuid: UUID, *, now: datetime) -> None:
    """Erase without waiting any longer, for an officer who spoke with the person."""
    request = access_request(staff, uuid)
    if request.kind != RequestKind.ERASURE:
        raise NotFoundError
    require_open(request)
    carry_out(request, by=staff.actor, now=now)


@transaction.atomic
def finish(staff: Staff, uuid: UUID, *, now: datetime) -> None:
    """Note that a request was met; who came about the name may then correct it again alone."""
    request = access_request(staff, uuid)
    if (request.kind, request.topic) == (RequestKind.CORRECTION, RequestTopic.NAME):
        throttle.forget_turns(name_turns(request.person))
    mark_done(staff, uuid, now=now)
