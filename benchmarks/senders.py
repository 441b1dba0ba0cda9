"""What the senders do: signed deliveries made beforehand, posted over connections that stay open.

The senders share the machine with what they measure, so the request is ready as bytes before the clock runs and the
answer is read with as little work as it takes to know that every event was accepted.
"""

from __future__ import annotations

import http.client
import itertools
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from benchmarks.service_process import Service, demo, demo_cohort
from integra_bridge.signing import name_delivery, sign_body
from integra_grading import events
from integra_grading.canonical import canonical_json
from integra_grading.manifest import Manifest

PATH = "/api/v1/events"


@dataclass(frozen=True)
class Delivery:
    """A request ready to be sent."""

    body: bytes
    headers: dict[str, str]
    count: int


@dataclass(frozen=True)
class Load:
    """What a phase took: milliseconds of each request, and events sent in so many seconds."""

    spent: list[float]
    sent: int
    seconds: float


def make_events(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield everything that ever new learners do from enrolment to the end of the course, learner by learner."""
    while True:
        learner = uuid.uuid4()
        story = demo_cohort.Story(manifest, demo.COURSE_KEY, "ciudad-a", "cohorte-a", str(learner))
        began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        for sequence, data in enumerate(story.tell("graduate"), start=1):
            at = began + timedelta(minutes=sequence)
            event = events.Event(
                id=str(uuid.uuid4()), learner_uuid=learner, sequence=sequence, time=at, data=data
            )
            yield events.to_cloudevent(event, source=demo.SOURCE)


def make_queue(service: Service, size: int, count: int) -> list[Delivery]:
    """Return signed deliveries of ``size`` events; a learner's events come from one sender, in their order."""
    source = make_events(service.manifest)
    return [sign(service, list(itertools.islice(source, size))) for _ in range(count)]


def sign(service: Service, chosen: Sequence[dict[str, Any]]) -> Delivery:
    is_single = len(chosen) == 1
    body = canonical_json(chosen[0] if is_single else list(chosen))
    delivery, now = name_delivery(event["id"] for event in chosen), int(time.time())
    headers = {
        "Content-Type": f"application/cloudevents{'' if is_single else '-batch'}+json",
        "integra-source": demo.SOURCE,
        "webhook-id": delivery,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_body(service.secret, delivery, now, body),
    }
    return Delivery(body, headers, len(chosen))


def send_queues(service: Service, queues: Sequence[Sequence[Delivery]], seconds: float) -> Load:
    """Send the queues side by side until they are empty or the time is over."""
    deadline = time.monotonic() + seconds
    begin = time.perf_counter()
    with ThreadPoolExecutor(len(queues)) as pool:
        answers = list(pool.map(lambda queue: send_queue(service.places.service, queue, deadline), queues))
    took = time.perf_counter() - begin
    spent = [milliseconds for answer in answers for milliseconds, _count in answer]
    return Load(spent, sum(count for answer in answers for _milliseconds, count in answer), took)


def send_queue(url: str, queue: Sequence[Delivery], deadline: float) -> list[tuple[float, int]]:
    """Send one after the other; return milliseconds and events of each. Insists that each event was accepted."""
    spent = []
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    for delivery in queue:
        if time.monotonic() > deadline:
            break
        begin = time.perf_counter()
        connection.request("POST", PATH, delivery.body, delivery.headers)
        answer = connection.getresponse()
        body = answer.read()
        spent.append(((time.perf_counter() - begin) * 1000, delivery.count))
        if answer.status != 202 or len(json.loads(body)["accepted"]) != delivery.count:
            raise SystemExit(f"Not accepted: {answer.status} {body[:500]!r}")
    connection.close()
    return spent
