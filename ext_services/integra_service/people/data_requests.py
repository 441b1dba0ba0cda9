"""What people ask for about their data: each request with its clock, for them and for who has to answer it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import NotFoundError, RequestError

from .access import Staff
from .erasing import lock_living
from .models import DataRequest, Person, RefusalReason, RequestKind, RequestState, RequestTopic

# Calendar days, as LOPDP gives to whoever answers.
ANSWER_WITHIN = timedelta(days=15)
# An erasure cannot be undone, and on a shared phone somebody else can ask for it.
COOLING = timedelta(days=7)

TOPICS = {
    RequestKind.CORRECTION: (
        RequestTopic.NAME,
        RequestTopic.CERTIFICATE,
        RequestTopic.RESULTS,
        RequestTopic.RESIDENCE,
        RequestTopic.CITY,
    ),
    RequestKind.OPPOSITION: (RequestTopic.AUTOMATED, RequestTopic.STATISTICS),
    RequestKind.ERASURE: (RequestTopic.EVERYTHING,),
}
REFUSALS = {
    RequestKind.CORRECTION: (
        RefusalReason.ALREADY_RIGHT,
        RefusalReason.IN_CLASSROOM,
        RefusalReason.NOT_ASKED,
    ),
    RequestKind.OPPOSITION: (RefusalReason.LEGAL_DUTY, RefusalReason.NOT_ASKED),
    RequestKind.ERASURE: (RefusalReason.NOT_ASKED, RefusalReason.LEGAL_DUTY),
}
UNSETTLED = (RequestState.OPEN, RequestState.BEGUN)


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a request has waited and may still wait."""

    days_left: int  # begun days; 1 during the last one, 0 or less when it is overdue
    is_overdue: bool
    erases_at: datetime | None  # when an erasure is carried out unless somebody objects; None for the others


