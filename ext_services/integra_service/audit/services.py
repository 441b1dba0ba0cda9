"""Writing to and checking the audit chain."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F, Subquery, Value
from django.db.models.functions import Coalesce

from integra_service.lib.errors import ServiceError

from .models import AuditEntry, AuditHead

GENESIS = "0" * 64

AuditValue = str | int | bool | None | list[str]

SYSTEM = "system"  # the actor where no person acted, or one at the machine's own prompt


class NotInTransactionError(ServiceError):
    """An entry must be stored together with the act it tells of."""

    def __init__(self) -> None:
        super().__init__("not_in_transaction", "Audit entries are written inside the act's transaction.")


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """Result of reading the whole chain."""

    is_intact: bool
    entries_count: int
    broken_at: int | None  # sequence of the first entry that does not fit


def record(
    action: str, *, actor: str, subject: str, now: datetime, data: Mapping[str, AuditValue] | None = None
) -> AuditEntry:
    """Append one entry inside the caller's transaction. Call it last: it takes the chain's lock."""
    if not connection.in_atomic_block:
        raise NotInTransactionError
    head = advance_head()
    text = json.dumps(dict(data or {}), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    entry = AuditEntry(
        sequence=head.sequence,
        at=now,
        actor=actor,
        action=action,
        subject=subject,
        data=text,
        previous_hash=head.hash,
    )
    entry.hash = calculate_hash(entry)
    entry.save(force_insert=True)
    AuditHead.objects.filter(pk=1).update(hash=entry.hash)
    return entry


def advance_head() -> AuditHead:
    """Lock the chain by moving its head on; the first entry of all makes the row."""
    moved = AuditHead.objects.filter(pk=1).update(sequence=F("sequence") + 1)
    if not moved:
        AuditHead.objects.bulk_create([AuditHead(pk=1)], ignore_conflicts=True)
        AuditHead.objects.filter(pk=1).update(sequence=F("sequence") + 1)
    return AuditHead.objects.get(pk=1)


def calculate_hash(entry: AuditEntry) -> str:
    parts = [
        entry.previous_hash,
        str(entry.sequence),
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        entry.data,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def list_entries(subjects: Collection[str]) -> tuple[AuditEntry, ...]:
    """Return what was done to one of these subjects, in order."""
    return tuple(AuditEntry.objects.filter(subject__in=subjects).order_by("sequence"))


def get_head() -> tuple[int, str]:
    """Return sequence and hash of the last entry, to be published where this database cannot be changed."""
    head = AuditHead.objects.filter(pk=1).first()
    return (0, GENESIS) if head is None else (head.sequence, head.hash)


def is_head_missing() -> bool:
    """Return whether the head does not name the last entry; a look at two rows, not at the chain."""
    last = AuditEntry.objects.order_by("-sequence").values("hash")[:1]
    # In one statement: between two, an entry and its head may be written.
    head = AuditHead.objects.filter(pk=1).annotate(last=Coalesce(Subquery(last), Value(GENESIS))).first()
    if head is None:
        return AuditEntry.objects.exists() and not AuditHead.objects.exists()
    return bool(head.hash != head.last)


def check_chain(published: tuple[int, str] | None = None) -> ChainCheck:
    """Read every entry in order; ``published`` is a head kept elsewhere, which finds a removed tail."""
    previous, expected = GENESIS, 0
    for entry in AuditEntry.objects.order_by("sequence").iterator():
        expected += 1
        is_next = entry.sequence == expected and entry.previous_hash == previous
        if not is_next or calculate_hash(entry) != entry.hash:
            return ChainCheck(False, expected - 1, expected)
        if published is not None and published[0] == expected and published[1] != entry.hash:
            return ChainCheck(False, expected - 1, expected)
        previous = entry.hash
    if get_head() != (expected, previous) or (published is not None and published[0] > expected):
        return ChainCheck(False, expected, expected + 1)
    return ChainCheck(True, expected, None)
