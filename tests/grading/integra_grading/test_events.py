"""Events come back from the wire, and nothing else comes in."""

import dataclasses
import json
import re
import runpy
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading import events
from integra_grading.canonical import canonical_json, digest
from integra_grading.errors import EventError
from integra_grading.events import (
    EVENT_TYPES,
    MAX_EVENT_BYTES,
    AssessedItem,
    AssessmentSubmitted,
    AttemptKind,
    AttemptMode,
    CourseStandingChanged,
    Event,
    EventData,
    LearnerEnrolled,
    LearnerMoved,
    LearnerRetired,
    ModuleStandingChanged,
    RatedCriterion,
    ReceivedEvent,
    UnitCompleted,
    data_to_dict,
    event_digest,
    json_schema,
    parse_data,
    parse_event,
    to_cloudevent,
    write_schemas,
)
from integra_grading.standing import CourseState, ModuleState, Route
from integra_grading.wire import Choice, Instant, Many, Record, Text, Uid, Whole

ROOT = Path(__file__).parents[3]
COMMON = {
    "city_key": "quito",
    "cohort_key": "quito-2026-1",
    "course_key": "course-v1:INTEGRA+CAP40+2026",
    "rule_version": "a" * 64,
}
LEARNER = UUID("5f0c1c3e-8f0a-4d53-9a57-0d2f6c0e7a11")
T0 = datetime(2026, 3, 2, 14, 5, 6, 789000, tzinfo=UTC)
UNIT = UnitCompleted(**COMMON, unit_key="m06-u03", declared_minutes=36, active_minutes=31)


def _event(data: EventData = UNIT, **changes) -> Event:
    return dataclasses.replace(
        Event(id="e-1", learner_uuid=LEARNER, sequence=1, time=T0, data=data), **changes
    )


@pytest.fixture
def raw():
    return to_cloudevent(_event(), source="aula")


def test_an_event_on_the_wire(raw):
    assert raw == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "aula",
        "type": "org.integra.learning.unit.completed.v1",
        "subject": "5f0c1c3e-8f0a-4d53-9a57-0d2f6c0e7a11",
        "time": "2026-03-02T14:05:06.789000Z",
        "sequence": 1,
        "dataschema": "urn:org.integra:schema:learning.unit.completed:v1",
        "datacontenttype": "application/json",
        "data": {**COMMON, "unit_key": "m06-u03", "declared_minutes": 36, "active_minutes": 31},
    }


def test_event_types_are_those_agreed():
    assert sorted(EVENT_TYPES) == sorted(
        f"org.integra.learning.{name}.v1"
        for name in (
            "learner.enrolled",
            "learner.moved",
            "learner.unenrolled",
            "learner.retired",
            "unit.completed",
            "assessment.submitted",
            "attempt.voided",
            "submission.withdrawn",
            "deliverable.submitted",
            "deliverable.rated",
            "module.standing.changed",
            "course.standing.changed",
        )
    )


# Every event, drawn from its own declaration.


def _values(codec):
    match codec:
        case Record(of):
            return records(of)
        case Many(inner, maximum, minimum):
            return st.lists(_values(inner), min_size=minimum, max_size=min(maximum, 4)).map(tuple)
        case Choice(words):
            return st.sampled_from(list(words))
        case Whole(minimum, maximum):
            return st.integers(minimum, maximum)
        case Uid():
            return st.uuids()
        case Instant():
            return st.datetimes(timezones=st.just(UTC))
        case Text(maximum, pattern):
            return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True).filter(
                lambda v: len(v) <= maximum
            )
    raise AssertionError(codec)


def records(cls):
    fields = {}
    for field in dataclasses.fields(cls):
        values = _values(field.metadata["codec"])
        fields[field.name] = st.just(field.default) | values if field.metadata["optional"] else values
    return st.fixed_dictionaries(fields).map(_in_range).map(lambda values: cls(**values))


def _in_range(values):
    """Points within their maximum."""
    if "max_points" in values:
        values["points"] = min(values["points"], values["max_points"])
    if "max_score" in values:
        values["score"] = min(values["score"], values["max_score"])
        values["cut"] = None if values["cut"] is None else min(values["cut"], values["max_score"])
    return values


