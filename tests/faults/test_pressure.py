"""The relay against a service under pressure: it waits as long as it is asked to, and nothing is lost or doubled."""

from __future__ import annotations

import re
import time

import pytest
from faults.test_delivery import (
    fingerprints_applied,
    fingerprints_sent,
    finish_unit,
    make_learners,
    wait_until,
)
from faults.world import World

pytestmark = pytest.mark.fault
EVENTS_PER_MINUTE = 6


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
