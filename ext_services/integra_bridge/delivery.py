"""Posts a batch of events and says what became of each. Knows nothing of the database."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from integra_bridge import http
from integra_bridge.conf import BridgeSettings
from integra_bridge.signing import name_delivery, sign_body

EVENTS_PATH = "/api/v1/events"
SINGLE_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"

# Waits after the first, second, … failure; after the last one the same again, until three days have passed.
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800))
GIVE_UP_AFTER = timedelta(days=3)
# So many steps a deferred event skips: it waits ten minutes first, since a person has to make room for it.
DEFERRED_SKIPS = 3
_JITTER = 0.2

# The body itself is at fault: sending the same again cannot help, sending its parts can.
_BODY_AT_FAULT = frozenset({400, 409, 413, 415, 422})
_GONE = 410
# The service refuses each of these events and has no room left to keep what it refuses: the others may go on.
REFUSED_FULL = "refused_full"


class Sendable(Protocol):
    """What delivery needs of an outbox row."""

    @property
    def event_id(self) -> str: ...

    @property
    def body(self) -> bytes | memoryview: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one event."""

    outcome: str  # "accepted", "refused", "deferred" (not now, whatever becomes of others) or "retry"
    code: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one try achieved.

    ``is_whole_failure`` means that the service cannot take anything at the moment: nobody should try
    other events now. ``wait`` is how long the service asked to be left alone.
    """

    verdicts: Mapping[str, Verdict]
    is_whole_failure: bool = False
    is_gone: bool = False
    code: str = ""
    wait: timedelta | None = None


def backoff(failure_count: int, chance: random.Random) -> timedelta:
    """Return the wait after so many failures, with up to a fifth added so that senders do not meet."""
    wait = BACKOFF[min(max(failure_count, 1), len(BACKOFF)) - 1]
    return wait * (1 + _JITTER * chance.random())


def deliver(events: Sequence[Sendable], settings: BridgeSettings, now: datetime) -> Delivered:
    """Post ``events`` as one body; where the body is at fault, halve it until the one event is found.

    An event counts as accepted only if the JSON receipt of a 2xx answer names it: portals of public
    networks answer 200 to everything, and an answer cut in its headers still reads as 202.
    """
    try:
        answer = _post(events, settings, now)
    except http.UnreachableError as error:
        return _whole_failure(events, error.code)
    if answer.status == _GONE:
        return Delivered(
            _all(events, Verdict("retry", "gone")), is_whole_failure=True, is_gone=True, code="gone"
        )
    if 200 <= answer.status < 300:
        return _read_receipt(events, answer)
    if answer.status in _BODY_AT_FAULT:
        if len(events) == 1:
            code = _refusal_code(answer)
            return Delivered({events[0].event_id: Verdict("refused", code)}, code=code)
        return _deliver_halves(events, settings, now)
    if _read_code(answer) == REFUSED_FULL:
        return Delivered(_all(events, Verdict("deferred", REFUSED_FULL)), code=REFUSED_FULL)
    return _whole_failure(events, f"http_{answer.status}", answer.retry_after(now))


def join(bodies: Sequence[bytes]) -> bytes:
    """Return the body of a delivery: one event as it is, several as a JSON array of unchanged bytes."""
    return bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"


def _post(events: Sequence[Sendable], settings: BridgeSettings, now: datetime) -> http.Answer:
    body = join([bytes(event.body) for event in events])
    delivery_id = name_delivery(event.event_id for event in events)
    timestamp = int(now.timestamp())
    return http.send(
        "POST",
        settings.service_url + EVENTS_PATH,
        body=body,
        headers={
            "content-type": SINGLE_TYPE if len(events) == 1 else BATCH_TYPE,
            "accept": "application/json",
            "integra-source": settings.source,
            "webhook-id": delivery_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign_body(settings.webhook_secret, delivery_id, timestamp, body),
        },
        uses_proxies=not settings.is_demo,
    )


def _read_receipt(events: Sequence[Sendable], answer: http.Answer) -> Delivered:
    receipt = answer.json()
    if not isinstance(receipt, dict):
        return _whole_failure(events, "receipt_missing")
    accepted = receipt.get("accepted")
    named = {i for i in accepted if isinstance(i, str)} if isinstance(accepted, list) else set()
    refused = _read_reasons(receipt, "refused")
    deferred = _read_reasons(receipt, "deferred")
    verdicts = {}
    for event in events:
        if event.event_id in named:
            verdicts[event.event_id] = Verdict("accepted")
        elif event.event_id in refused:
            verdicts[event.event_id] = Verdict("refused", refused[event.event_id])
        elif event.event_id in deferred:
            verdicts[event.event_id] = Verdict("deferred", deferred[event.event_id])
        else:
            verdicts[event.event_id] = Verdict("retry", "receipt_missing")
    is_silent = all(verdict.outcome == "retry" for verdict in verdicts.values())
    return Delivered(verdicts, is_whole_failure=is_silent, code="receipt_missing" if is_silent else "")


def _read_reasons(receipt: Mapping[str, object], name: str) -> dict[str, str]:
    """Return the code by id of one of the receipt's lists; a service that does not know the list has none."""
    rows = receipt.get(name)
    return {
        row["id"]: str(row.get("code", name))[:64]
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("id"), str)
    }


def _deliver_halves(events: Sequence[Sendable], settings: BridgeSettings, now: datetime) -> Delivered:
    middle = len(events) // 2
    first = deliver(events[:middle], settings, now)
    if first.is_whole_failure:
        rest = _all(events[middle:], Verdict("retry", first.code))
        return Delivered({**first.verdicts, **rest}, True, first.is_gone, first.code, first.wait)
    second = deliver(events[middle:], settings, now)
    verdicts = {**first.verdicts, **second.verdicts}
    return Delivered(verdicts, second.is_whole_failure, second.is_gone, second.code, second.wait)


def _refusal_code(answer: http.Answer) -> str:
    return _read_code(answer)[:64] or f"http_{answer.status}"


def _read_code(answer: http.Answer) -> str:
    problem = answer.json()
    code = problem.get("code") if isinstance(problem, dict) else None
    return code if isinstance(code, str) else ""


def _whole_failure(events: Sequence[Sendable], code: str, wait: timedelta | None = None) -> Delivered:
    return Delivered(_all(events, Verdict("retry", code)), is_whole_failure=True, code=code, wait=wait)


def _all(events: Sequence[Sendable], verdict: Verdict) -> dict[str, Verdict]:
    return {event.event_id: verdict for event in events}
