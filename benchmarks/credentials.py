"""What signing, verifying and printing a certificate cost inside the service's process, if possible on PostgreSQL."""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import random
import secrets
import statistics
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import is_quick, measure, print_table

if TYPE_CHECKING:
    from integra_service.credentials.models import CredentialDocument

ROOT = Path(__file__).resolve().parent.parent
NAME = "María José Ñáñez Quishpe"
ISSUER = "http://localhost:8001"
COLUMNS = ("Certificate, in process", "CPU ms", "wall ms", "per second and core", "budget", "Reference ms")
SIGN = "sign (eddsa-rdfc-2022)"
VERIFY = "verify, with form, key and status"
ISSUE = "sign in three forms, form check, self-verify, store"
# Per second and core, where the issue names one; the page's is in milliseconds.
BUDGET = {SIGN: "250 / s", ISSUE: "60 / s", "verification page": "5 ms"}
# Measured while the project was designed, on another machine.
REFERENCE = {
    SIGN: "3.4",
    VERIFY: "8.6",
    ISSUE: "19.6 (openedx/credentials `issue()`, didkit: one form, nothing stored)",
    "PDF/UA with QR code and attachment": "27",
    "badge as PNG, painted and baked": "–",
    "status list with 10,000 revoked, both forms, from its rows": "1.5 (signature alone)",
}
REVOKED, LIST_LENGTH = 10_000, 131_072


def main() -> None:
    runs = 2 if is_quick() else 30
    with tempfile.TemporaryDirectory(prefix="integra-bench-") as home:
        prepare_service(home)
        rows = (describe(name, action, runs) for name, action in prepare_actions(runs).items())
        from django.db import connection

        print_table(f"Certificate on {connection.vendor} (median of {runs})", COLUMNS, rows)


def prepare_service(home: str) -> None:
    """Set the service up on the empty database that ``INTEGRA_DATABASE_URL`` names, else on one in ``home``."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "integra_service.settings",
        "INTEGRA_DEMO": "1",
        "INTEGRA_HOME": home,
        # The course of the service's tests, whose learner gets the certificate below.
        "INTEGRA_ACHIEVEMENTS": str(ROOT / "tests" / "ext_services" / "service" / "achievements"),
        "INTEGRA_ISSUER_URL": ISSUER,
        "INTEGRA_SECRET_KEY": "only-for-the-benchmark-" * 3,
        "INTEGRA_NAME_KEY": base64.b64encode(b"only-for-the-benchmark-of-papers").decode(),
        "INTEGRA_ALLOWED_HOSTS": "localhost,testserver",
    }
    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)


def prepare_actions(runs: int) -> dict[str, Callable[[], object]]:
    """Let learners reach a certificate through the service's doors; return what to do, each time with another one."""
    # The world of the service's tests: a classroom that signs events, a learner who consents and confirms a name.
    sys.path.insert(0, str(ROOT / "tests" / "ext_services" / "service"))
    from django.test import Client
    from service_support import confirm, make_world

    from integra_service.credentials.badge import paint_badge
    from integra_service.credentials.completing import complete
    from integra_service.credentials.documents import format_time
    from integra_service.credentials.forms import get_signed_document, make_png
    from integra_service.credentials.issuer import ensure_issuer, resolve_own, sign_status_list
    from integra_service.credentials.keys import get_signing_method
    from integra_service.credentials.linked_data import dump
    from integra_service.credentials.models import Credential, CredentialDocument, KeyAlgorithm
    from integra_service.credentials.pages import describe_credential, find_document
    from integra_service.credentials.paper import render_certificate
    from integra_service.credentials.proofs import sign
    from integra_service.credentials.verification import Outcome, verify_document
    from integra_service.lib.clock import utc_now

    classroom, learner = make_world().a, uuid.uuid4()
    issuer = ensure_issuer(utc_now())
    classroom.send(classroom.tell(learner))
    confirm(classroom.enter(learner), NAME)
    credential = Credential.objects.for_system().get()
    stored = find_document(credential)
    _key, method = get_signing_method(issuer, KeyAlgorithm.ED25519)
    resolve = resolve_own(issuer)

    def make_bodies() -> Iterator[dict[str, Any]]:
        """Yield documents that differ as two learners' do: what was made of one does not help with the next."""
        while True:
            body = json.loads(stored.body)
            body["credentialSubject"]["id"] = f"urn:uuid:{uuid.uuid4()}"
            yield body

    def sign_one(body: dict[str, Any]) -> bytes:
        return dump(sign(body, method, created=format_time(utc_now())))

    bodies = make_bodies()
    # More than are remembered between signing and verifying one, so that each is read as a stranger's.
    signed = iter([sign_one(next(bodies)) for _ in range(runs + 20)])
    places = list_free_places(type(stored), runs + 3)
    intents = iter([make_intent(stored, place, utc_now()) for place in places])

    def verify() -> None:
        outcome = verify_document(next(signed), resolve, now=utc_now())
        assert outcome.outcome is Outcome.VALID, outcome

    def issue() -> None:
        intent: Credential = next(intents)
        complete(intent, utc_now())
        assert CredentialDocument.objects.for_system().get(credential=intent).ob_jwt

    def make_paper() -> None:
        paper = render_certificate(describe_credential(stored, utc_now()), NAME, is_demo=True)
        assert paper.startswith(b"%PDF")

    visitor = Client()

    def show() -> None:
        assert visitor.get(f"/c/{credential.token}").status_code == 200

    def make_badge() -> None:
        paint_badge.cache_clear()
        assert make_png(get_signed_document(stored)).startswith(b"\x89PNG")

    def renew_list() -> None:
        if not CredentialDocument.objects.for_system().filter(is_revoked=True).exists():
            revoke_many(stored)
        sign_status_list(stored.status_list, utc_now())

    return {
        SIGN: lambda: sign_one(next(bodies)),
        VERIFY: verify,
        ISSUE: issue,
        "verification page": show,
        "PDF/UA with QR code and attachment": make_paper,
        "badge as PNG, painted and baked": make_badge,
        "status list with 10,000 revoked, both forms, from its rows": renew_list,
    }


