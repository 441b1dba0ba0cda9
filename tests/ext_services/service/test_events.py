"""``POST /api/v1/events``: what is accepted, refused, parked, and what is never lost."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from service_support import BATCH, SINGLE, dump, make_manifest

from integra_grading.canonical import canonical_json
from integra_grading.manifest import manifest_digest
from integra_service.audit.models import AuditEntry
from integra_service.people.models import LearnerIdentity
from integra_service.records.apply import apply_inbox
from integra_service.records.manifests import register_manifest
from integra_service.records.models import InboxEvent, LearningRecordRow, RefusedEvent
from integra_service.records.services import get_record


def states():
    return sorted(InboxEvent.objects.values_list("state", "reason"))


def record_of(learner):
    return get_record(LearnerIdentity.objects.for_system().get(learner_uuid=learner))


def test_an_event_is_accepted_stored_and_applied(committed_world):
    learner = uuid.uuid4()
    event = committed_world.a.event(learner, 1, committed_world.a.enrolled())

    answer = committed_world.a.send(event)

    assert answer.status_code == 202
    assert answer.json() == {"accepted": [event["id"]], "refused": [], "deferred": []}
    assert states() == [("applied", "")]
    assert [course.status for course in record_of(learner).courses] == ["enrolled"]


def test_a_whole_story_reaches_the_course(committed_world):
    learner = uuid.uuid4()

    assert committed_world.a.send(committed_world.a.tell(learner)).status_code == 202

    course = record_of(learner).courses[0]
    assert course.standing.state == "reached"
    assert [(m.module_key, m.state, m.route) for m in course.modules] == [
        ("m04", "done", "training"),
        ("m06", "done", "training"),
    ]
    assert course.find_deliverable("m06-hoja-de-costos").outcome == "accepted"
    assert [a.score for a in course.attempts if a.kind == "post"] == [7]


def test_the_same_event_again_is_accepted_and_changes_nothing(committed_world):
    learner = uuid.uuid4()
    event = committed_world.a.event(learner, 1, committed_world.a.unit())

    answers = [committed_world.a.send(event) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert InboxEvent.objects.count() == 1
    assert RefusedEvent.objects.count() == 0
    assert len(record_of(learner).courses[0].units) == 1


def test_the_same_id_with_other_content_is_409_and_kept(world):
    learner = uuid.uuid4()
    first = world.a.event(learner, 1, world.a.enrolled(), event_id="ev-1")
    second = world.a.event(learner, 1, world.a.unit(), event_id="ev-1")
    world.a.send(first)

    answers = [world.a.send(second) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert [(r["id"], r["code"]) for r in answers[0].json()["refused"]] == [("ev-1", "id_conflict")]
    assert list(RefusedEvent.objects.values_list("event_id", "code", "count")) == [("ev-1", "id_conflict", 2)]
    assert InboxEvent.objects.get().body == canonical_json(first).decode()


def test_a_batch_with_the_same_id_twice_keeps_the_first(world):
    learner = uuid.uuid4()
    first = world.a.event(learner, 1, world.a.enrolled(), event_id="ev-1")
    second = world.a.event(learner, 1, world.a.unit(), event_id="ev-1")

    answer = world.a.send([first, second, first])

    assert answer.status_code == 202
    assert answer.json()["accepted"] == ["ev-1"]
    assert [r["code"] for r in answer.json()["refused"]] == ["id_conflict"]
    assert InboxEvent.objects.get().body == canonical_json(first).decode()


@pytest.mark.parametrize("place", [0, 50, 99])
def test_an_impossible_event_in_a_batch_stops_nobody(world, place):
    events = [world.a.event(uuid.uuid4(), 1, world.a.enrolled()) for _ in range(100)]
    events[place] = {**events[place], "sequence": 1.5, "id": "ev-poison"}

    answer = world.a.send(events, body=dump(events))

    assert answer.status_code == 202
    assert len(answer.json()["accepted"]) == 99
    assert [(r["id"], r["code"]) for r in answer.json()["refused"]] == [("ev-poison", "wrong_type")]
    assert InboxEvent.objects.count() == 99


def mutate(event, **changes):
    return {**event, **changes}


BAD_EVENTS = {
    "wrong type": ({"sequence": "1_0"}, "wrong_type"),
    "boolean for a number": ({"sequence": True}, "wrong_type"),
    "full-width digits": ({"sequence": "１"}, "wrong_type"),
    "zero": ({"sequence": 0}, "out_of_range"),
    "unknown type": ({"type": "org.integra.learning.other.v1"}, "unknown_type"),
    "future version": ({"type": "org.integra.learning.unit.completed.v2"}, "unknown_type"),
    "unknown key": ({"score": 10}, "unknown_key"),
    "proto": ({"__proto__": {"x": 1}}, "unknown_key"),
    "no uuid": ({"subject": "me"}, "not_a_uuid"),
    "not a time": ({"time": "yesterday"}, "not_a_time"),
    "null data": ({"data": None}, "not_an_object"),
    "NUL in the id": ({"id": "a\x00b"}, "bad_character"),
    "half a pair in the id": ({"id": "\ud800"}, "bad_character"),
    "other specversion": ({"specversion": "0.3"}, "unknown_value"),
}


@pytest.mark.parametrize(("changes", "code"), BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
def test_an_event_against_its_schema_is_refused_kept_and_counted(world, changes, code):
    event = mutate(world.a.event(uuid.uuid4(), 1, world.a.enrolled()), **changes)

    answers = [world.a.send(event, body=dump(event)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert [r["code"] for r in answers[0].json()["refused"]] == [code]
    assert list(RefusedEvent.objects.values_list("code", "count")) == [(code, 2)]
    assert InboxEvent.objects.count() == 0


def test_an_infinite_number_is_refused_as_one_event(world):
    event = world.a.event(uuid.uuid4(), 1, world.a.unit())
    body = dump(event).replace(b'"active_minutes": 60', b'"active_minutes": 1e999')

    answer = world.a.send(event, body=body)

    assert answer.status_code == 409
    assert [r["code"] for r in answer.json()["refused"]] == ["wrong_type"]


def bad_bodies(event):
    good = dump(event)
    return {
        "array for an object": (b"[]", SINGLE, 400, "not_an_object"),
        "null": (b"null", SINGLE, 400, "not_an_object"),
        "a number": (b"3", SINGLE, 400, "not_an_object"),
        "object for an array": (good, BATCH, 400, "not_an_array"),
        "empty batch": (b"[]", BATCH, 400, "no_events"),
        "too many": (b"[" + b",".join([b"1"] * 101) + b"]", BATCH, 413, "too_many_events"),
        "broken": (good[:-1], SINGLE, 400, "not_json"),
        "blank": (b" ", SINGLE, 400, "not_json"),
        "NaN": (b'{"a": NaN}', SINGLE, 400, "not_a_number"),
        "infinity": (b'{"a": -Infinity}', SINGLE, 400, "not_a_number"),
        "not UTF-8": (b'{"a": "\xff"}', SINGLE, 400, "not_utf8"),
        "duplicate member": (b'{"id": "a", "id": "b"}', SINGLE, 400, "duplicate_member"),
        "brackets": (b"[" * 200_000, BATCH, 400, "too_deep"),
        "objects": (b'{"a":' * 3_000, SINGLE, 400, "too_deep"),
        "5000 digits": (b'{"a": ' + b"9" * 5000 + b"}", SINGLE, 400, "not_json"),
        "a large event": (b" " * 20_000 + good, SINGLE, 413, "too_large"),
        "a large batch": (b" " * (1024 * 1024 + 1), BATCH, 413, "too_large"),
        "plain JSON": (good, "application/json", 415, "unsupported_media_type"),
        "form": (good, "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        "other charset": (good, f"{SINGLE}; charset=latin-1", 415, "unsupported_media_type"),
    }


@pytest.mark.parametrize("name", bad_bodies({}).keys())
def test_a_bad_body_gets_a_code_and_nothing_is_stored(world, name):
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    body, content_type, status, code = bad_bodies(event)[name]

    answer = world.a.send(None, body=body, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["content-type"].startswith("application/json")
    assert (InboxEvent.objects.count(), RefusedEvent.objects.count()) == (0, 0)


def test_a_body_without_length_is_411(world):
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    body = canonical_json(event)
    from django.test import Client

    for length in ["", "-1", "１０"]:
        answer = Client().post(
            "/api/v1/events", body, content_type=SINGLE, headers=world.a.headers(body), CONTENT_LENGTH=length
        )
        assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_an_event_of_another_city_is_parked_and_noted(world):
    stranger = uuid.uuid4()
    body_of_b = world.a.event(stranger, 1, world.b.enrolled())
    said_by_b = world.a.event(stranger, 2, world.a.enrolled(), source="aula-b")
    other_course = world.a.event(stranger, 3, world.a.enrolled(course_key=world.b.course_key))

    answer = world.a.send([body_of_b, said_by_b, other_course])
    apply_inbox(datetime.now(UTC))

    assert answer.status_code == 202
    assert len(answer.json()["accepted"]) == 3
    assert states() == [("parked", "source_mismatch")] * 3
    assert LearnerIdentity.objects.for_system().count() == 0
    actions = AuditEntry.objects.filter(action="event.source_mismatch").values_list("actor", flat=True)
    assert list(actions) == ["source:aula-a"] * 3


def test_an_event_from_the_future_waits_for_its_time(world):
    learner, now = uuid.uuid4(), datetime.now(UTC)
    event = world.a.event(learner, 1, world.a.enrolled(), at=now + timedelta(minutes=10))
    world.a.send(event)

    apply_inbox(now)
    assert states() == [("parked", "clock_ahead")]
    apply_inbox(now + timedelta(minutes=4))
    assert states() == [("parked", "clock_ahead")]
    apply_inbox(now + timedelta(minutes=6))
    assert states() == [("applied", "")]


def test_unknown_rules_park_until_the_manifest_arrives(world, tmp_path):
    raw = make_manifest()
    raw["course"]["title"] = "Emprender, segunda edición"
    raw["digest"] = manifest_digest(raw)
    learner = uuid.uuid4()
    enrolled = world.a.event(learner, 1, world.a.enrolled())
    unit = world.a.event(learner, 2, world.a.unit(rule_version=raw["digest"]))
    world.a.send([enrolled, unit])
    apply_inbox(datetime.now(UTC))
    assert states() == [("applied", ""), ("parked", "unknown_rule_version")]
    assert record_of(learner).courses[0].units == ()
    assert record_of(learner).missing == ()

    path = tmp_path / "manifest.json"
    path.write_bytes(canonical_json(raw))
    call_command("integra_register_manifest", path)

    assert states() == [("applied", ""), ("applied", "")]
    assert [unit.unit_key for unit in record_of(learner).courses[0].units] == ["m04-u03"]


def test_a_manifest_with_another_digest_is_refused(world, tmp_path):
    from django.core.management.base import CommandError

    path = tmp_path / "manifest.json"
    path.write_bytes(canonical_json({**make_manifest(), "digest": "0" * 64}))
    with pytest.raises(CommandError):
        call_command("integra_register_manifest", path)
    assert register_manifest(make_manifest(), datetime.now(UTC)) == world.manifest["digest"]


@pytest.mark.parametrize("is_demo", [False, True])
def test_rules_with_public_banks_say_at_once_that_nothing_is_issued_over_them(
    world, tmp_path, settings, capsys, is_demo
):
    settings.INTEGRA_DEMO = is_demo
    path = tmp_path / "manifest.json"
    path.write_bytes(canonical_json(world.manifest))
    call_command("integra_register_manifest", path)
    said = capsys.readouterr().out
    assert f"Rules {world.manifest['digest']} are registered." in said
    banks = ", ".join(bank["id"] for bank in world.manifest["banks"] if bank["public"])
    assert (f"answer keys of {banks} are public. No certificate" in said) is not is_demo


def test_rules_with_banks_of_their_own_are_registered_without_a_warning(world, tmp_path, settings, capsys):
    settings.INTEGRA_DEMO = False
    raw = make_manifest()
    raw["banks"] = [{**bank, "public": False} for bank in raw["banks"]]
    raw["digest"] = manifest_digest(raw)
    path = tmp_path / "manifest.json"
    path.write_bytes(canonical_json(raw))
    call_command("integra_register_manifest", path)
    assert capsys.readouterr().out == f"Rules {raw['digest']} are registered.\n"


def test_a_gap_in_the_sequence_is_an_alarm_until_it_is_filled(world, client):
    learner = uuid.uuid4()
    story = world.a.tell(learner)
    world.a.send(story[:2] + story[3:])
    apply_inbox(datetime.now(UTC))
    assert record_of(learner).missing == (3,)
    assert client.get("/readyz").json()["inbox"]["sequence_gaps"] == 1

    world.a.send(story[2])
    apply_inbox(datetime.now(UTC))

    assert record_of(learner).missing == ()
    assert client.get("/readyz").json()["inbox"]["sequence_gaps"] == 0


def test_a_fault_of_ours_parks_one_learner_and_applies_the_others(world, monkeypatch):
    from integra_service.records import folding

    victim, others = uuid.uuid4(), [uuid.uuid4() for _ in range(3)]
    world.a.send([world.a.event(learner, 1, world.a.enrolled()) for learner in [victim, *others]])
    original = folding.fold

    def failing_fold(learner_uuid, events, arrived):
        if learner_uuid == victim:
            raise ZeroDivisionError
        return original(learner_uuid, events, arrived)

    monkeypatch.setattr(folding, "fold", failing_fold)
    apply_inbox(datetime.now(UTC))
    assert states() == [("applied", "")] * 3 + [("parked", "apply_failed")]

    monkeypatch.setattr(folding, "fold", original)
    apply_inbox(datetime.now(UTC), retry_parked=True)
    assert states() == [("applied", "")] * 4


def test_a_receiver_that_fails_is_told_again(world):
    from integra_service.records.signals import record_changed

    told = []

    def failing(sender, identity, **kwargs):
        told.append(identity.learner_uuid)
        if len(told) == 1:
            raise ZeroDivisionError

    learner = uuid.uuid4()
    record_changed.connect(failing)
    try:
        world.a.send(world.a.event(learner, 1, world.a.enrolled()))
        for _ in range(3):
            apply_inbox(datetime.now(UTC))
    finally:
        record_changed.disconnect(failing)

    assert told == [learner, learner]
    assert LearningRecordRow.objects.for_system().filter(is_announcement_due=True).count() == 0


def test_a_move_takes_the_person_to_the_other_city(world):
    from integra_grading.events import LearnerMoved
    from integra_service.people.models import City, Source

    Source.objects.get(key="aula-a").cities.add(City.objects.get(key="ciudad-b"))
    learner = uuid.uuid4()
    moved = LearnerMoved(
        **world.a.common(city_key="ciudad-b", cohort_key="cohorte-b"),
        from_cohort_key="cohorte-a",
        to_cohort_key="cohorte-b",
    )
    world.a.send([world.a.event(learner, 1, world.a.enrolled()), world.a.event(learner, 2, moved)])
    apply_inbox(datetime.now(UTC))

    identity = LearnerIdentity.objects.for_system().get(learner_uuid=learner)
    assert identity.person.city.key == "ciudad-b"


def test_a_retired_learner_leaves_no_name(world):
    from integra_grading.events import LearnerRetired
    from integra_service.people.models import LegalName, NameToken
    from integra_service.people.services import confirm_name

    learner = uuid.uuid4()
    world.a.send(world.a.event(learner, 1, world.a.enrolled()))
    apply_inbox(datetime.now(UTC))
    identity = LearnerIdentity.objects.for_system().get(learner_uuid=learner)
    confirm_name(identity.person, "Nombre Canario", actor="learner:x", now=datetime.now(UTC))
    world.a.send(world.a.event(learner, 2, LearnerRetired(**world.a.common())))
    apply_inbox(datetime.now(UTC))

    assert (LegalName.objects.count(), NameToken.objects.count()) == (0, 0)
    identity.refresh_from_db()
    assert identity.retired_at is not None
    call_command("integra_audit")


def test_rebuilding_gives_the_same_rows(world):
    for classroom in (world.a, world.b):
        classroom.send(classroom.tell(uuid.uuid4()))
    apply_inbox(datetime.now(UTC))
    rows = LearningRecordRow.objects.for_system().order_by("pk")
    before = list(rows.values_list("identity_id", "content", "digest", "last_sequence", "missing_count"))
    assert len(before) == 2
    call_command("integra_rebuild_records", check=True)

    rows.update(content="{}", digest="", last_sequence=0, missing_count=7)
    with pytest.raises(Exception, match="2 records differ"):
        call_command("integra_rebuild_records", check=True)
    call_command("integra_rebuild_records")

    after = list(rows.values_list("identity_id", "content", "digest", "last_sequence", "missing_count"))
    assert after == before
