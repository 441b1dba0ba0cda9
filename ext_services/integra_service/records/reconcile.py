"""What should have arrived: reading a source's outbox and taking in what is not here.

No push path makes this unnecessary: it finds what was lost on the way, and what was changed.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from django.db import transaction

from integra_service.audit import services as audit
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.outgoing import OutgoingError, fetch
from integra_service.lib.strictjson import parse_json
from integra_service.lib.urls import origin_of
from integra_service.people.models import SecretKind, Source
from integra_service.people.sources import open_secrets
from integra_service.people.tokens import ALGORITHM, REQUEST_SECONDS

from .inbox import store_events
from .models import InboxEvent, ReconcileReport
from .tasks import request_apply

PATH = "/api/integra/v1/outbox"
MAX_PAGES = 10_000
MAX_NAMED = 50
MAX_ID_LENGTH = 64
# After so long, a comparison that nobody finished (its worker died and came never back) may be asked for again.
PENDING_AT_MOST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What reading one source's outbox brought."""

    read_count: int
    missing_count: int  # were not here; are now, unless refused
    different_count: int  # are here with another content; the first one stays
    refused_count: int
    different_ids: tuple[str, ...] = field(default=(), compare=False)  # the first of them


NOTHING = Comparison(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a source's outbox."""

    position: int
    event_id: str
    digest: str
    event: Any


def request_comparison(source: Source, *, actor: str, now: datetime, after: int = 0) -> ReconcileReport:
    """Return the report of a comparison to be made; one that was asked for and is not over yet is given back."""
    with transaction.atomic():
        # The source's row is the lock: two who ask at once get one comparison.
        Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source.pk)
        pending = source.reconcile_reports.filter(
            finished_at=None, after=after, requested_at__gt=now - PENDING_AT_MOST
        ).first()
        if pending is not None:
            return pending
        report = ReconcileReport.objects.create(
            source=source, requested_at=now, requested_by=actor, after=after
        )
        audit.record("reconcile.requested", actor=actor, subject=f"source:{source.key}", now=now)
    return report


def carry_out(report: ReconcileReport) -> ReconcileReport:
    """Make the comparison and store what it brought, also where it broke off; repeatable."""
    total, error = NOTHING, ""
    try:
        for found in compare_pages(report.source, report.after):
            total = add(total, found)
    except OutgoingError as failure:
        error = failure.code
    report.finished_at, report.error = utc_now(), error
    report.read_count, report.missing_count = total.read_count, total.missing_count
    report.different_count, report.refused_count = total.different_count, total.refused_count
    report.different_ids = json.dumps(total.different_ids)
    report.save()
    return report


def reconcile(source: Source, *, after: int = 0) -> Comparison:
    """Read everything after a position and store what is missing; repeatable."""
    total = NOTHING
    for found in compare_pages(source, after):
        total = add(total, found)
    return total


def compare_pages(source: Source, after: int) -> Iterator[Comparison]:
    """Yield what each page of the outbox brought; what was missing is stored and asked to be applied.

    Nothing is read from a source that is switched off (OutgoingError, ``source_inactive``).
    """
    if not source.is_active:
        raise OutgoingError("source_inactive", "The source is switched off.")
    for _ in range(MAX_PAGES):
        now = utc_now()  # tokens last a minute, a long outbox longer
        entries = fetch_page(source, after, now)
        if not entries:
            break
        found = compare(source, entries, now)
        if found.missing_count:
            request_apply()
        yield found
        if entries[-1].position <= after:
            raise OutgoingError("position_not_ascending", "The outbox repeats itself.")
        after = entries[-1].position


def compare(source: Source, entries: Sequence[Entry], now: datetime) -> Comparison:
    """Compare one page by id and digest, and store what is not here."""
    ids = [entry.event_id for entry in entries]
    known = dict(InboxEvent.objects.filter(source=source, event_id__in=ids).values_list("event_id", "digest"))
    missing = [entry.event for entry in entries if entry.event_id not in known]
    different = [e for e in entries if e.event_id in known and known[e.event_id] != e.digest]
    receipt = store_events(source, [*missing, *(e.event for e in different)], now)
    return Comparison(
        len(entries),
        len(missing),
        len(different),
        len(receipt.refused) + len(receipt.deferred),
        tuple(entry.event_id[:MAX_ID_LENGTH] for entry in different)[:MAX_NAMED],
    )


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
        (first.different_ids + second.different_ids)[:MAX_NAMED],
    )