DATA = {name: records(cls) for name, cls in EVENT_TYPES.items()}
EVENTS = st.builds(
    Event,
    id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    learner_uuid=st.uuids(),
    sequence=st.integers(1, 2**31 - 1),
    time=st.datetimes(timezones=st.just(UTC)),
    data=st.one_of(*DATA.values()),
)


@given(EVENTS, st.sampled_from(["aula", "lms-quito"]))
def test_every_event_comes_back_through_json(event, source):
    raw = to_cloudevent(event, source=source)
    again = json.loads(json.dumps(raw))
    assert parse_event(again) == ReceivedEvent(source, event)
    assert event_digest(again) == event_digest(raw)
    assert parse_data(event.type, json.loads(json.dumps(data_to_dict(event.data)))) == event.data


@given(EVENTS)
def test_an_event_holds_only_text_integers_booleans_arrays_and_objects(event):
    def check(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and check(child) for key, child in value.items())
        if isinstance(value, list):
            return all(check(child) for child in value)
        return type(value) in (str, int, bool)

    assert check(to_cloudevent(event, source="aula"))


@given(EVENTS, st.data())
def test_one_change_gives_another_digest(event, data):
    raw = to_cloudevent(event, source="aula")
    key = data.draw(st.sampled_from(["id", "subject", "time", "source"]))
    assert event_digest({**raw, key: raw[key] + "x"}) != event_digest(raw)


def test_digest_is_sha256_of_sorted_keys_without_blanks(raw):
    assert event_digest(dict(reversed(raw.items()))) == event_digest(raw) == digest(raw)


def test_absent_values_are_left_out_and_read_as_none():
    data = ModuleStandingChanged(
        **COMMON,
        module_key="m06",
        state=ModuleState.OPEN,
        reasons=("cooldown",),
        minutes_trained=0,
        minutes_recognised=0,
    )
    raw = data_to_dict(data)
    assert "route" not in raw
    assert parse_data("org.integra.learning.module.standing.changed.v1", raw) == data


def test_moved_from_and_to_stand_on_the_wire():
    data = LearnerMoved(**COMMON, from_cohort_key="quito-2025-2", to_cohort_key="quito-2026-1")
    assert data_to_dict(data) == {**COMMON, "from": "quito-2025-2", "to": "quito-2026-1"}


def test_other_spellings_of_utc_and_optional_attributes_are_read(raw):
    raw["time"] = "2026-03-02T14:05:06+00:00"
    del raw["dataschema"], raw["datacontenttype"]
    assert parse_event(raw).event.time == T0.replace(microsecond=0)


BAD_TIMES = [
    "2026-03-02T14:05:06",
    "2026-03-02T14:05:06-05:00",
    "2026-03-02 14:05:06Z",
    "2026-03-02T14:05:06z",
    "2026-02-30T14:05:06Z",
    "2026-03-02T24:05:06Z",
    "2026-03-02T14:05:60Z",
    "2026-03-02T14:05:06.1234567Z",
    "2026-03-02T14:05:06Z\n",
    "２０２６-03-02T14:05:06Z",
    "0000-01-01T00:00:00Z",
    "",
]


