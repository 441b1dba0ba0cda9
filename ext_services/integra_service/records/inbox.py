"""Storing what a source sent: each event judged alone, one transaction, the answer after its commit."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from integra_grading.canonical import canonical_json
from integra_grading.errors import EventError, GradingError
from integra_grading.events import MAX_EVENT_BYTES, read_event
from integra_service.audit import services as audit
from integra_service.lib.inserting import insert_missing
from integra_service.people.models import Source

from .models import IdConflict, InboxEvent, RefusedEvent

CONFLICT = "id_conflict"
FULL = "refused_full"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One event that was not accepted: kept, counted and named in the receipt."""

    event_id: str
    code: str
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery."""

    accepted: tuple[str, ...]
    refused: tuple[Refusal, ...]
    # Ids of what would be refused and for which there is no room: the sender keeps it and sends it again.
    deferred: tuple[str, ...]


def store_events(source: Source, raw_events: Sequence[Any], now: datetime) -> Receipt:
    """Keep every event of one delivery, accepted or not, but those deferred; on return all of it is committed.

    What is new is committed by the one statement that inserts it; a fault after that leaves it stored and not yet
    acknowledged, so that the sender repeats it and is told that it is here.
    """
    rows: dict[str, InboxEvent] = {}
    refused: list[tuple[Any, Refusal]] = []
    for raw in raw_events:
        try:
            row = read_row(source, raw, now)
        except EventError as error:
            refused.append((raw, Refusal(find_id(raw), error.code, error.message, error.field)))
            continue
        first = rows.setdefault(row.event_id, row)
        if first.digest != row.digest:
            refused.append((raw, conflict(row.event_id)))
    kept = insert_new(rows.values())
    here_before = find_digests(source, [event_id for event_id in rows if event_id not in kept])
    for event_id, digest in here_before.items():
        if digest != rows[event_id].digest:
            refused.append((json.loads(rows[event_id].body), conflict(event_id)))
    deferred = keep_refused(source, refused, now) if refused else frozenset()
    accepted = tuple(
        event_id for event_id, row in rows.items() if here_before.get(event_id, row.digest) == row.digest
    )
    return Receipt(
        accepted,
        tuple(refusal for n, (_, refusal) in enumerate(refused) if n not in deferred),
        tuple(refusal.event_id for n, (_, refusal) in enumerate(refused) if n in deferred),
    )


def read_row(source: Source, raw: Any, now: datetime) -> InboxEvent:
    """Return the row of a well-formed event, or raise EventError."""
    received, body = read_event(raw)
    event = received.event
    return InboxEvent(
        source=source,
        event_id=event.id,
        digest=hashlib.sha256(body).hexdigest(),
        type=event.type,
        learner_uuid=event.learner_uuid,
        sequence=event.sequence,
        occurred_at=event.time,
        received_at=now,
        rule_version=event.data.rule_version,
        body=body.decode(),
    )


def insert_new(rows: Iterable[InboxEvent]) -> set[str]:
    """Insert what is not there yet and return its ids; in one order, so that deliveries do not deadlock."""
    ordered = sorted(rows, key=lambda row: row.event_id)
    return insert_missing(ordered, unique=("source_id", "event_id"), returning="event_id")


def find_digests(source: Source, event_ids: Sequence[str]) -> dict[str, str]:
    """Return the digests under which these ids stand in the inbox."""
    if not event_ids:
        return {}
    stored = InboxEvent.objects.filter(source=source, event_id__in=event_ids)
    return dict(stored.values_list("event_id", "digest"))


@transaction.atomic(durable=True)
def keep_refused(source: Source, refused: Sequence[tuple[Any, Refusal]], now: datetime) -> frozenset[int]:
    """Keep each refused event once, and count it again when it comes again; of several reasons the latest stands.

    An id that came with another content is remembered whether or not there is room for that content.

    Returns:
        Which of them are new and were not kept, because the source has as many as are kept for one.
    """
    # One delivery of a source after the other: the room that is counted is the room there is.
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    remember_conflicts(source, {refusal.event_id for _, refusal in refused if refusal.code == CONFLICT}, now)
    kept = RefusedEvent.objects.filter(source=source)
    room = settings.INTEGRA_REFUSED_MAX_PER_SOURCE - kept.count()
    deferred = set()
    for number, (raw, refusal) in enumerate(refused):
        digest, field = digest_of_any(raw), refusal.field[:200]
        known = kept.filter(digest=digest)
        if known.update(count=F("count") + 1, last_at=now, code=refusal.code, field=field):
            continue
        if room <= 0:
            deferred.add(number)
            continue
        room -= 1
        RefusedEvent.objects.create(
            source=source,
            event_id=refusal.event_id,
            digest=digest,
            code=refusal.code,
            field=field,
            body=to_ascii_json(raw)[:MAX_EVENT_BYTES],
            first_at=now,
            last_at=now,
        )
    return frozenset(deferred)


def remember_conflicts(source: Source, event_ids: Iterable[str], now: datetime) -> None:
    """Note when these ids last came with another content; the caller holds the source's lock."""
    IdConflict.objects.bulk_create(
        [IdConflict(source=source, event_id=event_id, last_at=now) for event_id in event_ids],
        update_conflicts=True,
        unique_fields=["source", "event_id"],
        update_fields=["last_at"],
    )


@transaction.atomic
def forget_refused(source: Source, *, code: str | None, actor: str, now: datetime) -> int:
    """Delete what was refused of a source, of one reason or all, after a person looked; return how many."""
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    rows = RefusedEvent.objects.filter(source=source)
    count, _models = (rows if code is None else rows.filter(code=code)).delete()
    if code in {None, CONFLICT}:
        IdConflict.objects.filter(source=source).delete()
    data: dict[str, audit.AuditValue] = {"count": count} | ({"code": code} if code is not None else {})
    audit.record("refused.forgotten", actor=actor, subject=f"source:{source.key}", now=now, data=data)
    return count


def conflict(event_id: str) -> Refusal:
    return Refusal(event_id, CONFLICT, "This id was already used for another content; the first one stays.")


def find_id(raw: Any) -> str:
    """Return the id the sender gave, where it can be named in a receipt."""
    event_id = raw.get("id") if isinstance(raw, dict) else None
    if isinstance(event_id, str) and event_id.isascii() and event_id.isprintable() and len(event_id) <= 64:
        return event_id
    return ""


def digest_of_any(raw: Any) -> str:
    """Return a digest of anything JSON can say, also of what has no canonical form."""
    try:
        return hashlib.sha256(canonical_json(raw)).hexdigest()
    except GradingError:
        return hashlib.sha256(to_ascii_json(raw).encode()).hexdigest()


def to_ascii_json(raw: Any) -> str:
    """Escape everything beyond ASCII: NUL and halves of surrogate pairs are kept as text about them."""
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
