"""From the inbox to the learning record, some learners at a time, in transactions of their own.

Nothing here can lose an event: what cannot be applied is parked with its reason and stops nobody.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice, zip_longest
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Q

from integra_grading.events import Event
from integra_service.audit import services as audit
from integra_service.people.identities import ensure_identities
from integra_service.people.models import LearnerIdentity, Source

from .folding import store_folds
from .judging import (
    APPLY_FAILED,
    CLOCK_AHEAD,
    CLOCK_TOLERANCE,
    SOURCE_MISMATCH,
    UNKNOWN_RULE_VERSION,
    Bench,
    Verdict,
)
from .models import InboxEvent, InboxState, LearningRecordRow, Manifest
from .signals import record_changed

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_TRIES = 3
# Learners in one transaction: enough that its statements are shared, few enough that nobody waits long for a lock.
TOGETHER = 25
ROWS_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class LearnerRef:
    """One learner of one source."""

    source_id: int
    learner_uuid: UUID


@dataclass(slots=True)
class Judged:
    """What judging the open events of some learners brought."""

    events: dict[int, Event] = field(default_factory=dict)  # that count now, by row
    applied: set[UUID] = field(default_factory=set)  # learners of whom something counts now
    changed: set[UUID] = field(default_factory=set)  # also those with newly parked events: no longer missing
    mismatched: list[str] = field(default_factory=list)  # ids of events about another territory


def apply_inbox(now: datetime, *, limit: int = 200, retry_parked: bool = False) -> int:
    """Apply what waits and announce what changed. Return how many learners were looked at.

    Several workers may do this at once: each passes over learners whom another one holds and comes back to them.
    """
    refs = list_waiting(now, limit=limit, retry_parked=retry_parked)
    apply_waiting(refs, now)
    if not refs:
        announce_due()
    return len(refs)


def apply_waiting(refs: Sequence[LearnerRef], now: datetime) -> None:
    """Apply these learners' open events and announce what changed."""
    bench = Bench(now)
    changed: list[int] = []
    for source_id, learner_uuids in split(refs):
        for learner_uuid in apply_together(source_id, learner_uuids, bench, changed):
            apply_alone(source_id, learner_uuid, bench, changed)
    announce(LearningRecordRow.objects.for_system().filter(identity__in=changed).values_list("pk", flat=True))


def list_parked_learners(source_id: int, reason: str, learner_uuid: UUID | None) -> list[LearnerRef]:
    """Return the learners of a source with events parked for that reason, or the one that is asked for."""
    parked = InboxEvent.objects.filter(source_id=source_id, state=InboxState.PARKED, reason=reason)
    if learner_uuid is not None:
        parked = parked.filter(learner_uuid=learner_uuid)
    uuids = parked.order_by("learner_uuid").values_list("learner_uuid", flat=True).distinct()
    return [LearnerRef(source_id, uuid) for uuid in uuids]


def list_waiting(now: datetime, *, limit: int, retry_parked: bool) -> list[LearnerRef]:
    """Return learners with new events and with parked ones whose reason may have passed, at most ``limit`` of each."""
    parked = Q(reason=CLOCK_AHEAD, occurred_at__lte=now + CLOCK_TOLERANCE)
    parked |= Q(reason=UNKNOWN_RULE_VERSION, rule_version__in=Manifest.objects.values("rule_version"))
    # Apart: each has its own partial index, and the first stops reading at the limit.
    new = list_learners(Q(state=InboxState.NEW), limit)
    back = list_learners(Q(state=InboxState.PARKED) & (Q() if retry_parked else parked), limit)
    # In one order everywhere: two workers that meet wait for each other, they do not deadlock.
    return sorted({*new, *back}, key=lambda ref: (ref.source_id, ref.learner_uuid))


def list_learners(condition: Q, limit: int) -> list[LearnerRef]:
    """Return so many learners, of each source in turn: one that never stops sending holds up nobody else's."""
    queues = [
        list_learners_of(source_id, condition, limit)
        for source_id in Source.objects.order_by("pk").values_list("pk", flat=True)
    ]
    in_turn = (ref for turn in zip_longest(*queues) for ref in turn if ref is not None)
    return list(islice(in_turn, limit))


