"""The relay against a real peer and a real database."""

import random
from datetime import timedelta

import pytest
from standin.service_peer import Reply, accept_all, json_reply

from integra_bridge import outbox
from integra_bridge.delivery import Verdict
from integra_bridge.models import OutboxEvent, OutboxState, RelayState

pytestmark = pytest.mark.django_db(transaction=True)


def states():
    return list(OutboxEvent.objects.order_by("pk").values_list("state", flat=True))


def row(event_id):
    return OutboxEvent.objects.get(event_id=event_id)


def test_everything_queued_is_delivered_once_in_batches_and_in_order(peer, queue, relay):
    ids = queue(250)

    report = relay()

    assert (report.numbered, report.accepted, report.refused, report.retried) == (250, 250, 0, 0)
    assert [len(request.event_ids) for request in peer.deliveries] == [100, 100, 50]
    assert [i for request in peer.deliveries for i in request.event_ids] == ids
    assert set(states()) == {OutboxState.DELIVERED}
    assert relay().accepted == 0
    assert len(peer.deliveries) == 3


def test_a_body_stays_below_the_services_limit(peer, queue, relay, monkeypatch):
    queue(10)
    size = len(OutboxEvent.objects.first().body)
    monkeypatch.setattr(outbox, "BATCH_BYTES", size * 4 + 10)

    relay()

    assert [len(request.event_ids) for request in peer.deliveries] == [4, 4, 2]


def test_delivery_changes_neither_id_nor_body_nor_digest(peer, queue, relay):
    queue(1)
    fields = ("event_id", "learner_uuid", "event_type", "digest")
    before = OutboxEvent.objects.values_list(*fields).get(), bytes(OutboxEvent.objects.get().body)
    peer.script.append(Reply(500))

    relay()

    assert (OutboxEvent.objects.values_list(*fields).get(), bytes(OutboxEvent.objects.get().body)) == before


def test_each_event_is_settled_by_its_own_line_of_the_receipt(peer, queue, relay, clock):
    accepted, refused, unnamed = queue(3)
    peer.script.append(
        json_reply(202, {"accepted": [accepted], "refused": [{"id": refused, "code": "schema_invalid"}]})
    )

    report = relay()

    assert (report.accepted, report.refused, report.retried) == (1, 1, 1)
    assert row(accepted).state == OutboxState.DELIVERED
    assert (row(refused).state, row(refused).error_code) == (OutboxState.DEAD, "schema_invalid")
    assert (row(unnamed).state, row(unnamed).error_code) == (OutboxState.PENDING, "receipt_missing")
    assert timedelta(seconds=4) < row(unnamed).next_try_at - clock.now <= timedelta(seconds=6)

    clock.forward(seconds=7)
    relay()

    assert row(unnamed).state == OutboxState.DELIVERED
    assert peer.deliveries[-1].event_ids == [unnamed]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"content-type": "text/html"}, b"<html>portal</html>"),
        Reply(202),
        Reply(202, {"content-type": "application/json"}, b'{"accepted"', cut=60),
        Reply(503),
    ],
)
def test_what_is_no_receipt_is_sent_again_later(peer, queue, relay, clock, reply):
    queue(2)
    peer.script.append(reply)

    assert relay().retried == 2
    assert relay().problems != []
    assert len(peer.deliveries) == 1

    clock.forward(seconds=7)
    assert relay().accepted == 2


@pytest.mark.parametrize("knows_deferred", [True, False])
@pytest.mark.parametrize("bad_count", [99, 100, 250])
def test_what_is_deferred_holds_nobody_up(peer, queue, relay, clock, bad_count, knows_deferred):
    """Also where the service is one that answers a batch of nothing else with a 503."""
    bad = queue(bad_count)
    good = queue(40)

    def answer(request):
        accepted = [event_id for event_id in request.event_ids if event_id not in bad]
        if not accepted and not knows_deferred:
            return json_reply(503, {"code": "refused_full"}, Retry_After="600")
        deferred = [{"id": i, "code": "refused_full"} for i in request.event_ids if i in bad]
        named = {"deferred": deferred} if knows_deferred else {}
        return json_reply(202, {"accepted": accepted, "refused": [], **named})

    peer.script.extend([answer] * 20)
    report = relay()

    assert (report.accepted, report.retried, report.problems) == (40, bad_count, [])
    assert {row(event_id).state for event_id in good} == {OutboxState.DELIVERED}
    assert {row(event_id).state for event_id in bad} == {OutboxState.PENDING}


