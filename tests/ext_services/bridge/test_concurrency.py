"""Several relays at once, and facts that commit late: needs a server database."""

import random
import threading
from collections import Counter

import pytest
from django.db import connection, connections, transaction
from standin.service_peer import accept_all

from integra_bridge import outbox
from integra_bridge.conf import get_settings
from integra_bridge.models import OutboxEvent, OutboxState
from integra_bridge.relay import run_pass

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time"),
]


def in_threads(count, work):
    """Run ``work(number)`` in so many threads at once; return what went wrong."""
    errors = []
    barrier = threading.Barrier(count)

    def run(number):
        try:
            barrier.wait()
            work(number)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_four_relays_deliver_everything_and_nothing_twice(peer, queue, clock):
    ids = queue(1000)
    settings = get_settings()
    outbox.get_state()

    def relay(number):
        for _ in range(3):
            run_pass(settings, clock=clock, chance=random.Random(number), is_stopping=lambda: False)

    assert in_threads(4, relay) == []

    sent = Counter(event_id for request in peer.deliveries for event_id in request.event_ids)
    assert sent == Counter(ids)
    assert OutboxEvent.objects.filter(state=OutboxState.DELIVERED).count() == 1000
    positions = OutboxEvent.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(1, 1001))


def test_numbering_by_many_leaves_no_gap_and_no_double(queue):
    queue(600)
    outbox.get_state()

    assert in_threads(8, lambda number: [outbox.number_rows(limit=50) for _ in range(4)]) == []

    positions = OutboxEvent.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(1, 601))


def test_a_fact_that_commits_late_is_not_lost_to_a_reader_who_was_faster(queue, make_event, clock):
    """An auto-increment cursor would skip it: its id is lower than one already read."""
    outbox.get_state()
    slow = make_event()
    written, may_commit = threading.Event(), threading.Event()

    def write_slowly():
        with transaction.atomic():
            outbox.record_event(slow, source="standin", now=clock())
            written.set()
            may_commit.wait(10)
        connections.close_all()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert written.wait(10)
    [fast] = queue(1)
    outbox.number_rows()
    [seen] = outbox.list_after(0, 10)
    assert seen.event_id == fast

    may_commit.set()
    thread.join()
    outbox.number_rows()

    assert [row.event_id for row in outbox.list_after(seen.position, 10)] == [slow.id]
    assert OutboxEvent.objects.get(event_id=slow.id).pk < seen.pk


def test_a_relay_at_work_does_not_delay_a_fact(peer, queue, make_event, clock):
    """Rows are leased in a transaction that has ended before anything is sent."""
    queue(1)
    outbox.get_state()
    outbox.number_rows()
    waited = []

    def slow_service(request):
        def write():
            with transaction.atomic():
                outbox.record_event(make_event(), source="standin", now=clock())
            waited.append(True)
            connections.close_all()

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
        return accept_all(request)

    peer.script.append(slow_service)
    run_pass(get_settings(), clock=clock, chance=random.Random(1), is_stopping=lambda: False)

    assert waited == [True]
    assert OutboxEvent.objects.count() == 2


def test_the_same_event_recorded_by_two_at_once_is_one_row(make_event, clock):
    event = make_event()

    def record(number):
        with transaction.atomic():
            outbox.record_event(event, source="standin", now=clock())

    errors = in_threads(6, record)

    assert OutboxEvent.objects.count() == 1
    assert len(errors) == 5