def read_clock(request: DataRequest, now: datetime) -> Clock:
    """Return the request's clock; pure."""
    is_erasure = request.kind == RequestKind.ERASURE
    return Clock(
        days_left=-((now - request.due_at) // timedelta(days=1)),
        is_overdue=now > request.due_at,
        erases_at=request.asked_at + COOLING if is_erasure else None,
    )


def ask(person: Person, kind: RequestKind, topic: RequestTopic, *, actor: str, now: datetime) -> DataRequest:
    """Keep a request and start its clock; asked again while it is open, it is the same one."""
    if topic not in TOPICS[kind]:
        raise RequestError("bad_topic", _("Choose one of the options."), "topic")
    try:
        with transaction.atomic():
            lock_living(person)
            request = DataRequest.objects.create(
                person=person, kind=kind, topic=topic, asked_at=now, due_at=now + ANSWER_WITHIN
            )
            _note("asked", request, actor, now)
            return request
    except IntegrityError:
        return _unsettled().get(person=person, kind=kind, topic=topic)


def withdraw(person: Person, uuid: UUID, *, actor: str, now: datetime) -> None:
    """Take an open request back; one that is being carried out cannot be."""
    with transaction.atomic():
        request = _lock(DataRequest.objects.for_system().filter(person=person), uuid)
        if request.state == RequestState.WITHDRAWN:
            return
        require_open(request)
        _settle(request, RequestState.WITHDRAWN, "", actor, now)
        _note("withdrawn", request, actor, now)


def refuse(staff: Staff, uuid: UUID, reason: RefusalReason, *, now: datetime) -> None:
    """Refuse an open request with its class of reason."""
    with transaction.atomic():
        request = _lock(DataRequest.objects.in_cities(staff.officer_city_ids), uuid)
        if reason not in REFUSALS[RequestKind(request.kind)]:
            raise RequestError("bad_reason", _("Choose one of the options."), "reason")
        require_open(request)
        _settle(request, RequestState.REFUSED, reason, staff.actor, now)
        _note("refused", request, staff.actor, now)


def mark_done(staff: Staff, uuid: UUID, *, now: datetime) -> None:
    """Note that what was asked for was done by hand; an erasure is carried out, never only noted."""
    with transaction.atomic():
        request = _lock(DataRequest.objects.in_cities(staff.officer_city_ids), uuid)
        require_open(request)
        if request.kind == RequestKind.ERASURE:
            raise NotFoundError
        _settle(request, RequestState.DONE, "", staff.actor, now)
        _note("done", request, staff.actor, now)


def begin(request: DataRequest, *, by: str, now: datetime) -> bool:
    """Begin an erasure: from here on it is finished whatever stops. Return whether it is to be worked on."""
    with transaction.atomic():
        locked = _lock(DataRequest.objects.for_system().filter(kind=RequestKind.ERASURE), request.uuid)
        if locked.state == RequestState.OPEN:
            _settle(locked, RequestState.BEGUN, "", by, now)
            _note("begun", locked, by, now)
        return locked.state == RequestState.BEGUN


def list_requests(person: Person) -> tuple[DataRequest, ...]:
    """Return what the person asked for, the newest first."""
    return tuple(DataRequest.objects.for_system().filter(person=person).order_by("-asked_at", "-pk"))


def list_waiting(staff: Staff) -> tuple[DataRequest, ...]:
    """Return what waits in the officer's cities, the one due first at the top."""
    rows = DataRequest.objects.in_cities(staff.officer_city_ids).filter(state__in=UNSETTLED)
    return tuple(rows.select_related("person__city").order_by("due_at", "pk"))


def list_settled(staff: Staff, *, limit: int) -> tuple[DataRequest, ...]:
    """Return what was answered in the officer's cities, the latest first."""
    rows = DataRequest.objects.in_cities(staff.officer_city_ids).exclude(state__in=UNSETTLED)
    return tuple(rows.select_related("person__city").order_by("-handled_at", "-pk")[:limit])


def access_request(staff: Staff, uuid: UUID) -> DataRequest:
    """Return a request of the officer's cities, else raise NotFoundError."""
    rows = DataRequest.objects.in_cities(staff.officer_city_ids).select_related("person__city")
    request = rows.filter(uuid=uuid).first()
    if request is None:
        raise NotFoundError
    return request


def list_due_erasures(now: datetime) -> list[DataRequest]:
    """Return the erasures that were begun, or against which nobody said anything for long enough."""
    erasures = _unsettled().filter(kind=RequestKind.ERASURE).select_related("person").order_by("due_at", "pk")
    return [row for row in erasures if row.state == RequestState.BEGUN or row.asked_at + COOLING <= now]


def count_overdue_erasures(before: datetime, source_ids: Collection[int] | None = None) -> int:
    """Return how many erasures were due before then and are not carried out; of these sources' cities, or all."""
    rows = _unsettled().filter(kind=RequestKind.ERASURE)
    rows = rows.filter(Q(asked_at__lt=before - COOLING) | Q(state=RequestState.BEGUN, handled_at__lt=before))
    if source_ids is not None:
        rows = rows.filter(person__city__sources__in=source_ids).distinct()
    return rows.count()


def require_open(request: DataRequest) -> None:
    if request.state != RequestState.OPEN:
        raise RequestError(
            "request_settled", _("This request was answered already: reload the page."), status=409
        )


def _unsettled() -> "QuerySet[DataRequest]":
    return DataRequest.objects.for_system().filter(state__in=UNSETTLED)


def _lock(rows: "QuerySet[DataRequest]", uuid: UUID) -> DataRequest:
    request = rows.select_for_update(of=("self",)).select_related("person").filter(uuid=uuid).first()
    if request is None:
        raise NotFoundError
    return request


def _settle(request: DataRequest, state: RequestState, reason: str, by: str, now: datetime) -> None:
    request.state, request.reason, request.handled_by, request.handled_at = state, reason, by, now
    request.save(update_fields=["state", "reason", "handled_by", "handled_at"])


def _note(what: str, request: DataRequest, actor: str, now: datetime) -> None:
    data = {"kind": str(request.kind), "topic": str(request.topic)}
    if request.reason:
        data["reason"] = str(request.reason)
    audit.record(
        f"data_request.{what}", actor=actor, subject=f"person:{request.person.uuid}", now=now, data=data
    )
