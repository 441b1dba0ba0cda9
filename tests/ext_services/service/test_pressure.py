"""When too much waits or a source is too fast: told to come back, nothing half stored, and taken in afterwards."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from service_support import NOW, pass_factor

from integra_grading.events import MAX_EVENT_BYTES
from integra_service.audit.models import AuditEntry
from integra_service.lib.errors import BusyError
from integra_service.people.models import Source
from integra_service.records import pressure
from integra_service.records.apply import list_waiting
from integra_service.records.inbox import Refusal, keep_refused
from integra_service.records.models import IdConflict, InboxEvent, RefusedEvent
from integra_service.records.pressure import Allowances, Backlog


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """This process's own bounds, fresh, with a clock that tests move."""
    clock = Clock()
    monkeypatch.setattr(pressure, "backlog", Backlog(clock=clock))
    monkeypatch.setattr(pressure, "allowances", Allowances(clock=clock))
    monkeypatch.setattr("integra_service.records.intake.backlog", pressure.backlog)
    monkeypatch.setattr("integra_service.records.intake.allowances", pressure.allowances)
    return clock


def leave_waiting(world, count, received_at=None, source_key="aula-a"):
    source = Source.objects.get(key=source_key)
    for number in range(count):
        InboxEvent.objects.create(
            source=source,
            event_id=f"waits-{number}",
            digest="d" * 64,
            type="t",
            learner_uuid=uuid.uuid4(),
            sequence=1,
            occurred_at=NOW,
            received_at=received_at or datetime.now(UTC),
            rule_version="r",
            body="{}",
        )


def test_a_full_inbox_asks_senders_to_come_back_and_stores_nothing(world, settings, clock):
    settings.INTEGRA_INBOX_MAX_WAITING = 3
    leave_waiting(world, 3)
    batch = [world.a.event(uuid.uuid4(), 1, world.a.enrolled()), {"id": "bad"}]

    answer = world.a.send(batch)

    assert (answer.status_code, answer.json()["code"]) == (503, "inbox_full")
    assert answer["Retry-After"] == "60"
    assert (InboxEvent.objects.count(), RefusedEvent.objects.count()) == (3, 0)
    InboxEvent.objects.filter(event_id="waits-0").update(state="applied")
    assert world.a.send(batch).status_code == 503  # this process has not looked again
    clock.now += pressure.LOOK_SECONDS
    assert world.a.send(batch).status_code == 202
    assert RefusedEvent.objects.count() == 1


def test_an_inbox_in_which_the_oldest_waits_too_long_is_full(world, settings, clock):
    settings.INTEGRA_INBOX_MAX_AGE_HOURS = 5
    leave_waiting(world, 1, datetime.now(UTC) - timedelta(hours=4))
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    assert world.a.send(event).status_code == 202
    InboxEvent.objects.filter(state="new").update(received_at=datetime.now(UTC) - timedelta(hours=6))
    clock.now += pressure.LOOK_SECONDS
    assert world.a.send(event).json()["code"] == "inbox_full"


def test_a_source_that_fills_the_inbox_closes_it_to_itself_alone(world, settings, clock):
    settings.INTEGRA_INBOX_MAX_WAITING = 4
    leave_waiting(world, 9, source_key="aula-a")
    leave_waiting(world, 1, source_key="aula-b")

    answers = [room.send(room.event(uuid.uuid4(), 1, room.enrolled())) for room in (world.a, world.b)]

    assert [answer.status_code for answer in answers] == [503, 202]


def test_what_waits_too_long_closes_the_inbox_to_its_own_source(world, settings, clock):
    settings.INTEGRA_INBOX_MAX_AGE_HOURS = 5
    leave_waiting(world, 1, datetime.now(UTC) - timedelta(hours=6), source_key="aula-b")

    answers = [room.send(room.event(uuid.uuid4(), 1, room.enrolled())) for room in (world.a, world.b)]

    assert [answer.status_code for answer in answers] == [202, 503]


