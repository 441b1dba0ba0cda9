"""The relay against a service under pressure: it waits as long as it is asked to, and nothing is lost or doubled."""

from __future__ import annotations

import json
import re
import sqlite3
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from faults.test_delivery import (
    fingerprints_applied,
    fingerprints_sent,
    finish_unit,
    make_learners,
    query,
    wait_until,
)
from faults.world import World

pytestmark = pytest.mark.fault
EVENTS_PER_MINUTE = 6
REFUSED_MAX = 3


def count_refusals(world: World) -> int:
    log = (world.places.home / "service.log").read_text(encoding="utf-8", errors="replace")
    return len(re.findall("web:events answered 429", log))


def count_sent(world: World) -> int:
    return sum(count for count, _ in fingerprints_sent(world).values())


def test_the_relay_waits_as_long_as_it_is_asked_to(world: World) -> None:
    world.start_classroom()
    world.start_service()
    first, second = make_learners(world, 2)
    world.start_relay()
    # What the demonstration's own learners did is hundreds of events: they are not what is measured.
    wait_until(lambda: fingerprints_applied(world) == fingerprints_sent(world), 180)
    for name in ("relay", "service"):
        world.stop(name)
    before = count_sent(world)
    world.start_service(INTEGRA_SOURCE_EVENTS_PER_MINUTE=str(EVENTS_PER_MINUTE))
    for unit in ("m04-u03", "m06-u03"):
        finish_unit(world, first, unit)
    assert count_sent(world) - before >= EVENTS_PER_MINUTE
    world.start_relay()
    wait_until(lambda: fingerprints_applied(world) == fingerprints_sent(world), 180)
    assert count_refusals(world) == 0  # one delivery larger than a minute's worth passes

    finish_unit(world, second, "m04-u03")  # its minute is used up
    wait_until(lambda: count_refusals(world) >= 1, 180)
    refused_at = time.monotonic()
    assert fingerprints_applied(world) != fingerprints_sent(world)
    wait_until(lambda: fingerprints_applied(world) == fingerprints_sent(world), 240)

    # An event is ten seconds' worth. What was added while it waited may be refused once more; a relay that came back
    # by its own schedule, every few seconds, would be refused again and again.
    assert time.monotonic() - refused_at > 5
    assert count_refusals(world) <= 3


def queue_bad_events(world: World, count: int) -> None:
    """Put events into the outbox that no service of ours would take."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
    rows = []
    for _ in range(count):
        event_id = str(uuid.uuid4())
        rows.append((event_id, json.dumps({"id": event_id}).encode(), now, now))
    connection = sqlite3.connect(world.places.home / "aula.sqlite3", timeout=30)
    try:
        with connection:
            connection.executemany(
                "INSERT INTO integra_bridge_outboxevent (event_id, learner_uuid, event_type, body, digest, created_at, "
                "next_try_at, state, attempt_count, lease_key, error_code) "
                "VALUES (?, '', '', ?, '', ?, ?, 'pending', 0, '', '')",
                rows,
            )
    finally:
        connection.close()


def test_events_that_find_no_room_among_the_refused_hold_nobody_up(world: World) -> None:
    world.start_classroom()
    [learner] = make_learners(world, 1)
    world.start_service(INTEGRA_REFUSED_MAX_PER_SOURCE=str(REFUSED_MAX))
    world.manage(
        "integra_aula", "integra_relay", "--once"
    )  # of the demonstration's own learners nothing is left
    queue_bad_events(world, 250)  # two deliveries of nothing else, and half a third
    finish_unit(world, learner, "m04-u03")
    assert fingerprints_applied(world) != fingerprints_sent(world)

    world.start_relay()
    wait_until(lambda: fingerprints_applied(world) == fingerprints_sent(world), 60)

    classroom, service = world.places.home / "aula.sqlite3", world.places.home / "service.sqlite3"
    rows = query(
        classroom,
        "SELECT state, error_code, next_try_at FROM integra_bridge_outboxevent WHERE event_type = ''",
    )
    settled = [(state, code) for state, code, _next_try_at in rows]
    assert settled.count(("dead", "unknown_type")) == REFUSED_MAX
    assert settled.count(("pending", "refused_full")) == 250 - REFUSED_MAX
    # None of them comes back for as long as nobody can have looked.
    soonest = min(str(next_try_at) for state, _code, next_try_at in rows if state == "pending")
    assert datetime.fromisoformat(soonest).replace(tzinfo=UTC) > datetime.now(UTC) + timedelta(minutes=8)
    assert query(service, "SELECT COUNT(*) FROM records_refusedevent") == [(REFUSED_MAX,)]
