"""Many workers at once on a server database: SQLite would let one writer in after the other and hide the race."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import pytest
from django.db import connection

from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.credentials import services
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.keys import KeyCompromisedError
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    Issuer,
    KeyAlgorithm,
    KeyState,
    RevocationReason,
    SigningKey,
    StatusList,
)
from integra_service.credentials.signing import SelfVerificationError
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.people.models import Source

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="needs a server database"),
]

THREADS = 20
T = TypeVar("T")


def at_once(jobs: list[Callable[[], T]]) -> list[T]:
    """Run the jobs in as many threads, started together, each with a connection of its own."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        try:
            barrier.wait(timeout=20)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_twenty_workers_issue_one_credential(builders: Any, now: Any) -> None:
    identity = builders.store_learner()
    results = at_once([lambda: services.issue_due(identity, now)] * THREADS)
    (credential,) = Credential.objects.for_system()
    (document,) = CredentialDocument.objects.for_system()
    assert {tuple(c.pk for c in issued) for issued in results} == {(credential.pk,)}
    assert {c.state for issued in results for c in issued} == {"valid"}
    assert (Issuer.objects.count(), SigningKey.objects.count(), StatusList.objects.count()) == (1, 2, 1)
    result = verify_document(bytes(document.content), resolve_own(get_issuer()), now=now)
    assert result.outcome is Outcome.VALID
    assert sorted(AuditEntry.objects.values_list("action", flat=True)) == [
        "credential.intended",
        "credential.issued",
        "issuer.created",
    ]


def test_revoking_at_once_loses_no_bit(builders: Any, now: Any) -> None:
    credentials = [services.issue_due(builders.store_learner(), now)[0] for _ in range(THREADS)]
    revoked = credentials[::2]
    jobs = [lambda c=c: services.revoke(c, RevocationReason.MISUSE, "user:1", now) for c in revoked * 2]
    at_once(jobs)
    resolve = resolve_own(get_issuer())
    outcomes = {
        d.credential_id: verify_document(bytes(d.content), resolve, now=now).outcome
        for d in CredentialDocument.objects.for_system()
    }
    expected = {c.pk: Outcome.REVOKED if c in revoked else Outcome.VALID for c in credentials}
    assert outcomes == expected
    assert AuditEntry.objects.filter(action="credential.revoked").count() == len(revoked)
    assert check_chain().is_intact


def test_states_read_while_they_change_are_never_skipped(builders: Any, now: Any) -> None:
    """A reader that goes on from the last position it saw must see every change."""
    identities = [builders.store_learner() for _ in range(THREADS)]
    services.ensure_issuer(now)
    source = Source.objects.get()
    seen: dict[str, str] = {}

    def follow() -> None:
        after = 0
        while len(seen) < THREADS:
            for row in services.list_states(source, after, limit=3):
                seen[row.token] = row.state
                after = row.position

    at_once([follow, *(lambda i=i: services.issue_due(i, now) for i in identities)])
    assert len(seen) == THREADS
    positions = Credential.objects.for_system().order_by("state_position")
    assert list(positions.values_list("state_position", flat=True)) == list(range(1, THREADS + 1))


def test_twenty_starts_make_one_key(now: Any) -> None:
    services.ensure_issuer(now)
    SigningKey.objects.filter(algorithm=KeyAlgorithm.P256).delete()
    StatusList.objects.update(jwt="")
    at_once([lambda: services.complete_forms(services.ensure_issuer(now), now)] * THREADS)
    assert SigningKey.objects.filter(algorithm=KeyAlgorithm.P256).count() == 1
    assert StatusList.objects.get().jwt
    assert AuditEntry.objects.filter(action="key.created").count() == 1


def test_keys_change_while_credentials_are_issued_and_revoked(builders: Any, now: Any) -> None:
    """Nobody waits for ever, one key per algorithm is active, and what stands was signed by a key that counts."""
    revoked = [services.issue_due(builders.store_learner(), now)[0] for _ in range(4)]
    identities = [builders.store_learner() for _ in range(6)]
    issuer = get_issuer()
    stolen = list(SigningKey.objects.all())

    def issue(identity: Any) -> None:
        # The intent of one whose key is withdrawn on the way is completed below.
        with suppress(KeyCompromisedError, SelfVerificationError):
            services.issue_due(identity, now)

    at_once(
        [
            *(lambda c=c: services.revoke(c, RevocationReason.MISUSE, "user:1", now) for c in revoked),
            *(lambda i=i: issue(i) for i in identities),
            *(lambda a=a: services.rotate_key(issuer, a, now, "user:1") for a in list(KeyAlgorithm) * 2),
            *(lambda k=k: services.compromise_key(k, now, "user:1") for k in stolen * 2),
        ]
    )
    services.complete_intents(now)

    active = SigningKey.objects.filter(state=KeyState.ACTIVE)
    assert sorted(active.values_list("algorithm", flat=True)) == sorted(KeyAlgorithm)
    assert set(SigningKey.objects.filter(state=KeyState.COMPROMISED)) == set(stolen)
    status_list, resolve = StatusList.objects.get(), resolve_own(issuer)

    def resolve_jwt(address: str) -> bytes:
        return status_list.jwt.encode() if "/status/" in address else resolve(address)

    for document in CredentialDocument.objects.for_system().select_related("credential"):
        is_stolen = document.signing_key in stolen
        expected = Outcome.REVOKED if document.credential in revoked else Outcome.VALID
        for list_form in (resolve, resolve_jwt):
            outcome = verify_document(bytes(document.content), list_form, now=now).outcome
            assert outcome is (Outcome.REFUSED if is_stolen else expected)
    assert check_chain().is_intact
