"""What should have arrived: reading a source's outbox and taking in what is not here.

No push path makes this unnecessary: it finds what was lost on the way, and what was changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.outgoing import OutgoingError, fetch
from integra_service.lib.strictjson import parse_json
from integra_service.lib.urls import origin_of
from integra_service.people.models import SecretKind, Source
from integra_service.people.sources import open_secrets
from integra_service.people.tokens import ALGORITHM, REQUEST_SECONDS

from .inbox import store_events
from .models import InboxEvent
from .tasks import request_apply

PATH = "/api/integra/v1/outbox"
MAX_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """What reading one source's outbox brought."""

    read_count: int
    missing_count: int  # were not here; are now, unless refused
    different_count: int  # are here with another content; the first one stays
    refused_count: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a source's outbox."""

    position: int
    event_id: str
    digest: str
    event: Any


def reconcile(source: Source, *, after: int = 0) -> Comparison:
    """Read everything after a position and store what is missing; repeatable."""
    total = Comparison(0, 0, 0, 0)
    for _ in range(MAX_PAGES):
        now = utc_now()  # tokens last a minute, a long outbox longer
        entries = fetch_page(source, after, now)
        if not entries:
            break
        total = add(total, compare(source, entries, now))
        if entries[-1].position <= after:
            raise OutgoingError("position_not_ascending", "The outbox repeats itself.")
        after = entries[-1].position
    if total.missing_count:
        request_apply()
    return total


def compare(source: Source, entries: Sequence[Entry], now: datetime) -> Comparison:
    """Compare one page by id and digest, and store what is not here."""
    ids = [entry.event_id for entry in entries]
    known = dict(InboxEvent.objects.filter(source=source, event_id__in=ids).values_list("event_id", "digest"))
    missing = [entry.event for entry in entries if entry.event_id not in known]
    different = [e.event for e in entries if e.event_id in known and known[e.event_id] != e.digest]
    receipt = store_events(source, [*missing, *different], now)
    return Comparison(len(entries), len(missing), len(different), len(receipt.refused))


def fetch_page(source: Source, after: int, now: datetime) -> list[Entry]:
    url = f"{source.url}{PATH}?after={after}"
    answer = fetch(url, {"Authorization": f"Bearer {make_token(source, now)}"})
    if answer.status != 200:
        raise OutgoingError("bad_answer", f"The source answered {answer.status}.")
    try:
        parsed = parse_json(answer.body)
    except RequestError as error:
        raise OutgoingError("bad_answer", error.message) from error
    rows = parsed.get("events") if isinstance(parsed, dict) else None
    if not isinstance(rows, list):
        raise OutgoingError("bad_answer", "The outbox is an object with a list of events.")
    return [read_entry(row) for row in rows]


def read_entry(row: Any) -> Entry:
    if not isinstance(row, dict):
        raise OutgoingError("bad_answer", "An entry of the outbox is an object.")
    position, event_id, digest = row.get("position"), row.get("id"), row.get("digest")
    if isinstance(position, bool) or not isinstance(position, int):
        raise OutgoingError("bad_answer", "The position of an entry is an integer.")
    if not isinstance(event_id, str) or not isinstance(digest, str):
        raise OutgoingError("bad_answer", "An entry of the outbox has id and digest.")
    return Entry(position, event_id, digest, row.get("event"))


def make_token(source: Source, now: datetime) -> str:
    """Return a bearer token for this one request, made with the third secret."""
    secrets = open_secrets(source, SecretKind.PULL)
    if not secrets:
        raise OutgoingError("no_secret", "The source has no pull secret.")
    issued_at = int(now.timestamp())
    claims = {
        "iss": source.key,
        "aud": origin_of(source.url),
        "method": "GET",
        "path": PATH,
        "iat": issued_at,
        "exp": issued_at + REQUEST_SECONDS,
    }
    return jwt.encode(claims, secrets[0], algorithm=ALGORITHM)


def add(first: Comparison, second: Comparison) -> Comparison:
    return Comparison(
        first.read_count + second.read_count,
        first.missing_count + second.missing_count,
        first.different_count + second.different_count,
        first.refused_count + second.refused_count,
    )
