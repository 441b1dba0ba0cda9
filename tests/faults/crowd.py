"""Invented learners by the thousand: their events, a classroom that sends them until it is told of each, and what
their records must say."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Empty, Queue
from typing import Any

import requests
from faults.world import demo, demo_cohort

from integra_bridge.signing import name_delivery, sign_body
from integra_grading import events
from integra_grading.canonical import canonical_json
from integra_grading.manifest import Manifest
from integra_grading.standing import ModuleState
from integra_service.records.fold import fold

MAX_BATCH = 100
PATIENCE_SECONDS = 0.2
BEGIN = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)
CITIES = (("ciudad-a", "cohorte-a"), ("ciudad-b", "cohorte-b"))

Wire = dict[str, Any]


def make_crowd(manifest: Manifest, seed: int, count: int) -> list[Wire]:
    """Return so many distinct events, whole learners one after the other; the last one may be cut short."""
    told: list[Wire] = []
    number = 0
    while len(told) < count:
        learner = uuid.uuid5(demo_cohort.NAMESPACE, f"crowd/{seed}/{number}")
        city_key, cohort_key = CITIES[number % 2]
        story = demo_cohort.Story(manifest, demo.COURSE_KEY, city_key, cohort_key, str(learner))
        for sequence, data in enumerate(live(story), start=1):
            event = events.Event(
                id=str(uuid.uuid5(learner, str(sequence))),
                learner_uuid=learner,
                sequence=sequence,
                time=BEGIN + timedelta(minutes=number % 10_000, hours=sequence),
                data=data,
            )
            told.append(events.to_cloudevent(event, source=demo.SOURCE))
        number += 1
    return told[:count]


def live(story: demo_cohort.Story) -> Iterator[events.EventData]:
    """Everything a graduate does, then things taken back, moved and done again."""
    yield from story.tell("graduate")
    common = story.common
    module = story.manifest.modules[0]
    yield events.AttemptVoided(**common, attempt_uuid=story.uuid("pre"), reason="state_deleted")
    yield dataclasses.replace(
        story.done(module), state=ModuleState.OPEN, route=None, reasons=("unit_missing",), minutes_trained=0
    )
    yield events.LearnerUnenrolled(**common, reason="unenrolled")
    yield events.LearnerMoved(
        **common, from_cohort_key=common["cohort_key"], to_cohort_key=common["cohort_key"]
    )
    yield story.done(module)


def cut_into_deliveries(told: Sequence[Wire], chance: random.Random) -> list[list[Wire]]:
    """Return the events with a tenth of them twice, in random order, in pieces of random size."""
    waiting = [*told, *chance.sample(told, len(told) // 10)]
    chance.shuffle(waiting)
    deliveries = []
    while waiting:
        size = chance.choice((1, chance.randint(2, MAX_BATCH), MAX_BATCH))
        deliveries.append(waiting[:size])
        waiting = waiting[size:]
    return deliveries


@dataclass
class Classroom:
    """Sends each event until a receipt names its id, from several connections at once."""

    service: str
    secret: bytes
    waiting: Queue[list[Wire]] = field(default_factory=Queue)
    named_count: int = 0
    broken_count: int = 0
    """Calls without a receipt: cut, refused, or answered that the database is away."""
    refusals: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, deliveries: Iterable[list[Wire]], senders: int) -> None:
        for delivery in deliveries:
            self.waiting.put(delivery)
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(senders)]
        for thread in self._threads:
            thread.start()

    @property
    def is_sending(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _send_all(self) -> None:
        with requests.Session() as session:
            while True:
                try:
                    delivery = self.waiting.get_nowait()
                except Empty:
                    return
                while delivery:
                    delivery = self._send(session, delivery)

    def _send(self, session: requests.Session, delivery: list[Wire]) -> list[Wire]:
        """Send once and return the events that no receipt has named yet."""
        try:
            answer = session.post(f"{self.service}/api/v1/events", timeout=60, **self._sign(delivery))
        except requests.RequestException:
            answer = None
        if answer is None or answer.status_code not in {202, 409}:
            with self._lock:
                self.broken_count += 1
            time.sleep(PATIENCE_SECONDS)
            return delivery
        receipt = answer.json()
        named = set(receipt["accepted"])
        with self._lock:
            self.refusals += receipt["refused"]
            self.named_count += sum(event["id"] in named for event in delivery)
        refused = {refusal["id"] for refusal in receipt["refused"]}
        return [event for event in delivery if event["id"] not in named | refused]

    def _sign(self, delivery: list[Wire]) -> dict[str, Any]:
        is_single = len(delivery) == 1
        body = canonical_json(delivery[0] if is_single else delivery)
        name, now = name_delivery(event["id"] for event in delivery), int(time.time())
        headers = {
            "content-type": f"application/cloudevents{'' if is_single else '-batch'}+json",
            "integra-source": demo.SOURCE,
            "webhook-id": name,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_body(self.secret, name, now, body),
        }
        return {"data": body, "headers": headers}


def expect_records(told: Iterable[Wire]) -> dict[str, Any]:
    """Return, by learner, what the record must say: the pure fold of what was sent, as JSON holds it."""
    by_learner: dict[uuid.UUID, list[events.Event]] = defaultdict(list)
    for raw in told:
        event = events.parse_event(raw).event
        by_learner[event.learner_uuid].append(event)
    return {
        str(learner): to_json(dataclasses.asdict(fold(learner, found, [event.sequence for event in found])))
        for learner, found in by_learner.items()
    }


def to_json(value: object) -> Any:
    def write(part: object) -> str:
        return part.isoformat() if isinstance(part, datetime) else str(part)

    return json.loads(json.dumps(value, default=write))


def fingerprints(rows: Iterable[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Return count and XOR of the digests of event ids, by learner: a count alone would not see one lost and one
    doubled."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for learner, event_id in rows:
        count, xor = found[learner]
        mark = int.from_bytes(hashlib.sha256(event_id.encode()).digest())
        found[learner] = (count + 1, xor ^ mark)
    return dict(found)
