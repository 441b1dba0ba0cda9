"""What /readyz and the console say is the matter: each fault on its own, by count, never whose."""

import io
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from service_support import NOW, confirm

from integra_grading import events
from integra_service.audit.models import AuditHead
from integra_service.credentials.models import CredentialDocument, Run, RunKind
from integra_service.credentials.runs import Progress, start_run, work
from integra_service.lib.remembering import Remembered, StillAskingError
from integra_service.people import data_requests
from integra_service.people.models import DataRequest, LearnerIdentity, RequestKind, RequestTopic, Source
from integra_service.records.apply import apply_inbox
from integra_service.records.checking import store_report
from integra_service.records.models import InboxEvent, LearningRecordRow, ReconcileReport
from integra_service.records.monitoring import measure_inbox
from integra_service.upkeep.alarms import AlarmCode, list_alarms
from integra_service.web.api import system
from integra_service.web.machine.words import describe_alarm


@pytest.fixture
def world(committed_world):
    """Both sources were compared just now: nothing is the matter."""
    for source in Source.objects.all():
        compared(source)
    return committed_world


def compared(source, **found):
    ReconcileReport.objects.create(
        source=source,
        requested_at=datetime.now(UTC),
        requested_by="system",
        finished_at=datetime.now(UTC),
        **found,
    )


def ready():
    answer = Client().get("/readyz")
    body = answer.json()
    return answer.status_code, body["status"], {alarm["code"]: alarm["count"] for alarm in body["alarms"]}


def yesterday(days=2):
    return datetime.now(UTC) - timedelta(days=days)


def test_nothing_is_the_matter(world):
    world.a.send(world.a.tell(uuid.uuid4()))
    assert ready() == (200, "ok", {})


def test_workers_that_are_not_there_stop_the_service(world):
    world.a.send(world.a.event(uuid.uuid4(), 1, world.a.enrolled()))
    InboxEvent.objects.update(state="new", received_at=datetime.now(UTC) - timedelta(minutes=16))
    assert ready() == (503, "inbox_behind", {"inbox_behind": 1})
    InboxEvent.objects.update(received_at=datetime.now(UTC) - timedelta(minutes=14))
    assert ready() == (200, "ok", {})


def test_a_lost_audit_head_stops_the_service(world):
    assert ready()[0] == 200
    AuditHead.objects.all().delete()
    assert ready() == (503, "audit_head_missing", {"audit_head_missing": 1})
    AuditHead.objects.create(pk=1, sequence=1, hash="0" * 64)
    assert ready()[1] == "audit_head_missing"


def test_what_people_settle_is_named_and_takes_no_page_away(world):
    told = world.a.tell(uuid.uuid4())
    world.a.send([told[0], *told[2:]])  # a gap
    world.a.send({**told[0], "sequence": 5})  # a conflict
    world.a.send(world.a.event(uuid.uuid4(), 1, world.a.enrolled(city_key="ciudad-b")))
    assert ready() == (200, "attention", {"sequence_gaps": 1, "id_conflicts": 1})  # held for a moment only
    InboxEvent.objects.filter(state="parked").update(received_at=yesterday())
    assert ready() == (200, "attention", {"sequence_gaps": 1, "id_conflicts": 1, "parked": 1})


@pytest.mark.parametrize(
    ("found", "is_drift"),
    [
        ({}, False),
        ({"missing_count": 1}, True),
        ({"different_count": 1}, True),
        ({"error": "unreachable"}, True),
    ],
)
def test_the_last_comparison_decides_about_drift(world, found, is_drift):
    source = Source.objects.get(key="aula-a")
    compared(source, different_count=1)
    compared(source, **found)
    assert ready()[2] == ({"drift": 1} if is_drift else {})


def test_a_source_nobody_compared_and_one_that_fell_silent(world):
    ReconcileReport.objects.filter(source__key="aula-a").update(finished_at=yesterday(3))
    assert ready()[2] == {"comparison_overdue": 1}
    world.b.send(world.b.event(uuid.uuid4(), 1, world.b.enrolled()))
    InboxEvent.objects.update(received_at=yesterday(8))
    assert ready()[2] == {"comparison_overdue": 1, "source_silent": 1}
    Source.objects.update(is_active=False)
    assert ready()[2] == {}


