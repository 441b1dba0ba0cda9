"""When a source is no longer believed: what rests on it is suspended and nothing new is issued, until it is lifted."""

import json
from collections.abc import Iterator
from datetime import datetime

from django.db import IntegrityError, transaction

from integra_service.audit import services as audit
from integra_service.lib.errors import RequestError
from integra_service.people.models import Source
from integra_service.records.models import InboxEvent

from .life import reinstate, suspend
from .locks import lock_credential, lock_source
from .models import Credential, CredentialDocument, CredentialState, SourceDistrust, SuspensionReason

PAGE = 200
_HELD = {"state": CredentialState.SUSPENDED, "reason": SuspensionReason.SOURCE_DISTRUSTED}


def is_distrusted(source_id: int) -> bool:
    return SourceDistrust.objects.filter(source=source_id, lifted_at=None).exists()


def distrust_source(source: Source, since: datetime, *, by: str, now: datetime) -> tuple[Credential, ...]:
    """Suspend and return every credential that rests on something ``source`` sent since then; repeatable.

    From the row's commit on nothing is issued over this source's events; then what was issued is suspended. Called
    again with the same moment it goes on where it stopped.
    """
    _declare(source, since, by, now)
    resting = tuple(_list_resting(source, since))
    for credential in resting:
        if credential.state == CredentialState.VALID:
            suspend(credential, SuspensionReason.SOURCE_DISTRUSTED, by, now)
    return resting


def lift_distrust(source: Source, *, by: str, now: datetime) -> int:
    """Let what was suspended for this source count again; return how many. Called again it goes on where it stopped."""
    _lift(source, by, now)
    suspended = Credential.objects.for_system().filter(
        documents__source=source, documents__replaced_at=None, **_HELD
    )
    return sum(
        _reinstate(pk, source, by, now) for pk in list(suspended.order_by("pk").values_list("pk", flat=True))
    )


@transaction.atomic
def _lift(source: Source, by: str, now: datetime) -> None:
    open_rows = SourceDistrust.objects.filter(source=source, lifted_at=None)
    if open_rows.update(lifted_at=now, lifted_by=by):
        audit.record("source.trusted_again", actor=by, subject=f"source:{source.key}", now=now)
    elif not Credential.objects.for_system().filter(documents__source=source, **_HELD).exists():
        raise RequestError("not_distrusted", f"Source {source.key} is not distrusted.", status=409)


@transaction.atomic
def _reinstate(pk: int, source: Source, by: str, now: datetime) -> bool:
    """Let one count again, unless somebody did something else to it meanwhile, or distrusts the source anew."""
    held = lock_credential(pk)
    lock_source(source.pk)
    is_held = {"state": held.state, "reason": held.reason} == _HELD
    if not is_held or is_distrusted(source.pk):
        return False
    reinstate(held, by, now)
    return True


def _declare(source: Source, since: datetime, by: str, now: datetime) -> None:
    try:
        with transaction.atomic():
            lock_source(source.pk)
            SourceDistrust.objects.create(source=source, since=since, declared_by=by, declared_at=now)
            data = {"since": since.isoformat()}
            audit.record("source.distrusted", actor=by, subject=f"source:{source.key}", now=now, data=data)
    except IntegrityError as error:
        known = SourceDistrust.objects.filter(source=source, lifted_at=None).first()
        if known is None or known.since > since:
            raise RequestError(
                "distrusted_since_later",
                f"Source {source.key} is distrusted since a later moment: lift that first.",
                status=409,
            ) from error


def _list_resting(source: Source, since: datetime) -> Iterator[Credential]:
    """Yield the issued credentials of which some evidence arrived from ``source`` since then."""
    documents = (
        CredentialDocument.objects.for_system().filter(source=source, replaced_at=None).exclude(evidence="")
    )
    documents = documents.exclude(credential__state=CredentialState.INTENDED).select_related("credential")
    page: list[CredentialDocument] = []
    for document in documents.order_by("pk").iterator(chunk_size=PAGE):
        page.append(document)
        if len(page) == PAGE:
            yield from _judge_page(page, source, since)
            page = []
    yield from _judge_page(page, source, since)


def _judge_page(page: list[CredentialDocument], source: Source, since: datetime) -> Iterator[Credential]:
    event_ids = {document.pk: list_event_ids(document.evidence) for document in page}
    wanted = {event_id for ids in event_ids.values() for event_id in ids}
    fresh = InboxEvent.objects.filter(source=source, event_id__in=wanted, received_at__gte=since)
    arrived = set(fresh.values_list("event_id", flat=True))
    for document in page:
        if arrived & event_ids[document.pk]:
            yield document.credential


def list_event_ids(evidence: str) -> set[str]:
    """Return the events a decision stood on."""
    facts = json.loads(evidence)
    return {fact["event_id"] for part in ("modules", "deliverables", "tests") for fact in facts[part]}