@pytest.mark.parametrize(
    ("path", "value", "code", "field"),
    [
        *[(("time",), time, "not_a_time", "time") for time in BAD_TIMES],
        (("time",), 1772460306, "wrong_type", "time"),
        (("specversion",), "0.3", "unknown_value", "specversion"),
        (("specversion",), ..., "missing_key", "specversion"),
        (("id",), "", "wrong_length", "id"),
        (("id",), "a.b", "wrong_form", "id"),
        (("id",), "x" * 65, "wrong_length", "id"),
        (("id",), 7, "wrong_type", "id"),
        (("source",), "con espacio", "wrong_form", "source"),
        (("type",), "org.integra.learning.unit.completed.v2", "unknown_type", "type"),
        (("type",), ..., "unknown_type", "type"),
        (("type",), ["x"], "unknown_type", "type"),
        (("subject",), "ana@example.org", "not_a_uuid", "subject"),
        (("subject",), str(LEARNER).upper(), "not_a_uuid", "subject"),
        (("subject",), LEARNER.hex, "not_a_uuid", "subject"),
        (("subject",), None, "wrong_type", "subject"),
        (("sequence",), 0, "out_of_range", "sequence"),
        (("sequence",), 2**31, "out_of_range", "sequence"),
        (("sequence",), True, "wrong_type", "sequence"),
        (("sequence",), 1.0, "wrong_type", "sequence"),
        (("sequence",), "1", "wrong_type", "sequence"),
        (("dataschema",), "urn:otra", "unknown_value", "dataschema"),
        (("datacontenttype",), "text/xml", "unknown_value", "datacontenttype"),
        (("traceparent",), "x", "unknown_key", "traceparent"),
        (("data",), ..., "missing_key", "data"),
        (("data",), None, "not_an_object", "data"),
        (("data",), [], "not_an_object", "data"),
        (("data", "name"), "Ana", "unknown_key", "data.name"),
        (("data", "__proto__"), {}, "unknown_key", "data.__proto__"),
        (("data", "a b"), 1, "unknown_key", "data.?"),
        (("data", "unit_key"), ..., "missing_key", "data.unit_key"),
        (("data", "unit_key"), None, "wrong_type", "data.unit_key"),
        (("data", "unit_key"), "m06\x00", "bad_character", "data.unit_key"),
        (("data", "unit_key"), "m06\ud800", "bad_character", "data.unit_key"),
        (("data", "unit_key"), "mó6", "wrong_form", "data.unit_key"),
        (("data", "declared_minutes"), -1, "out_of_range", "data.declared_minutes"),
        (("data", "declared_minutes"), float("nan"), "wrong_type", "data.declared_minutes"),
        (("data", "declared_minutes"), float("inf"), "wrong_type", "data.declared_minutes"),
        (("data", "declared_minutes"), 10**400, "out_of_range", "data.declared_minutes"),
    ],
)
def test_an_event_is_refused_with_code_and_place(raw, path, value, code, field):
    *parents, last = path
    target = raw
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    with pytest.raises(EventError) as caught:
        parse_event(raw)
    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize("raw", [None, [], "x", 5, True, float("nan")])
def test_what_is_no_object_is_no_event(raw):
    with pytest.raises(EventError) as caught:
        parse_event(raw)
    assert (caught.value.code, caught.value.field) == ("not_an_object", "")


ASSESSMENT = {
    **COMMON,
    "attempt_uuid": LEARNER,
    "kind": AttemptKind.POST,
    "form_key": "B",
    "ordinal": 1,
    "score": 1,
    "max_score": 8,
    "cut": 6,
    "items": (AssessedItem("pp-01-a", "d" * 64, "6.3", 1, 1),),
    "bank_id": "prueba-demo",
    "bank_digest": "b" * 64,
    "mode": AttemptMode.ALONE,
    "accommodations": (),
    "started_at": T0,
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"score": 9}, "data.score"),
        ({"cut": 9}, "data.cut"),
        (
            {
                "items": [
                    {"item_key": "a", "item_digest": "d", "outcome_key": "6.3", "points": 2, "max_points": 1}
                ]
            },
            "data.items.points",
        ),
    ],
)
def test_more_than_the_maximum_is_refused(change, field):
    raw = data_to_dict(AssessmentSubmitted(**ASSESSMENT))
    with pytest.raises(EventError) as caught:
        parse_data("org.integra.learning.assessment.submitted.v1", {**raw, **change})
    assert (caught.value.code, caught.value.field) == ("out_of_range", field)


def test_a_pre_test_has_no_cut():
    data = AssessmentSubmitted(**{**ASSESSMENT, "kind": AttemptKind.PRE, "cut": None})
    assert "cut" not in data_to_dict(data)


def test_an_event_of_exactly_the_allowed_size_is_read(raw, monkeypatch):
    size = len(canonical_json(raw))
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", size)
    assert parse_event(raw).event.id == "e-1"
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", size - 1)
    with pytest.raises(EventError):
        parse_event(raw)