def make_intent(stored: Any, index: int, now: datetime) -> Any:
    """Store what would be signed for another learner of the same facts, with this place in the list; return it."""
    from integra_service.credentials.models import Credential, CredentialDocument
    from integra_service.people.models import Person

    person = Person.objects.create(city=stored.credential.person.city, created_at=now)
    credential = Credential.objects.create(
        token=secrets.token_urlsafe(16),
        person=person,
        achievement_key="curso",
        awarded_at=now,
        changed_at=now,
    )
    body = json.loads(stored.body)
    body["id"] = f"{ISSUER}/c/{credential.token}"
    status = body["credentialStatus"]
    status["statusListIndex"] = str(index)
    status["id"] = f"{status['statusListCredential']}#{index}"
    copied = {
        name: getattr(stored, name)
        for name in (
            "source_id", "status_list_id", "salt", "name_hash", "policy_version", "policy_digest", "rule_version",
            "bank_digests", "evidence", "evidence_digest",
        )
    }  # fmt: skip
    CredentialDocument.objects.create(
        credential=credential, status_index=index, body=json.dumps(body), intended_at=now, **copied
    )
    return credential


def revoke_many(document: CredentialDocument) -> None:
    """Set as many places of the list as rows of their own, all of one credential for the sake of speed."""
    documents = type(document).objects.for_system()
    places = list_free_places(type(document), REVOKED)
    rows = [copy.copy(document) for _ in places]
    for ordinal, (row, place) in enumerate(zip(rows, places, strict=True), start=document.ordinal + 1):
        row.pk, row.ordinal, row.status_index, row.is_revoked = None, ordinal, place, True
    documents.bulk_create(rows, batch_size=500)


def list_free_places(documents: type[CredentialDocument], count: int) -> list[int]:
    """Return so many places of the one status list that nobody has, scattered over it."""
    taken = set(documents.objects.for_system().values_list("status_index", flat=True))
    free = [place for place in range(LIST_LENGTH) if place not in taken]
    return random.Random(1).sample(free, count)  # noqa: S311 - nothing secret


def describe(name: str, action: Callable[[], object], runs: int) -> tuple[str, ...]:
    action()  # what only the first call costs is not the price of one
    cpu, wall = zip(*(measure(action) for _ in range(runs)), strict=True)
    each = statistics.median(cpu)
    return (
        name,
        f"{each:.1f}",
        f"{statistics.median(wall):.1f}",
        f"{1000 / each:.0f}",
        BUDGET.get(name, "–"),
        REFERENCE.get(name, "–"),
    )


if __name__ == "__main__":
    main()