def list_learners_of(source_id: int, condition: Q, limit: int) -> list[LearnerRef]:
    events = InboxEvent.objects.filter(condition, source=source_id)
    learner_uuids = events.order_by("learner_uuid").values_list("learner_uuid", flat=True).distinct()
    return [LearnerRef(source_id, learner_uuid) for learner_uuid in learner_uuids[:limit]]


def split(refs: Sequence[LearnerRef]) -> Iterator[tuple[int, list[UUID]]]:
    """Yield the learners of one source at a time, some together, in their order."""
    for source_id, of_source in groupby(refs, key=lambda ref: ref.source_id):
        learner_uuids = [ref.learner_uuid for ref in of_source]
        for start in range(0, len(learner_uuids), TOGETHER):
            yield source_id, learner_uuids[start : start + TOGETHER]


def apply_together(
    source_id: int, learner_uuids: Sequence[UUID], bench: Bench, changed: list[int]
) -> list[UUID]:
    """Apply some learners in one transaction; return those to be taken alone.

    They are those whom another worker holds, or all of them when one of them cannot be applied.
    """
    try:
        identity_ids, left = try_again(lambda: apply_learners(source_id, learner_uuids, bench, waits=False))
    except OperationalError:
        raise
    except Exception:
        logger.exception("some learners could not be applied together; each is taken alone")
        return list(learner_uuids)
    changed += identity_ids
    return left


def apply_alone(source_id: int, learner_uuid: UUID, bench: Bench, changed: list[int]) -> None:
    """Apply one learner; a fault of ours parks their new events instead of stopping the others."""
    try:
        identity_ids, _ = try_again(lambda: apply_learners(source_id, [learner_uuid], bench, waits=True))
    except OperationalError:  # deadlock, lock timeout, database away: the events stay new
        raise
    except Exception:
        logger.exception("events of one learner could not be applied; parked as %s", APPLY_FAILED)
        waiting = InboxEvent.objects.filter(source_id=source_id, learner_uuid=learner_uuid)
        waiting.filter(state=InboxState.NEW).update(state=InboxState.PARKED, reason=APPLY_FAILED)
    else:
        changed += identity_ids


def try_again(work: Callable[[], T]) -> T:
    """Do it again where another transaction was in the way; everything is undone before."""
    for _ in range(MAX_TRIES - 1):
        try:
            return work()
        except OperationalError:
            continue
    return work()


def apply_learners(
    source_id: int, learner_uuids: Sequence[UUID], bench: Bench, *, waits: bool
) -> tuple[list[int], list[UUID]]:
    """Judge these learners' open events and store the folds of all that count, in one transaction.

    Returns the identities whose record changed, and the learners whom somebody else holds (none with ``waits``).
    """
    known = introduce(source_id, learner_uuids, bench)
    with transaction.atomic(durable=True):
        identities = lock_identities(source_id, known, waits=waits)
        held = {identity.learner_uuid for identity in identities}
        busy = [uuid for uuid in learner_uuids if uuid in known and uuid not in held]
        judged = judge_open_events(
            source_id, [uuid for uuid in learner_uuids if uuid not in busy], bench, held
        )
        to_fold = find_to_fold(identities, judged)
        changed = store_folds(to_fold, bench, judged.events)
        note_mismatches(judged.mismatched, bench.get_source(source_id)[0].key, bench.now)
    return changed, busy


def introduce(source_id: int, learner_uuids: Sequence[UUID], bench: Bench) -> set[UUID]:
    """Make identities of learners seen for the first time; return those who have one now.

    A learner's first city is that of their first open event that counts; who has none stays unknown.
    """
    source, territory = bench.get_source(source_id)
    identities = LearnerIdentity.objects.for_system().filter(source=source, learner_uuid__in=learner_uuids)
    known = set(identities.values_list("learner_uuid", flat=True))
    cities: dict[UUID, int] = {}
    for row in open_events(source_id, [uuid for uuid in learner_uuids if uuid not in known]):
        if row.learner_uuid not in cities:
            event = bench.judge(row).event
            if event is not None:
                cities[row.learner_uuid] = territory.city_ids[event.data.city_key]
    ensure_identities(source, cities, bench.now)
    return known | set(cities)


