"""Two at once, on a server database: one effect, no deadlock, nothing lost."""

import threading
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection, connections
from service_support import NOW

from integra_service.audit import services as audit
from integra_service.people.models import HandoverUse, LearnerIdentity, Source
from integra_service.records.apply import apply_inbox
from integra_service.records.inbox import store_events
from integra_service.records.models import InboxEvent, LearningRecordRow, RefusedEvent

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.skipif(
        "INTEGRA_DATABASE_URL" not in __import__("os").environ, reason="needs a server database"
    ),
]
THREADS = 20


def together(work, count=THREADS):
    """Run ``work(n)`` in ``count`` threads that start at one moment; return results and errors."""
    barrier, results, errors = threading.Barrier(count), [], []

    def run(number):
        try:
            barrier.wait()
            results.append(work(number))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, errors


def test_the_same_event_twenty_times_at_once_has_one_effect(committed_world):
    learner = uuid.uuid4()
    event = committed_world.a.event(learner, 1, committed_world.a.unit())

    results, errors = together(lambda n: committed_world.a.send(event).status_code)

    assert (errors, results) == ([], [202] * THREADS)
    assert InboxEvent.objects.count() == 1
    assert LearningRecordRow.objects.for_system().count() == 1
    assert LearnerIdentity.objects.for_system().count() == 1


def test_one_id_with_twenty_contents_at_once_keeps_one_and_every_other(committed_world):
    learner = uuid.uuid4()
    events = [
        committed_world.a.event(learner, n + 1, committed_world.a.unit(), event_id="ev-1")
        for n in range(THREADS)
    ]

    results, errors = together(lambda n: committed_world.a.send(events[n]).status_code)

    assert (errors, sorted(results)) == ([], [202] + [409] * (THREADS - 1))
    assert InboxEvent.objects.count() == 1
    assert RefusedEvent.objects.filter(code="id_conflict").count() == THREADS - 1


def test_of_twenty_refused_at_once_as_many_are_kept_as_there_is_room(committed_world, settings):
    settings.INTEGRA_REFUSED_MAX_PER_SOURCE = 5
    bad = [{"id": f"bad-{n}"} for n in range(THREADS)]

    results, errors = together(lambda n: committed_world.a.send(bad[n]).status_code)

    assert (errors, sorted(results)) == ([], [409] * 5 + [503] * (THREADS - 5))
    assert RefusedEvent.objects.count() == 5


def test_crossing_batches_of_refused_events_do_not_deadlock(committed_world):
    bad = [{"id": f"bad-{n}"} for n in range(30)]
    source = Source.objects.get(key="aula-a")

    results, errors = together(lambda n: len(store_events(source, bad[:: -1 if n % 2 else 1], NOW).refused))

    assert (errors, results) == ([], [30] * THREADS)
    assert set(RefusedEvent.objects.values_list("count", flat=True)) == {THREADS}


def test_crossing_batches_do_not_deadlock(committed_world):
    told = [
        committed_world.a.event(uuid.uuid4(), 1, committed_world.a.enrolled(), event_id=f"ev-{n:03}")
        for n in range(60)
    ]
    source = Source.objects.get(key="aula-a")

    results, errors = together(lambda n: len(store_events(source, told[:: -1 if n % 2 else 1], NOW).accepted))

    assert (errors, results) == ([], [60] * THREADS)
    assert InboxEvent.objects.count() == 60


def test_workers_over_the_same_learners_apply_each_event_once(committed_world):
    learners = [uuid.uuid4() for _ in range(15)]
    stories = {learner: committed_world.a.tell(learner) for learner in learners}
    source = Source.objects.get(key="aula-a")
    for step in range(10):
        store_events(source, [stories[learner][step] for learner in learners], NOW)

    _, errors = together(lambda n: apply_inbox(datetime.now(UTC)), count=6)

    assert errors == []
    assert set(InboxEvent.objects.values_list("state", "reason")) == {("applied", "")}
    rows = LearningRecordRow.objects.for_system()
    assert set(rows.values_list("last_sequence", "missing_count")) == {(10, 0)}
    assert rows.count() == len(learners)


def test_events_that_arrive_while_a_learner_is_applied_are_not_lost(committed_world):
    learner = uuid.uuid4()
    told = committed_world.a.tell(learner)

    _, errors = together(lambda n: committed_world.a.send(told[n % len(told)]).status_code)
    apply_inbox(datetime.now(UTC))

    row = LearningRecordRow.objects.for_system().get()
    assert (errors, row.last_sequence, row.missing_count) == ([], 10, 0)
    assert '"state":"reached"' in row.content


def test_one_link_twenty_times_at_once_opens_once(committed_world):
    from django.test import Client

    link = committed_world.a.link(uuid.uuid4())

    results, errors = together(lambda n: Client().get(link).status_code)

    assert (errors, sorted(results)) == ([], [302] + [403] * (THREADS - 1))
    assert HandoverUse.objects.count() == 1


def test_the_audit_chain_stays_one_chain(committed_world):
    from django.db import transaction

    def write(number):
        with transaction.atomic():
            audit.record("test.done", actor="system", subject=f"n:{number}", now=NOW)

    _, errors = together(write)

    assert errors == []
    check = audit.check_chain()
    assert check.is_intact
    assert check.entries_count >= THREADS


def test_a_locked_table_answers_503_after_two_seconds(committed_world):
    """Another connection holds the inbox: the sender is told to come back, and no worker hangs."""
    if connection.vendor != "postgresql":
        pytest.skip("lock_timeout is PostgreSQL's")
    import time

    import psycopg

    event = committed_world.a.event(uuid.uuid4(), 1, committed_world.a.enrolled())
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{n: parameters[n] for n in names if n in parameters}) as other:
        other.execute("LOCK TABLE records_inboxevent IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answer = committed_world.a.send(event)
        waited = time.monotonic() - began

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer["Retry-After"] == "10"
    assert 1.5 < waited < 5
    assert committed_world.a.send(event).status_code == 202