def test_a_forty_item_test_fits_and_a_padded_event_does_not():
    items = tuple(AssessedItem(f"prueba-item-{n:03}-a", "d" * 64, "12.6", 1, 1) for n in range(40))
    data = AssessmentSubmitted(**{**ASSESSMENT, "items": items, "score": 40, "max_score": 40, "cut": 28})
    raw = to_cloudevent(_event(data), source="aula")
    assert len(json.dumps(raw)) < MAX_EVENT_BYTES == 20_000
    huge = tuple(AssessedItem("i" * 64, "d" * 128, "o" * 64, 1, 1) for _ in range(100))
    with pytest.raises(EventError) as caught:
        to_cloudevent(_event(dataclasses.replace(data, items=huge)), source="aula")
    assert caught.value.code == "event_too_large"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (_event(id="a.b"), "wrong_form"),
        (_event(sequence=0), "out_of_range"),
        (_event(time=T0.replace(tzinfo=None)), "not_a_time"),
        (_event(time=datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=-5)))), "not_a_time"),
        (_event(dataclasses.replace(UNIT, unit_key="m06 u03")), "wrong_form"),
        (_event(dataclasses.replace(UNIT, active_minutes=-1)), "out_of_range"),
    ],
)
def test_what_the_receiver_would_refuse_is_never_sent(event, code):
    with pytest.raises(EventError) as caught:
        to_cloudevent(event, source="aula")
    assert caught.value.code == code


def test_the_journal_refuses_what_the_receiver_would():
    with pytest.raises(EventError) as caught:
        data_to_dict(dataclasses.replace(UNIT, unit_key=""))
    assert caught.value.field == "data.unit_key"
    with pytest.raises(EventError) as caught:
        parse_data("org.integra.learning.otra.v1", {})
    assert caught.value.code == "unknown_type"


@pytest.mark.parametrize("value", [1.5, "\x00", 2**60])
def test_what_has_no_canonical_form_has_no_digest(raw, value):
    with pytest.raises(EventError):
        event_digest({**raw, "x": value})


# Schemas


def test_published_schemas_are_current(tmp_path):
    write_schemas(tmp_path)
    published = ROOT / "docs" / "schemas"
    assert {path.name: path.read_text() for path in published.glob("*.json")} == {
        path.name: path.read_text() for path in tmp_path.iterdir()
    }, "run: python -m integra_grading.events docs/schemas"


def test_schemas_are_written_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["events", str(tmp_path / "out")])
    runpy.run_path(events.__file__, run_name="__main__")
    assert len(list((tmp_path / "out").iterdir())) == len(EVENT_TYPES) + 3


def test_schema_of_an_unknown_type_is_refused():
    with pytest.raises(EventError):
        json_schema("org.integra.learning.otra.v1")


def test_schema_says_what_the_parser_asks():
    schema = json_schema("org.integra.learning.module.standing.changed.v1")
    assert schema["$id"] == "urn:org.integra:schema:learning.module.standing.changed:v1"
    assert schema["required"] == [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "sequence",
        "data",
    ]
    data = schema["properties"]["data"]
    assert data["additionalProperties"] is False
    assert data["properties"]["state"] == {"type": "string", "enum": ["open", "done", "exempt"]}
    assert "route" in data["properties"]
    assert "route" not in data["required"]


def test_no_schema_has_a_place_for_free_text_or_fractions():
    def walk(node):
        if isinstance(node, dict):
            assert node.get("type") != "number"
            if node.get("type") == "string":
                assert {"pattern", "format", "enum"} & set(node)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    for name in EVENT_TYPES:
        walk(json_schema(name))


def test_events_without_further_data_are_complete():
    assert data_to_dict(LearnerRetired(**COMMON)) == COMMON
    enrolled = LearnerEnrolled(**COMMON, modality="virtual", route_intended=Route.EVALUATION)
    assert data_to_dict(enrolled)["route_intended"] == "evaluation"
    reached = CourseStandingChanged(
        **COMMON, state=CourseState.REACHED, reasons=(), minutes_trained=72, minutes_recognised=36
    )
    assert data_to_dict(reached)["state"] == "reached"
    assert RatedCriterion("accion", 2).points == 2