def test_a_source_that_never_stops_sending_does_not_hold_up_the_others(world):
    """Each round is full of the first source's learners; the other's are among them all the same."""
    leave_waiting(world, 30, source_key="aula-a")
    leave_waiting(world, 2, source_key="aula-b")

    taken = list_waiting(NOW, limit=10, retry_parked=False)

    keys = dict(Source.objects.values_list("pk", "key"))
    assert len(taken) == 10
    assert [keys[ref.source_id] for ref in taken].count("aula-b") == 2
    assert taken == sorted(taken, key=lambda ref: (ref.source_id, ref.learner_uuid))


def test_nobody_without_a_signature_learns_that_it_is_full(world, settings, clock):
    settings.INTEGRA_INBOX_MAX_WAITING = 1
    leave_waiting(world, 1)
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    body = b"{}"
    assert world.a.send(event, headers=world.a.headers(body)).status_code == 401


def test_a_source_that_sends_too_fast_is_slowed_and_the_other_is_not(world, settings, clock):
    settings.INTEGRA_SOURCE_EVENTS_PER_MINUTE = 4
    batch = [world.a.event(uuid.uuid4(), 1, world.a.enrolled()) for _ in range(3)]
    assert world.a.send(batch).status_code == 202

    answer = world.a.send([world.a.event(uuid.uuid4(), 1, world.a.enrolled()) for _ in range(2)])

    assert (answer.status_code, answer.json()["code"]) == (429, "source_too_fast")
    assert answer["Retry-After"] == "15"
    assert InboxEvent.objects.count() == 3
    assert world.b.send(world.b.event(uuid.uuid4(), 1, world.b.enrolled())).status_code == 202
    clock.now += 15
    again = world.a.send([world.a.event(uuid.uuid4(), 1, world.a.enrolled()) for _ in range(2)])
    assert again.status_code == 202


def test_a_batch_larger_than_a_minutes_worth_passes_once_the_minute_is_full(settings):
    settings.INTEGRA_SOURCE_EVENTS_PER_MINUTE = 10
    clock = Clock()
    allowances = Allowances(clock=clock)
    allowances.take("aula", 100)
    with pytest.raises(BusyError) as refused:
        allowances.take("aula", 100)
    assert (refused.value.status, refused.value.wait_seconds) == (429, 60)
    clock.now += 60
    allowances.take("aula", 100)


@pytest.fixture
def full_of_refused(world, settings, clock):
    """Source a has as many refused events as are kept for one; the last of them."""
    settings.INTEGRA_REFUSED_MAX_PER_SOURCE = 3
    refused = [{"id": f"bad-{number}"} for number in range(3)]
    for event in refused:
        assert world.a.send(event).status_code == 409
    return refused[-1]


def counts():
    return sorted(RefusedEvent.objects.values_list("source__key", "event_id", "count"))


def test_beyond_what_is_kept_for_a_source_nothing_is_dropped_and_what_is_good_goes_on(world, full_of_refused):
    before = counts()
    alone = world.a.send({"id": "bad-new"})
    together = world.a.send([{"id": "bad-new"}, {"no": "id"}])
    assert (alone.status_code, alone.json()["code"], alone["Retry-After"]) == (503, "refused_full", "600")
    # An answer about these events, not about the service: the sender keeps them and goes on with others.
    assert together.status_code == 202
    assert together.json() == {
        "accepted": [],
        "refused": [],
        "deferred": [{"id": "bad-new", "code": "refused_full"}, {"id": "", "code": "refused_full"}],
    }
    assert counts() == before

    good = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    mixed = world.a.send([{"id": "bad-new"}, good, full_of_refused])

    assert mixed.status_code == 202
    assert mixed.json()["accepted"] == [good["id"]]
    assert [row["id"] for row in mixed.json()["refused"]] == ["bad-2"]
    assert [row["id"] for row in mixed.json()["deferred"]] == ["bad-new"]
    # What is known is counted again, and another source has room of its own.
    assert world.b.send({"id": "bad-new"}).status_code == 409
    assert counts() == [
        ("aula-a", "bad-0", 1),
        ("aula-a", "bad-1", 1),
        ("aula-a", "bad-2", 2),
        ("aula-b", "bad-new", 1),
    ]


def alarms():
    return {alarm["code"]: alarm["count"] for alarm in Client().get("/readyz").json()["alarms"]}