def test_only_the_last_check_of_a_source_counts(world):
    source = Source.objects.get(key="aula-a")
    old = {"checked": 1, "skipped": 0, "differences": [{"short_code": "AAAA-AAAA"}]}
    store_report(source, "standing", started_at=yesterday(), **old)
    assert ready()[2] == {"check_differences": 1}
    store_report(source, "standing", started_at=NOW + timedelta(days=9999), **{**old, "differences": []})
    assert ready()[2] == {}


def test_an_erasure_a_day_past_its_date_is_named(world):
    now = datetime.now(UTC)
    learner = uuid.uuid4()
    world.a.send(world.a.tell(learner))
    world.a.enter(learner)
    person = LearnerIdentity.objects.for_system().get(learner_uuid=learner).person
    data_requests.ask(person, RequestKind.OPPOSITION, RequestTopic.AUTOMATED, actor="self", now=yesterday(20))
    request = data_requests.ask(person, RequestKind.ERASURE, RequestTopic.EVERYTHING, actor="self", now=now)
    rows = DataRequest.objects.for_system().filter(pk=request.pk)
    for days, alarms in ((6, {}), (7.9, {}), (8.1, {"erasures_overdue": 1})):
        rows.update(asked_at=now - timedelta(days=days))
        assert ready()[2] == alarms
    assert ready()[:2] == (200, "attention")
    # Begun by an officer at once, it is due from then on.
    rows.update(asked_at=now - timedelta(days=2), state="begun", handled_at=now - timedelta(hours=1))
    assert ready()[2] == {}
    rows.update(handled_at=now - timedelta(hours=25))
    assert ready()[2] == {"erasures_overdue": 1}
    call_command("integra_erasures")
    assert ready()[2] == {}


def test_what_was_begun_and_left_is_named(world):
    now = datetime.now(UTC)
    learner = uuid.uuid4()
    world.a.send(world.a.tell(learner))
    confirm(world.a.enter(learner), "Rosa Quishpe")
    document = CredentialDocument.objects.for_system().filter(
        credential__person__identities__learner_uuid=learner
    )
    assert document.update(signed_at=None, intended_at=now - timedelta(minutes=14)) == 1
    assert ready()[2] == {}
    document.update(intended_at=now - timedelta(minutes=16))
    assert ready() == (200, "attention", {"work_behind": 1})
    document.update(signed_at=now)

    run = start_run(RunKind.ISSUE, by="system", now=now - timedelta(minutes=16))
    assert ready()[2] == {"work_behind": 1}
    assert work(run, now) is Progress.GOES_ON  # a chunk was done just now
    assert ready()[2] == {}
    Run.objects.update(moved_at=now - timedelta(minutes=20), taken_until=now - timedelta(minutes=16))
    assert ready()[2] == {"work_behind": 1}
    call_command("integra_work", stdout=io.StringIO())
    assert ready()[2] == {}


def test_of_what_was_left_an_operator_hears_for_their_own_cities(world):
    now, learner = datetime.now(UTC), uuid.uuid4()
    world.a.send(world.a.tell(learner))
    confirm(world.a.enter(learner), "Rosa Quishpe")
    person = LearnerIdentity.objects.for_system().get(learner_uuid=learner).person
    request = data_requests.ask(person, RequestKind.ERASURE, RequestTopic.EVERYTHING, actor="self", now=now)
    DataRequest.objects.for_system().filter(pk=request.pk).update(asked_at=now - timedelta(days=9))
    CredentialDocument.objects.for_system().update(signed_at=None, intended_at=now - timedelta(hours=1))
    start_run(RunKind.ISSUE, by="system", now=now - timedelta(hours=1), city=person.city)
    left = {AlarmCode.ERASURES_OVERDUE: 1, AlarmCode.WORK_BEHIND: 2}
    for key, expected in (("aula-a", left), ("aula-b", {})):
        ids = [Source.objects.get(key=key).pk]
        alarms = list_alarms(measure_inbox(now, ids), now, ids)
        assert {alarm.code: alarm.count for alarm in alarms} == expected
    sentences = [describe_alarm(alarm).sentence for alarm in list_alarms(measure_inbox(now), now)]
    assert any("integra_erasures" in sentence for sentence in sentences)
    assert any("integra_work" in sentence for sentence in sentences)


