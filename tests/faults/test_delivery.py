"""Every event arrives once in effect, whatever dies on the way."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.world import LearnerSession, World
from lxml import etree

from integra_grading.items import solve
from integra_grading.olx import read_item

LEARNERS = 40 if os.environ.get("INTEGRA_LONG") else 10
pytestmark = pytest.mark.fault


def usage(block_type: str, url_name: str) -> str:
    return f"integra.{block_type}.{url_name}.d0.u0"


def read_practice(build: Path, url_name: str) -> list[tuple[str, dict[str, object]]]:
    """Return (item, right response) of a practice, from the compiled course."""
    for path in (build / "olx").rglob("*.xml"):
        for block in etree.parse(str(path)).iter("integra_practice"):
            if block.get("url_name") == url_name:
                return [(str(item.get("key")), solve(read_item(item))) for item in block.iter("item")]
    raise AssertionError(url_name)


def make_learners(world: World, count: int) -> list[LearnerSession]:
    people = [
        {
            "role": "learner",
            "username": f"aprendiz-{number}",
            "password": f"clave-larga-{number}",
            "name": f"Aprendiz {number}",
            "city": "ciudad-a",
            "cohort": "cohorte-a",
            "route": "training",
        }
        for number in range(count)
    ]
    accounts = world.places.home / "learners.json"
    accounts.write_text(json.dumps(people), encoding="utf-8")
    world.manage("integra_aula", "integra_aula_demo", str(accounts))
    return [LearnerSession(world, person["username"], person["password"]) for person in people]


def finish_unit(world: World, learner: LearnerSession, unit: str) -> None:
    """Read the lesson and answer the practice; every call is made twice, as a phone does that heard no answer."""
    steps: list[tuple[str, str, dict[str, object]]] = [
        (usage("integra_lesson", f"{unit}-leccion"), "finish", {"uuid": str(uuid.uuid4())})
    ]
    for item_key, response in read_practice(world.places.build, f"{unit}-practica"):
        body = {"uuid": str(uuid.uuid4()), "item_key": item_key, "response": response}
        steps.append((usage("integra_practice", f"{unit}-practica"), "answer", body))
    for place, handler, body in steps:
        first, again = learner.call(place, handler, body), learner.call(place, handler, body)
        assert (first.status_code, again.status_code) == (200, 200), (first.text, again.text)


def fingerprints_sent(world: World) -> dict[str, tuple[int, int]]:
    """Return count and XOR of the digests of event ids per learner, from the gradebook's journal.

    A count alone would not see one lost and one doubled.
    """
    rows = query(
        world.places.home / "aula.sqlite3",
        "SELECT p.learner_uuid, e.event_id, e.sequence FROM integra_gradebook_learnerevent e "
        "JOIN integra_gradebook_learnerpseudonym p ON p.id = e.learner_id",
    )
    return fingerprints(rows)


def fingerprints_applied(world: World) -> dict[str, tuple[int, int]]:
    rows = query(
        world.places.home / "service.sqlite3",
        "SELECT learner_uuid, event_id, sequence FROM records_inboxevent WHERE state = 'applied'",
    )
    return fingerprints(rows)


def query(database: Path, sql: str) -> list[tuple[str, str, int]]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def fingerprints(rows: list[tuple[str, str, int]]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for learner, event_id, sequence in rows:
        mark = int.from_bytes(hashlib.sha256(f"{event_id.replace('-', '')}/{sequence}".encode()).digest())
        count, xor = found[re.sub("-", "", learner)]
        found[re.sub("-", "", learner)] = (count + 1, xor ^ mark)
    return dict(found)


def sequences_applied(world: World) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    rows = query(
        world.places.home / "service.sqlite3",
        "SELECT learner_uuid, event_id, sequence FROM records_inboxevent",
    )
    for learner, _event_id, sequence in rows:
        found[learner].append(sequence)
    return {learner: sorted(numbers) for learner, numbers in found.items()}


def wait_until(is_so: Callable[[], bool], seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"it did not come about within {seconds} s"
        time.sleep(0.1)


def test_events_arrive_once_though_the_service_is_stopped_and_killed(world: World) -> None:
    world.start_classroom()
    learners = make_learners(world, LEARNERS)
    for learner in learners:
        finish_unit(world, learner, "m04-u03")
    world.manage("integra_aula", "integra_relay", "--once")  # the service is not there at all

    deliveries = world.places.home / "deliveries"
    deliveries.touch()
    world.start_service("killing_service", FAULT_DELIVERIES=str(deliveries))
    world.start_relay()
    for learner in learners:  # killed after the commit, in a fifth of the deliveries
        before = deliveries.stat().st_size
        finish_unit(world, learner, "m06-u03")
        wait_until(lambda before=before: deliveries.stat().st_size > before, 60)
    world.stop("service")
    world.start_service()
    wait_until(lambda: fingerprints_applied(world) == fingerprints_sent(world), 120)

    sent = fingerprints_sent(world)
    assert len(sent) >= LEARNERS
    assert fingerprints_applied(world) == sent
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences_applied(world).values())
    assert (
        query(world.places.home / "service.sqlite3", "SELECT code, event_id, count FROM records_refusedevent")
        == []
    )
    # The first delivery and every fifth after it were killed: with fewer the test would prove nothing.
    assert deliveries.stat().st_size >= LEARNERS
