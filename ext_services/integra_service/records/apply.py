"""From the inbox to the learning record, learner by learner, in transactions of their own.

Nothing here can lose an event: what cannot be applied is parked with its reason and stops nobody.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Q

from integra_grading.errors import EventError
from integra_grading.events import Event, parse_event
from integra_service.audit import services as audit
from integra_service.people.identities import ensure_identity, find_identity, move_person, retire_identity
from integra_service.people.models import City, LearnerIdentity, Source
from integra_service.people.sources import SourceTerritory, get_territory

from .fold import LearningRecord, fold
from .models import InboxEvent, InboxState, LearningRecordRow, Manifest
from .signals import record_changed
from .storage import digest_record, dump_record

logger = logging.getLogger(__name__)

CLOCK_TOLERANCE = timedelta(minutes=5)
SOURCE_MISMATCH = "source_mismatch"
CLOCK_AHEAD = "clock_ahead"
UNKNOWN_RULE_VERSION = "unknown_rule_version"
UNREADABLE = "unreadable"
APPLY_FAILED = "apply_failed"
MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class LearnerRef:
    """One learner of one source."""

    source_id: int
    learner_uuid: UUID


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an event counts now; ``reason`` says why not."""

    row: InboxEvent
    event: Event | None
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What judging a learner's open events brought."""

    is_any_applied: bool
    is_any_changed: bool  # also parked ones: they are no longer missing


def apply_inbox(now: datetime, *, limit: int = 200, retry_parked: bool = False) -> int:
    """Apply what waits and announce what changed. Return how many learners were looked at."""
    refs = list_waiting(now, limit=limit, retry_parked=retry_parked)
    for ref in refs:
        apply_safely(ref, now)
    announce_due(limit=limit)
    return len(refs)


def list_waiting(now: datetime, *, limit: int, retry_parked: bool) -> list[LearnerRef]:
    """Return learners with new events, or with parked ones whose reason may have passed."""
    waiting = Q(state=InboxState.NEW)
    waiting |= Q(state=InboxState.PARKED, reason=CLOCK_AHEAD, occurred_at__lte=now + CLOCK_TOLERANCE)
    waiting |= Q(
        state=InboxState.PARKED,
        reason=UNKNOWN_RULE_VERSION,
        rule_version__in=Manifest.objects.values("rule_version"),
    )
    if retry_parked:
        waiting |= Q(state=InboxState.PARKED)
    pairs = InboxEvent.objects.filter(waiting).values_list("source_id", "learner_uuid").distinct()
    # In one order everywhere: two workers that meet wait for each other, they do not deadlock.
    return [LearnerRef(*pair) for pair in pairs.order_by("source_id", "learner_uuid")[:limit]]


def apply_safely(ref: LearnerRef, now: datetime) -> None:
    """Apply one learner; a fault of ours parks their new events instead of stopping the others."""
    for tried in range(1, MAX_TRIES + 1):
        try:
            apply_learner(ref, now)
        except OperationalError:  # deadlock, lock timeout, database away: the events stay new
            if tried == MAX_TRIES:
                raise
        except Exception:
            logger.exception("events of one learner could not be applied; parked as %s", APPLY_FAILED)
            waiting = InboxEvent.objects.filter(source_id=ref.source_id, learner_uuid=ref.learner_uuid)
            waiting.filter(state=InboxState.NEW).update(state=InboxState.PARKED, reason=APPLY_FAILED)
            return
        else:
            return


def apply_learner(ref: LearnerRef, now: datetime) -> None:
    """Judge a learner's open events, and store the fold of all that count."""
    source = Source.objects.get(pk=ref.source_id)
    territory = get_territory(source)
    city_id = find_first_city(ref, source, territory, now)
    if city_id is not None:
        ensure_identity(source, ref.learner_uuid, city_id, now)
    with transaction.atomic(durable=True):
        identity = lock_identity(source, ref.learner_uuid)
        outcome = judge_open_events(ref, source, territory, now)
        if identity is not None and (
            outcome.is_any_applied or (outcome.is_any_changed and has_row(identity))
        ):
            store_fold(identity, now)


def find_first_city(ref: LearnerRef, source: Source, territory: SourceTerritory, now: datetime) -> int | None:
    """Return the city of the first open event that counts; None where the identity is known or none does."""
    if find_identity(source, ref.learner_uuid) is not None:
        return None
    verdicts = [judge(row, source, territory, now) for row in open_events(ref)]
    cities = (territory.city_ids[v.event.data.city_key] for v in verdicts if v.event is not None)
    return next(cities, None)


def lock_identity(source: Source, learner_uuid: UUID) -> LearnerIdentity | None:
    """Take the learner's lock; every statement after it sees what the former holder committed."""
    identities = LearnerIdentity.objects.for_system().select_for_update(of=("self",))
    return identities.filter(source=source, learner_uuid=learner_uuid).select_related("person").first()


