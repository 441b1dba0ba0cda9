"""Writes, numbers, leases and settles the rows of the outbox; each function is one short transaction.

Nothing here waits for anybody: HTTP happens in between, with no transaction open.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q, QuerySet

from integra_bridge.delivery import (
    BACKOFF,
    DEFERRED_SKIPS,
    GIVE_UP_AFTER,
    REFUSED_FULL,
    Delivered,
    Verdict,
    backoff,
)
from integra_bridge.models import OutboxEvent, OutboxState, RelayState
from integra_gradebook import api
from integra_grading.canonical import canonical_json
from integra_grading.events import Event, event_digest, to_cloudevent

BATCH_EVENTS = 100
# The service takes 1 MiB; the rest is for brackets and commas.
BATCH_BYTES = 1024 * 1024 - 1024
LEASE = timedelta(minutes=2)
NUMBERED_AT_ONCE = 500
_STATE_KEY = "relay"


# --- writing ------------------------------------------------------------------------------------------


def record_event(event: Event, *, source: str, now: datetime) -> None:
    """Queue ``event`` for delivery.

    Called inside the fact's transaction: an error here takes the fact with it.
    """
    raw = to_cloudevent(event, source=source)
    row = OutboxEvent(
        event_id=event.id,
        learner_uuid=str(event.learner_uuid),
        event_type=event.type,
        body=canonical_json(raw),
        digest=event_digest(raw),
        next_try_at=now,
    )
    row.save(force_insert=True)


def backfill(*, source: str, now: datetime) -> int:
    """Recreate the rows missing from the outbox out of the gradebook's journal; return how many.

    Ids and bytes are those the fact would have written, so a repeated delivery is recognised.
    """
    created = 0
    after = 0
    while entries := api.read_journal(after=after, limit=NUMBERED_AT_ONCE):
        after = entries[-1].id
        by_id = {entry.event.id: entry.event for entry in entries}
        known = OutboxEvent.objects.filter(event_id__in=by_id).values_list("event_id", flat=True)
        for event_id in by_id.keys() - set(known):
            created += _record_if_missing(by_id[event_id], source=source, now=now)
    return created


def count_missing() -> int:
    """Return how many events of the journal have no row here."""
    missing = 0
    after = 0
    while entries := api.read_journal(after=after, limit=NUMBERED_AT_ONCE):
        after = entries[-1].id
        ids = [entry.event.id for entry in entries]
        missing += len(ids) - OutboxEvent.objects.filter(event_id__in=ids).count()
    return missing


def _record_if_missing(event: Event, *, source: str, now: datetime) -> int:
    try:
        with transaction.atomic():
            record_event(event, source=source, now=now)
    except IntegrityError:
        return 0  # Another backfill was faster.
    return 1


def resend(*, now: datetime) -> int:
    """Queue every dead letter again, and let a relay stopped by 410 go on; return how many rows."""
    state = get_state()
    RelayState.objects.filter(pk=state.pk).update(
        stopped_at=None, hold_until=None, failure_count=0, last_error=""
    )
    return OutboxEvent.objects.filter(state=OutboxState.DEAD).update(
        state=OutboxState.PENDING,
        attempt_count=0,
        first_tried_at=None,
        next_try_at=now,
        lease_key="",
        leased_until=None,
    )


# --- the relay's state --------------------------------------------------------------------------------


def get_state() -> RelayState:
    """Return the one row all relays share."""
    state, _ = RelayState.objects.get_or_create(key=_STATE_KEY)
    return state


def note_result(delivered: Delivered, *, now: datetime, chance: random.Random) -> datetime | None:
    """Remember how the last delivery went; return until when nobody should send."""
    with transaction.atomic(durable=True):
        row = RelayState.objects.filter(key=_STATE_KEY)
        if not delivered.is_whole_failure:
            row.filter(failure_count__gt=0).update(failure_count=0, hold_until=None, last_error="")
            return None
        row.update(failure_count=F("failure_count") + 1)
        wait = delivered.wait
        if wait is None:
            wait = backoff(row.get().failure_count, chance)
        hold_until = now + max(wait, BACKOFF[0])
        row.update(hold_until=hold_until, last_error=delivered.code[:200])
        if delivered.is_gone:
            row.update(stopped_at=now)
        return hold_until


# --- numbering ----------------------------------------------------------------------------------------


def number_rows(limit: int = NUMBERED_AT_ONCE) -> int:
    """Give the next positions to committed rows that have none; return how many.

    A fact that commits late gets a late position, so that a reader who remembers one never misses a row.
    """
    with transaction.atomic(durable=True):
        state = RelayState.objects.filter(key=_STATE_KEY)
        # First statement, and it changes nothing: it is the lock that lets one relay number at a time.
        state.update(last_position=F("last_position"))
        rows = list(OutboxEvent.objects.filter(position=None).only("pk").order_by("pk")[:limit])
        if not rows:
            return 0
        last = state.get().last_position
        for position, row in enumerate(rows, start=last + 1):
            row.position = position
        OutboxEvent.objects.bulk_update(rows, ["position"], batch_size=100)
        state.update(last_position=last + len(rows))
        return len(rows)


# --- delivery -----------------------------------------------------------------------------------------


def lease_batch(now: datetime) -> tuple[OutboxEvent, ...]:
    """Take the next rows that are due for two minutes, at most one body full."""
    key = secrets.token_hex(16)
    with transaction.atomic(durable=True):
        due = _free(OutboxEvent.objects.filter(state=OutboxState.PENDING, next_try_at__lte=now), now)
        due = due.filter(position__isnull=False).order_by("position")
        if connection.features.has_select_for_update:
            due = due.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        chosen = _fill_body(due[:BATCH_EVENTS])
        # Conditional, because a database without skip_locked may have let another relay see the same rows.
        _free(OutboxEvent.objects.filter(pk__in=[row.pk for row in chosen]), now).update(
            lease_key=key, leased_until=now + LEASE
        )
    return tuple(OutboxEvent.objects.filter(lease_key=key).order_by("position"))


def settle(
    rows: Sequence[OutboxEvent],
    verdicts: Mapping[str, Verdict],
    *,
    hold_until: datetime | None,
    now: datetime,
    chance: random.Random,
) -> None:
    """Store what became of each leased row."""
    by_verdict: dict[Verdict, list[OutboxEvent]] = {}
    for row in rows:
        by_verdict.setdefault(verdicts[row.event_id], []).append(row)
    with transaction.atomic(durable=True):
        for verdict, group in by_verdict.items():
            pending = OutboxEvent.objects.filter(pk__in=[r.pk for r in group], state=OutboxState.PENDING)
            match verdict.outcome:
                case "accepted":
                    pending.update(state=OutboxState.DELIVERED, delivered_at=now, **_settled(""))
                case "refused":
                    pending.update(state=OutboxState.DEAD, **_settled(verdict.code))
                case "deferred":
                    # On their own schedule: when they are due again, what is fresh has gone before them.
                    _retry(group, verdict.code, skips=DEFERRED_SKIPS, now=now, chance=chance)
                case _:
                    _retry(group, verdict.code, hold_until=hold_until, now=now, chance=chance)


def _retry(
    rows: Iterable[OutboxEvent],
    code: str,
    *,
    now: datetime,
    chance: random.Random,
    hold_until: datetime | None = None,
    skips: int = 0,
) -> None:
    for row in rows:
        # Ours only while the lease is: after it, another relay has taken over and will settle the row itself.
        mine = OutboxEvent.objects.filter(pk=row.pk, lease_key=row.lease_key, state=OutboxState.PENDING)
        first = row.first_tried_at or now
        if now - first >= GIVE_UP_AFTER:
            mine.update(state=OutboxState.DEAD, **_settled("gave_up"))
            continue
        next_try_at = hold_until or now + backoff(row.attempt_count + 1 + skips, chance)
        mine.update(first_tried_at=first, next_try_at=next_try_at, **_settled(code))


def _settled(code: str) -> dict[str, object]:
    return {
        "attempt_count": F("attempt_count") + 1,
        "error_code": code,
        "lease_key": "",
        "leased_until": None,
    }


def _free(rows: QuerySet[OutboxEvent], now: datetime) -> QuerySet[OutboxEvent]:
    return rows.filter(Q(leased_until=None) | Q(leased_until__lte=now))


def _fill_body(rows: Iterable[OutboxEvent]) -> list[OutboxEvent]:
    chosen: list[OutboxEvent] = []
    size = 0
    for row in rows:
        size += len(row.body) + 1
        if chosen and size > BATCH_BYTES:
            break
        chosen.append(row)
    return chosen


# --- reading ------------------------------------------------------------------------------------------


def list_after(position: int, limit: int) -> list[OutboxEvent]:
    """Return the next rows after ``position``, in order; what a reader has seen never changes."""
    return list(OutboxEvent.objects.filter(position__gt=position).order_by("position")[:limit])


@dataclass(frozen=True, slots=True)
class Summary:
    """The outbox at a glance."""

    by_state: Mapping[str, int]
    dead_by_code: Mapping[str, int]
    oldest_pending_at: datetime | None
    deferred_count: int  # that the service refuses and has no room to keep


def summarise() -> Summary:
    counted = OutboxEvent.objects.order_by().values_list("state").annotate(count=Count("pk"))
    dead = (
        OutboxEvent.objects.filter(state=OutboxState.DEAD)
        .order_by("error_code")
        .values_list("error_code")
        .annotate(count=Count("pk"))
    )
    pending = OutboxEvent.objects.filter(state=OutboxState.PENDING)
    oldest = pending.order_by("pk").first()
    deferred_count = pending.filter(error_code=REFUSED_FULL).count()
    return Summary(dict(counted), dict(dead), oldest.created_at if oldest else None, deferred_count)