def test_readyz_says_counts_only_and_asks_the_same_of_one_learner_as_of_ten(world):
    learners = [uuid.uuid4() for _ in range(10)]
    for learner in learners:
        world.a.send(world.a.tell(learner))
    with CaptureQueriesContext(
        connection,
    ) as many:
        text = Client().get("/readyz").content.decode()
    LearningRecordRow.objects.for_system().exclude(identity__learner_uuid=learners[0]).delete()
    with CaptureQueriesContext(connection) as one:
        Client().get("/readyz")
    assert len(one) == len(many)
    codes = LearnerIdentity.objects.for_system().values_list("short_code", flat=True)
    assert [word for word in (*map(str, learners), *codes, "aula-a") if word in text] == []


def test_readyz_looks_once_in_five_seconds_however_often_it_is_asked(world, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(system.readiness, "seconds", system.READY_SECONDS)
    monkeypatch.setattr(system.readiness, "clock", lambda: now[0])
    monkeypatch.setattr(system.readiness, "until", 0.0)
    assert ready() == (200, "ok", {})
    AuditHead.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        assert [ready() for _ in range(20)] == [(200, "ok", {})] * 20
    assert len(queries) == 0
    now[0] += system.READY_SECONDS
    assert ready()[:2] == (503, "audit_head_missing")


def test_of_many_who_ask_at_once_one_looks():
    looks, barrier = [], Barrier(8)

    def look():
        looks.append(1)
        time.sleep(0.05)
        return len(looks)

    remembered = Remembered(look, 60, 60)

    def ask():
        barrier.wait()
        return remembered.get()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: ask(), range(8))) == [1] * 8


def test_what_hangs_holds_one_thread_and_the_others_for_a_moment():
    go = threading.Event()
    remembered = Remembered(lambda: go.wait(10), 60, 60, wait_seconds=0.05)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(remembered.get)
        while not remembered.lock.locked():
            time.sleep(0.01)
        with pytest.raises(StillAskingError):
            remembered.get()
        go.set()
        assert first.result() is True


def test_what_could_not_be_looked_at_is_looked_at_again_after_a_while():
    answers, moment = iter([RuntimeError("away"), "here"]), [0.0]

    def look():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    remembered = Remembered(look, 60, 1, clock=lambda: moment[0])
    for _ in range(2):
        with pytest.raises(RuntimeError):
            remembered.get()
    moment[0] = 1.0
    assert remembered.get() == "here"


def test_a_void_that_arrives_late_is_folded_in_where_it_belongs(world):
    learner = uuid.uuid4()
    story = world.a.story()
    voided = events.AttemptVoided(
        **world.a.common(), attempt_uuid=story[8].attempt_uuid, reason="otra-persona"
    )
    told = world.a.tell(learner, [*story[:9], voided, story[9]])
    world.a.send([*told[:9], told[10]])
    row = LearningRecordRow.objects.for_system().get()
    before = [attempt["kind"] for attempt in json.loads(row.content)["courses"][0]["attempts"]]

    world.a.send(told[9])  # a day late

    row.refresh_from_db()
    after = [attempt["kind"] for attempt in json.loads(row.content)["courses"][0]["attempts"]]
    assert (before, after, row.missing_count) == (["pre", "post"], ["pre"], 0)


def test_a_retirement_that_arrives_before_what_it_follows_still_retires(world):
    learner = uuid.uuid4()
    told = world.a.tell(
        learner, [world.a.enrolled(), world.a.unit(), events.LearnerRetired(**world.a.common())]
    )
    world.a.send([told[0], told[2]])
    world.a.send(told[1])
    apply_inbox(datetime.now(UTC))
    assert LearnerIdentity.objects.for_system().get().retired_at is not None
    assert json.loads(LearningRecordRow.objects.for_system().get().content)["is_retired"] is True