def open_events(ref: LearnerRef) -> list[InboxEvent]:
    rows = InboxEvent.objects.filter(source_id=ref.source_id, learner_uuid=ref.learner_uuid)
    return list(rows.exclude(state=InboxState.APPLIED).order_by("sequence", "event_id"))


def judge_open_events(ref: LearnerRef, source: Source, territory: SourceTerritory, now: datetime) -> Outcome:
    """Mark each open event applied or parked."""
    is_any_applied = is_any_changed = False
    for row in open_events(ref):
        verdict = judge(row, source, territory, now)
        if verdict.event is not None:
            InboxEvent.objects.filter(pk=row.pk).update(state=InboxState.APPLIED, reason="", applied_at=now)
            is_any_applied = is_any_changed = True
        elif (row.state, row.reason) != (InboxState.PARKED, verdict.reason):
            InboxEvent.objects.filter(pk=row.pk).update(state=InboxState.PARKED, reason=verdict.reason)
            note_mismatch(source, row, verdict.reason, now)
            is_any_changed = True
    return Outcome(is_any_applied, is_any_changed)


def judge(row: InboxEvent, source: Source, territory: SourceTerritory, now: datetime) -> Verdict:
    try:
        received = parse_event(json.loads(row.body))
    except EventError:  # stored under a schema this version no longer reads
        return Verdict(row, None, UNREADABLE)
    data = received.event.data
    covers = territory.covers(city_key=data.city_key, course_key=data.course_key)
    if received.source != source.key or not covers:
        return Verdict(row, None, SOURCE_MISMATCH)
    if received.event.time > now + CLOCK_TOLERANCE:
        return Verdict(row, None, CLOCK_AHEAD)
    if not Manifest.objects.filter(rule_version=data.rule_version).exists():
        return Verdict(row, None, UNKNOWN_RULE_VERSION)
    return Verdict(row, received.event, "")


def note_mismatch(source: Source, row: InboxEvent, reason: str, now: datetime) -> None:
    """An event about another territory is a security matter: it leaves a trace beyond the inbox."""
    if reason == SOURCE_MISMATCH:
        audit.record(
            "event.source_mismatch",
            actor=f"source:{source.key}",
            subject=f"event:{row.event_id}",
            now=now,
        )


def store_fold(identity: LearnerIdentity, now: datetime) -> bool:
    """Fold everything applied and store it under the learner's lock; return whether the row changed."""
    record = fold_learner(identity)
    content = dump_record(record)
    digest = digest_record(content)
    row = LearningRecordRow.objects.for_system().filter(identity=identity).first()
    if row is not None and row.digest == digest:
        return False
    LearningRecordRow.objects.for_system().update_or_create(
        identity=identity,
        defaults={
            "content": content,
            "digest": digest,
            "last_sequence": record.last_sequence,
            "missing_count": len(record.missing),
            "is_announcement_due": True,
        },
    )
    follow_learner(identity, record, now)
    return True


def fold_learner(identity: LearnerIdentity) -> LearningRecord:
    """Return the fold of the learner's applied events."""
    rows = InboxEvent.objects.filter(source_id=identity.source_id, learner_uuid=identity.learner_uuid)
    bodies = rows.filter(state=InboxState.APPLIED).values_list("body", flat=True)
    events = [parse_event(json.loads(body)).event for body in bodies]
    arrived = list(rows.exclude(reason=SOURCE_MISMATCH).values_list("sequence", flat=True))
    return fold(identity.learner_uuid, events, arrived)


def has_row(identity: LearnerIdentity) -> bool:
    return LearningRecordRow.objects.for_system().filter(identity=identity).exists()


def follow_learner(identity: LearnerIdentity, record: LearningRecord, now: datetime) -> None:
    """Bring the person into the city the record names, and forget who retired."""
    city = City.objects.filter(key=record.city_key).first()
    if city is not None:
        move_person(identity, city)
    if record.is_retired:
        retire_identity(identity, now)


def announce_due(*, limit: int) -> None:
    """Tell the receivers of every changed record, until none of them fails."""
    due = LearningRecordRow.objects.for_system().filter(is_announcement_due=True)
    for row in due.select_related("identity__person__city", "identity__source").order_by("pk")[:limit]:
        answers = record_changed.send_robust(sender=LearningRecordRow, identity=row.identity)
        if not any(isinstance(answer, Exception) for _, answer in answers):
            # Not if it changed meanwhile: then it is due again.
            same = LearningRecordRow.objects.for_system().filter(pk=row.pk, digest=row.digest)
            same.update(is_announcement_due=False)