def test_what_is_deferred_is_sent_again_after_ten_minutes_and_then_ever_later(peer, queue, relay, clock):
    [event_id] = queue(1)
    waits = []
    for _ in range(6):
        peer.script.append(
            lambda request: json_reply(
                202, {"accepted": [], "refused": [], "deferred": [{"id": event_id, "code": "refused_full"}]}
            )
        )
        relay()
        assert (row(event_id).error_code, outbox.get_state().hold_until) == ("refused_full", None)
        waits.append(row(event_id).next_try_at - clock.now)
        clock.now = row(event_id).next_try_at

    for wait, minutes in zip(waits, (10, 30, 60, 120, 240, 480), strict=True):
        assert timedelta(minutes=minutes) - timedelta(seconds=1) < wait <= timedelta(minutes=minutes * 1.2)
    assert relay().accepted == 1


def test_retry_after_holds_everything_back_until_then(peer, queue, relay, clock):
    queue(150)
    peer.script.append(Reply(429, {"retry-after": "600"}))

    relay()
    clock.forward(seconds=590)
    queue(1)
    relay()
    assert len(peer.deliveries) == 1

    clock.forward(seconds=11)
    assert relay().accepted == 151


def test_failures_in_a_row_wait_longer_and_success_forgets_them(peer, queue, relay, clock):
    queue(1)
    waits = []
    for _ in range(4):
        peer.script.append(Reply(500))
        relay()
        hold = outbox.get_state().hold_until
        waits.append(hold - clock.now)
        clock.now = hold

    assert waits == sorted(waits)
    assert waits[-1] > timedelta(minutes=9)
    assert relay().accepted == 1
    state = outbox.get_state()
    assert (state.failure_count, state.hold_until, state.last_error) == (0, None, "")


def test_after_three_days_an_event_becomes_a_dead_letter_and_can_be_resent(peer, queue, relay, clock):
    [event_id] = queue(1)
    tries = 0
    while row(event_id).state == OutboxState.PENDING:
        peer.script.append(Reply(500))
        relay()
        tries += 1
        clock.now = outbox.get_state().hold_until
        assert tries < 50

    assert (row(event_id).error_code, row(event_id).attempt_count) == ("gave_up", tries)
    assert row(event_id).first_tried_at + timedelta(days=3) <= clock.now

    assert outbox.resend(now=clock()) == 1
    assert relay().accepted == 1
    assert row(event_id).state == OutboxState.DELIVERED


def test_gone_stops_the_relay_until_somebody_resends(peer, queue, relay, clock):
    queue(120)
    peer.script.append(Reply(410))

    relay()
    clock.forward(days=30)
    report = relay()

    assert len(peer.deliveries) == 1
    assert "410" in report.problems[0]
    assert set(states()) == {OutboxState.PENDING}

    outbox.resend(now=clock())
    assert relay().accepted == 120


def test_stopping_finishes_the_batch_in_hand_and_begins_no_other(peer, queue, relay):
    queue(250)
    stop = []

    def first(request):
        stop.append(True)
        return accept_all(request)

    peer.script.append(first)

    report = relay(is_stopping=lambda: bool(stop))

    assert report.accepted == 100
    assert states().count(OutboxState.DELIVERED) == 100
    assert OutboxEvent.objects.exclude(lease_key="").count() == 0


def test_a_relay_killed_while_sending_leaves_rows_that_come_free_after_the_lease(peer, queue, relay, clock):
    queue(3)
    outbox.get_state()
    outbox.number_rows()
    assert len(outbox.lease_batch(clock())) == 3

    assert relay().accepted == 0
    clock.forward(minutes=3)

    assert relay().accepted == 3


def test_a_late_relay_neither_takes_back_nor_delays_what_another_delivered(peer, queue, relay, clock):
    [event_id] = queue(1)
    outbox.get_state()
    outbox.number_rows()
    stalled = outbox.lease_batch(clock())
    clock.forward(minutes=3)
    relay()

    outbox.settle(
        stalled,
        {event_id: Verdict("retry", "timeout")},
        hold_until=None,
        now=clock(),
        chance=random.Random(1),
    )

    assert (row(event_id).state, row(event_id).error_code) == (OutboxState.DELIVERED, "")


def test_positions_are_gap_free_and_follow_the_commits(peer, queue, relay):
    queue(3)
    relay()
    queue(2)
    relay()

    assert list(OutboxEvent.objects.order_by("position").values_list("position", flat=True)) == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert RelayState.objects.get().last_position == 5


def test_a_part_that_fails_is_told_and_does_not_keep_the_others_from_running(peer, queue, relay):
    queue(1)
    peer.states.append({"position": 1, "learner_uuid": "no uuid", "changed_at": "2026-03-02T14:00:00Z"})

    report = relay()

    assert report.accepted == 1
    assert report.problems == ["states: StatesError"]
    assert outbox.get_state().last_pass_at is not None
