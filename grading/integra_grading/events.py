"""What the classroom tells the service: one frozen dataclass per event, its wire form and its schema.

CloudEvents 1.0 in JSON, types ``org.integra.learning.<name>.v1``. ``python -m integra_grading.events DIR``
writes the published JSON Schemas.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from integra_grading.canonical import canonical_json, digest
from integra_grading.deliverables import Definition
from integra_grading.errors import EventError, WireError
from integra_grading.items import Item
from integra_grading.manifest import Manifest
from integra_grading.standing import CourseState, ModuleState, Route
from integra_grading.wire import (
    COURSE_KEY,
    KEY,
    TOKEN,
    Choice,
    Constant,
    Instant,
    Many,
    Record,
    Text,
    Uid,
    Whole,
    refusing_as,
    wire,
)

TYPE_PREFIX = "org.integra.learning."
MAX_EVENT_BYTES = 20_000
MAX_SEQUENCE = 2**31 - 1

_POINTS = Whole(0, 1000)
_MINUTES = Whole(0, 10_000)
_REASONS = Many(Text(105, r"[a-z][a-z0-9_]{0,39}(:[A-Za-z0-9][A-Za-z0-9._-]{0,63})?"), 200)


class AttemptKind(StrEnum):
    PRE = "pre"
    POST = "post"
    BYPASS = "bypass"
    CLOSING = "closing"


class AttemptMode(StrEnum):
    """How an attempt was sat."""

    ALONE = "alone"
    ASSISTED = "assisted"
    SUPERVISED = "supervised"
    PAPER = "paper"


class RatedBy(StrEnum):
    AUTOMATIC = "automatic"
    FACILITATOR = "facilitator"


class RatingOutcome(StrEnum):
    RETURNED = "returned"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """What every event's ``data`` has. No names, e-mail, phone or free text, ever."""

    NAME: ClassVar[str] = ""

    city_key: str = wire(KEY)
    cohort_key: str = wire(KEY)
    course_key: str = wire(COURSE_KEY)
    rule_version: str = wire(TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerEnrolled(EventData):
    """A learner got a place in a cohort."""

    NAME: ClassVar[str] = "learner.enrolled"

    modality: str = wire(KEY)
    route_intended: Route = wire(Choice(Route))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerMoved(EventData):
    """A learner changed cohort; the common keys are those after the move."""

    NAME: ClassVar[str] = "learner.moved"

    from_cohort_key: str = wire(KEY, name="from")
    to_cohort_key: str = wire(KEY, name="to")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerUnenrolled(EventData):
    """A learner left; ``reason`` is a word of the classroom's list."""

    NAME: ClassVar[str] = "learner.unenrolled"

    reason: str = wire(KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerRetired(EventData):
    """A learner asked to be forgotten."""

    NAME: ClassVar[str] = "learner.retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCompleted(EventData):
    """A unit's lesson and all its practices are complete; once per unit."""

    NAME: ClassVar[str] = "unit.completed"

    unit_key: str = wire(KEY)
    declared_minutes: int = wire(_MINUTES)
    active_minutes: int = wire(Whole(0, 1_000_000))


@dataclass(frozen=True, slots=True)
class AssessedItem:
    """One item of a submitted attempt."""

    item_key: str = wire(KEY)
    item_digest: str = wire(TOKEN)
    outcome_key: str = wire(KEY)
    points: int = wire(_POINTS)
    max_points: int = wire(_POINTS)

    def __post_init__(self) -> None:
        if self.points > self.max_points:
            raise WireError("out_of_range", "data.items.points", "More points than the item has.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentSubmitted(EventData):
    """A test, bypass quiz or closing form was handed in and scored.

    ``cut`` is inclusive; absent where the form decides nothing (pre-test).
    """

    NAME: ClassVar[str] = "assessment.submitted"

    attempt_uuid: UUID = wire(Uid())
    kind: AttemptKind = wire(Choice(AttemptKind))
    module_key: str | None = wire(KEY, optional=True)
    form_key: str = wire(KEY)
    ordinal: int = wire(Whole(1, 1000))
    score: int = wire(_POINTS)
    max_score: int = wire(Whole(1, 1000))
    cut: int | None = wire(_POINTS, optional=True)
    items: tuple[AssessedItem, ...] = wire(Many(Record(AssessedItem), 100))
    bank_id: str = wire(KEY)
    bank_digest: str = wire(TOKEN)
    mode: AttemptMode = wire(Choice(AttemptMode))
    accommodations: tuple[str, ...] = wire(Many(KEY, 20))
    started_at: datetime = wire(Instant())

    def __post_init__(self) -> None:
        if self.score > self.max_score:
            raise WireError("out_of_range", "data.score", "The score is above max_score.")
        if self.cut is not None and self.cut > self.max_score:
            raise WireError("out_of_range", "data.cut", "The cut is above max_score.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptVoided(EventData):
    """An attempt no longer counts; it is kept."""

    NAME: ClassVar[str] = "attempt.voided"

    attempt_uuid: UUID = wire(Uid())
    reason: str = wire(KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionWithdrawn(EventData):
    """A submission no longer counts; it is kept."""

    NAME: ClassVar[str] = "submission.withdrawn"

    submission_uuid: UUID = wire(Uid())
    reason: str = wire(KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverableSubmitted(EventData):
    """A version of a deliverable was handed in; ``digest`` is of its document."""

    NAME: ClassVar[str] = "deliverable.submitted"

    submission_uuid: UUID = wire(Uid())
    deliverable_key: str = wire(KEY)
    version: int = wire(Whole(1, 1000))
    digest: str = wire(TOKEN)


@dataclass(frozen=True, slots=True)
class RatedCriterion:
    """Points a rater gave for one criterion."""

    criterion_key: str = wire(KEY)
    points: int = wire(_POINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverableRated(EventData):
    """A version of a deliverable was accepted or returned; an automatic acceptance has no levels."""

    NAME: ClassVar[str] = "deliverable.rated"

    submission_uuid: UUID = wire(Uid())
    rating_uuid: UUID = wire(Uid())
    by: RatedBy = wire(Choice(RatedBy))
    rater_uuid: UUID | None = wire(Uid(), optional=True)
    rubric_version: str = wire(TOKEN)
    levels: tuple[RatedCriterion, ...] = wire(Many(Record(RatedCriterion), 20))
    outcome: RatingOutcome = wire(Choice(RatingOutcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleStandingChanged(EventData):
    """A learner's standing in a module is another than before; reasons as ``code`` or ``code:key``."""

    NAME: ClassVar[str] = "module.standing.changed"

    module_key: str = wire(KEY)
    state: ModuleState = wire(Choice(ModuleState))
    route: Route | None = wire(Choice(Route), optional=True)
    reasons: tuple[str, ...] = wire(_REASONS)
    minutes_trained: int = wire(_MINUTES)
    minutes_recognised: int = wire(_MINUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseStandingChanged(EventData):
    """A learner's standing in the course is another than before; reasons as ``code`` or ``code:key``."""

    NAME: ClassVar[str] = "course.standing.changed"

    state: CourseState = wire(Choice(CourseState))
    reasons: tuple[str, ...] = wire(_REASONS)
    minutes_trained: int = wire(_MINUTES)
    minutes_recognised: int = wire(_MINUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to one learner, as the classroom keeps it.

    ``id`` is made once and stored with the fact; ``sequence`` counts the learner's events from 1 without a
    gap; ``time`` is when it happened, aware UTC.
    """

    id: str
    learner_uuid: UUID
    sequence: int
    time: datetime
    data: EventData

    @property
    def type(self) -> str:
        """The event's type on the wire, for example ``org.integra.learning.unit.completed.v1``."""
        return type_of(type(self.data))


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event and the Source that says it sent it."""

    source: str
    event: Event


_DATA_CLASSES: tuple[type[EventData], ...] = (
    LearnerEnrolled,
    LearnerMoved,
    LearnerUnenrolled,
    LearnerRetired,
    UnitCompleted,
    AssessmentSubmitted,
    AttemptVoided,
    SubmissionWithdrawn,
    DeliverableSubmitted,
    DeliverableRated,
    ModuleStandingChanged,
    CourseStandingChanged,
)


def type_of(data_class: type[EventData]) -> str:
    """Return the ``type`` of events that carry ``data_class``."""
    return f"{TYPE_PREFIX}{data_class.NAME}.v1"


def schema_uri(data_class: type[EventData]) -> str:
    """Return the ``dataschema`` of events that carry ``data_class``."""
    return f"urn:org.integra:schema:learning.{data_class.NAME}:v1"


EVENT_TYPES: dict[str, type[EventData]] = {type_of(cls): cls for cls in _DATA_CLASSES}


def _envelope_of(data_class: type[EventData]) -> Record:
    fields: list[tuple[str, Any, Any]] = [
        ("specversion", str, wire(Constant("1.0"))),
        ("id", str, wire(Text(64, r"[A-Za-z0-9_-]+"))),
        ("source", str, wire(COURSE_KEY)),
        ("type", str, wire(Constant(type_of(data_class)))),
        ("subject", UUID, wire(Uid())),
        ("time", datetime, wire(Instant())),
        ("sequence", int, wire(Whole(1, MAX_SEQUENCE))),
        ("data", data_class, wire(Record(data_class))),
        # CloudEvents leaves both to the sender; where they stand they must be ours.
        ("dataschema", str, wire(Constant(schema_uri(data_class)), optional=True)),
        ("datacontenttype", str, wire(Constant("application/json"), optional=True)),
    ]
    return Record(make_dataclass("Envelope", fields, frozen=True))


_ENVELOPES = {type_name: _envelope_of(data_class) for type_name, data_class in EVENT_TYPES.items()}


def to_cloudevent(event: Event, *, source: str) -> dict[str, Any]:
    """Return the event as the JSON object that is sent.

    Args:
        event: The event; what is absent (None) is left out.
        source: The Source's key.

    Raises:
        EventError: The receiver would refuse it: see ``parse_event``.

    Invariants: ``parse_event(to_cloudevent(event, source=s)) == ReceivedEvent(s, event)``.
    """
    data_class = type(event.data)
    with refusing_as(EventError):
        raw = {
            "specversion": "1.0",
            "id": event.id,
            "source": source,
            "type": type_of(data_class),
            "subject": str(event.learner_uuid),
            "time": Instant().write(event.time),
            "sequence": event.sequence,
            "dataschema": schema_uri(data_class),
            "datacontenttype": "application/json",
            "data": Record(data_class).write(event.data),
        }
    parse_event(raw)
    return raw


def parse_event(raw: object) -> ReceivedEvent:
    """Return the event of one JSON object.

    Args:
        raw: Any JSON, already decoded.

    Raises:
        EventError: ``unknown_type``, ``event_too_large`` (more than 20,000 bytes in canonical form), or a code
            of ``integra_grading.wire`` with the path of the offending value, for example ``wrong_type`` at
            ``data.items[3].points``.

    Invariants: nothing but EventError is raised, whatever ``raw`` is.
    """
    return read_event(raw)[0]


def read_event(raw: object) -> tuple[ReceivedEvent, bytes]:
    """Return the event of one JSON object, and the canonical JSON of that object for whoever keeps it.

    Raises:
        EventError: As ``parse_event``.
    """
    with refusing_as(EventError):
        received = _read_envelope(raw)
        canonical = canonical_json(raw)
        if len(canonical) > MAX_EVENT_BYTES:
            raise WireError("event_too_large", "", f"At most {MAX_EVENT_BYTES} bytes.")
    return received, canonical


def parse_kept(text: str) -> ReceivedEvent:
    """Return the event of a text that ``read_event`` gave: its form and size were looked at then.

    Raises:
        EventError: It is of a type or schema this version no longer reads.
    """
    with refusing_as(EventError):
        return _read_envelope(json.loads(text))


def _read_envelope(raw: object) -> ReceivedEvent:
    if not isinstance(raw, dict):
        raise WireError("not_an_object", "", "An event is an object.")
    envelope = _ENVELOPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    if envelope is None:
        raise WireError("unknown_type", "type", "No event of this type is known.")
    read = envelope.read(raw, "")
    event = Event(
        id=read.id, learner_uuid=read.subject, sequence=read.sequence, time=read.time, data=read.data
    )
    return ReceivedEvent(source=read.source, event=event)


def data_to_dict(data: EventData) -> dict[str, Any]:
    """Return the ``data`` object of an event, as a journal keeps it.

    Raises:
        EventError: A value the schema does not allow.

    Invariants: ``parse_data(event.type, data_to_dict(event.data)) == event.data``.
    """
    with refusing_as(EventError):
        raw = Record(type(data)).write(data)
    parse_data(type_of(type(data)), raw)
    return raw


def parse_data(type_name: str, raw: object) -> EventData:
    """Return the data of an event of ``type_name``, as a journal kept it.

    Raises:
        EventError: As ``parse_event``; paths begin with ``data``.
    """
    data_class = EVENT_TYPES.get(type_name)
    if data_class is None:
        raise EventError("unknown_type", "type", "No event of this type is known.")
    with refusing_as(EventError):
        data: EventData = Record(data_class).read(raw, "data")
        return data


def event_digest(raw: dict[str, Any]) -> str:
    """Return SHA-256 of one event's JSON object with sorted keys and no blanks, as hexadecimal.

    Args:
        raw: The object as sent or received, every attribute included.

    Raises:
        EventError: It has no canonical form (a float, NUL, half a character pair, too deep).
    """
    with refusing_as(EventError):
        return digest(raw)


def json_schema(type_name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a whole event of ``type_name``.

    Raises:
        EventError: ``unknown_type``.
    """
    data_class = EVENT_TYPES.get(type_name)
    if data_class is None:
        raise EventError("unknown_type", "type", "No event of this type is known.")
    return _document(schema_uri(data_class), type_name, data_class, _ENVELOPES[type_name])


def write_schemas(folder: Path) -> None:
    """Write one ``<name>.v1.json`` per event type into ``folder``, and those of what the course is made of."""
    documents = {f"{cls.NAME}.v1": json_schema(type_name) for type_name, cls in EVENT_TYPES.items()}
    for name, record in (("manifest", Manifest), ("item", Item), ("deliverable", Definition)):
        uri = f"urn:org.integra:schema:course.{name}:v1"
        documents[f"course.{name}.v1"] = _document(uri, f"integra.{name}/1", record, Record(record))
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _document(uri: str, title: str, described: type[Any], codec: Record) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": uri,
        "title": title,
        "description": (described.__doc__ or "").partition("\n")[0],
        **codec.schema(),
    }


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