def lock_identities(source_id: int, learner_uuids: Collection[UUID], *, waits: bool) -> list[LearnerIdentity]:
    """Take the learners' locks; every statement after it sees what the former holders committed."""
    identities = LearnerIdentity.objects.for_system().filter(
        source_id=source_id, learner_uuid__in=learner_uuids
    )
    locked = identities.select_for_update(of=("self",), skip_locked=not waits)
    return list(locked.select_related("person", "own_person", "source").order_by("learner_uuid"))


def open_events(source_id: int, learner_uuids: Sequence[UUID]) -> list[InboxEvent]:
    if not learner_uuids:
        return []
    rows = InboxEvent.objects.filter(source_id=source_id, learner_uuid__in=learner_uuids)
    return list(rows.filter(state__in=[InboxState.NEW, InboxState.PARKED]).order_by("sequence", "event_id"))


def judge_open_events(
    source_id: int, learner_uuids: Sequence[UUID], bench: Bench, held: Collection[UUID]
) -> Judged:
    """Mark each open event applied or parked.

    What counts of a learner who is not held (it came after nothing of theirs did) stays new for the next round: applied
    without the lock, it would be in no fold.
    """
    judged = Judged()
    parked: dict[str, list[Verdict]] = {}
    for row in open_events(source_id, learner_uuids):
        verdict = bench.judge(row)
        if verdict.event is not None and row.learner_uuid not in held:
            continue
        if verdict.event is not None:
            judged.events[row.pk] = verdict.event
            judged.applied.add(row.learner_uuid)
        elif (row.state, row.reason) != (InboxState.PARKED, verdict.reason):
            parked.setdefault(verdict.reason, []).append(verdict)
            judged.changed.add(row.learner_uuid)
    counting = list(judged.events)
    for start in range(0, len(counting), ROWS_TOGETHER):
        rows = InboxEvent.objects.filter(pk__in=counting[start : start + ROWS_TOGETHER])
        rows.update(state=InboxState.APPLIED, reason="", applied_at=bench.now)
    for reason, verdicts in parked.items():
        for verdict in verdicts:
            # One by one: of two workers that judge a learner without an identity, one parks the event.
            same = InboxEvent.objects.filter(
                pk=verdict.row.pk, state=verdict.row.state, reason=verdict.row.reason
            )
            if same.update(state=InboxState.PARKED, reason=reason) and reason == SOURCE_MISMATCH:
                judged.mismatched.append(verdict.row.event_id)
    return judged


def find_to_fold(identities: Sequence[LearnerIdentity], judged: Judged) -> list[LearnerIdentity]:
    """Return whose record may be another: something counts now, or a number of a stored record is no longer missing."""
    parked_only = judged.changed - judged.applied
    candidates = [identity.pk for identity in identities if identity.learner_uuid in parked_only]
    rows = LearningRecordRow.objects.for_system().filter(identity__in=candidates) if candidates else None
    with_row = set(rows.values_list("identity_id", flat=True)) if rows is not None else set()
    return [i for i in identities if i.learner_uuid in judged.applied or i.pk in with_row]


def note_mismatches(event_ids: Sequence[str], source_key: str, now: datetime) -> None:
    """An event about another territory is a security matter: it leaves a trace beyond the inbox."""
    for event_id in event_ids:
        audit.record(
            "event.source_mismatch", actor=f"source:{source_key}", subject=f"event:{event_id}", now=now
        )


def announce_due() -> None:
    """Tell the receivers of every changed record that somebody has not dealt with."""
    due = LearningRecordRow.objects.for_system().filter(is_announcement_due=True)
    announce(due.order_by("pk").values_list("pk", flat=True))


def announce(row_ids: Iterable[int]) -> None:
    """Tell the receivers of changed records, each until none of them fails."""
    for pk in row_ids:
        row = (
            LearningRecordRow.objects.for_system()
            .select_related("identity__person__city", "identity__source")
            .get(pk=pk)
        )
        answers = record_changed.send_robust(sender=LearningRecordRow, identity=row.identity)
        if not any(isinstance(answer, Exception) for _, answer in answers):
            # Not if it changed meanwhile: then it is due again.
            same = LearningRecordRow.objects.for_system().filter(pk=row.pk, digest=row.digest)
            same.update(is_announcement_due=False)