def test_another_content_under_a_known_id_is_counted_also_where_there_is_no_room_for_it(
    world, full_of_refused
):
    first = [
        world.a.event(uuid.uuid4(), 1, world.a.enrolled(), event_id=event_id) for event_id in ("ev-1", "ev-2")
    ]
    assert world.a.send(first).status_code == 202
    assert "id_conflicts" not in alarms()

    alone = world.a.send({**first[0], "sequence": 2})
    together = world.a.send([{**event, "sequence": n} for event in first for n in (3, 4)])

    assert (alone.status_code, alone.json()["code"]) == (503, "refused_full")
    assert sorted(row["id"] for row in together.json()["deferred"]) == ["ev-1", "ev-1", "ev-2", "ev-2"]
    assert set(InboxEvent.objects.values_list("sequence", flat=True)) == {1}
    assert len(counts()) == 3
    assert alarms()["id_conflicts"] == 2

    IdConflict.objects.filter(event_id="ev-1").update(last_at=datetime.now(UTC) - timedelta(days=8))
    assert alarms()["id_conflicts"] == 1
    assert world.a.send([{**first[0], "sequence": 5}]).status_code == 202
    assert alarms()["id_conflicts"] == 2


def test_an_operator_who_looked_at_the_conflicts_hears_of_the_next_ones_only(world):
    first = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    for event in (first, {**first, "sequence": 2}, {"id": "bad"}):
        world.a.send(event)

    call_command("integra_forget_refused", "aula-a", "--code", "unknown_type", stdout=io.StringIO())
    assert alarms()["id_conflicts"] == 1
    call_command("integra_forget_refused", "aula-a", "--code", "id_conflict", stdout=io.StringIO())
    assert "id_conflicts" not in alarms()
    world.a.send({**first, "sequence": 2})
    assert alarms()["id_conflicts"] == 1


def test_an_operator_who_looked_makes_room(world, full_of_refused):
    assert alarms()["refused_full"] == 1
    operator = pass_factor(world.client_of(world.staff["operator-a"]), world.staff["operator-a"])
    assert (
        "Se rechazó tanto de 1 fuente que ya no se guarda más"
        in operator.get("/consola/maquina/").content.decode()
    )
    RefusedEvent.objects.filter(event_id="bad-0").update(code="id_conflict")

    call_command("integra_forget_refused", "aula-a", "--code", "id_conflict", stdout=io.StringIO())

    assert "refused_full" not in alarms()
    assert [event_id for _, event_id, _ in counts()] == ["bad-1", "bad-2"]
    assert world.a.send({"id": "bad-new"}).status_code == 409
    call_command("integra_forget_refused", "aula-a", stdout=io.StringIO())
    assert counts() == []
    entries = AuditEntry.objects.filter(action="refused.forgotten").order_by("sequence")
    assert list(entries.values_list("actor", "subject", "data")) == [
        ("system", "source:aula-a", '{"code":"id_conflict","count":1}'),
        ("system", "source:aula-a", '{"count":3}'),
    ]
    with pytest.raises(CommandError):
        call_command("integra_forget_refused", "nowhere")


def test_of_a_refused_event_no_more_is_kept_than_an_event_may_have(world, clock):
    world.a.send([{"id": "bad-long", "x": "ñ" * 100_000}])
    assert len(RefusedEvent.objects.get().body) == MAX_EVENT_BYTES


def test_of_several_reasons_for_one_content_the_latest_stands(world):
    source = Source.objects.get(key="aula-a")
    for code in ("wrong_type", "id_conflict"):
        keep_refused(source, [({"id": "bad"}, Refusal("bad", code, "", "data"))], NOW)
    row = RefusedEvent.objects.get()
    assert (row.code, row.field, row.count) == ("id_conflict", "data", 2)


def test_a_signature_that_is_not_the_sources_takes_nothing_from_its_allowance(world, settings, clock):
    settings.INTEGRA_SOURCE_EVENTS_PER_MINUTE = 1
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    for _ in range(3):
        assert world.a.send(event, headers={**world.a.headers(b""), "webhook-id": "x"}).status_code == 401
    assert world.a.send(event).status_code == 202
