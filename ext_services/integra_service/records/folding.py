"""The stored row of a learner's record: folded from everything in the inbox that counts, under the learner's lock."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from integra_grading.events import Event, parse_kept
from integra_service.people.identities import move_person, retire_identity
from integra_service.people.models import City, LearnerIdentity

from .fold import LearningRecord, fold
from .judging import SOURCE_MISMATCH, Bench
from .models import InboxEvent, InboxState, LearningRecordRow
from .storage import digest_record, dump_record


def fold_learners(
    source_id: int, learner_uuids: Collection[UUID], parsed: Mapping[int, Event] | None = None
) -> dict[UUID, LearningRecord]:
    """Return the folds of these learners' applied events; ``parsed`` spares reading events again, by row."""
    parsed = parsed or {}
    events: dict[UUID, list[Event]] = {uuid: [] for uuid in learner_uuids}
    arrived: dict[UUID, list[int]] = {uuid: [] for uuid in learner_uuids}
    rows = InboxEvent.objects.filter(source_id=source_id, learner_uuid__in=learner_uuids)
    facts = rows.values_list("pk", "learner_uuid", "sequence", "state", "reason", "body")
    for pk, learner_uuid, sequence, state, reason, body in facts.iterator(chunk_size=1000):
        if reason != SOURCE_MISMATCH:
            arrived[learner_uuid].append(sequence)
        if state == InboxState.APPLIED:
            events[learner_uuid].append(parsed.get(pk) or parse_kept(body).event)
    return {uuid: fold(uuid, events[uuid], arrived[uuid]) for uuid in learner_uuids}


def store_folds(
    identities: Sequence[LearnerIdentity], bench: Bench, parsed: Mapping[int, Event] | None = None
) -> list[int]:
    """Fold and store the records of these locked learners of one source; return the identities whose row changed."""
    if not identities:
        return []
    known = dict(
        LearningRecordRow.objects.for_system()
        .filter(identity__in=identities)
        .values_list("identity_id", "digest")
    )
    records = fold_learners(
        identities[0].source_id, [identity.learner_uuid for identity in identities], parsed
    )
    changed: list[tuple[LearnerIdentity, LearningRecord]] = []
    rows = []
    for identity in identities:
        row = make_row(identity, records[identity.learner_uuid])
        if known.get(identity.pk) != row.digest:
            rows.append(row)
            changed.append((identity, records[identity.learner_uuid]))
    LearningRecordRow.objects.for_system().bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["identity"],
        update_fields=["content", "digest", "last_sequence", "missing_count", "is_announcement_due"],
    )
    for identity, record in changed:
        follow_learner(identity, bench.find_city(record.city_key))
    for identity, record in changed:  # last: it writes to the audit
        if record.is_retired:
            retire_identity(identity, bench.now)
    return [identity.pk for identity, _ in changed]


def make_row(identity: LearnerIdentity, record: LearningRecord) -> LearningRecordRow:
    content = dump_record(record)
    return LearningRecordRow(
        identity=identity,
        content=content,
        digest=digest_record(content),
        last_sequence=record.last_sequence,
        missing_count=len(record.missing),
        is_announcement_due=True,
    )


def follow_learner(identity: LearnerIdentity, city: City | None) -> None:
    """Bring the person into the city the record names."""
    if city is not None and identity.own_person.city_id != city.pk:
        move_person(identity, city)
