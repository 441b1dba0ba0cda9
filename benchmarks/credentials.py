"""What signing, verifying and printing a certificate cost inside the service's process."""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import is_quick, measure, print_table

if TYPE_CHECKING:
    from integra_service.credentials.models import CredentialDocument

ROOT = Path(__file__).resolve().parent.parent
NAME = "María José Ñáñez Quishpe"
ISSUER = "http://localhost:8001"
COLUMNS = ("Certificate, in process", "CPU ms", "wall ms", "Reference ms")
# Measured while the project was designed, on another machine.
REFERENCE = {
    "sign (eddsa-rdfc-2022)": "3.4",
    "verify, with form, key and status": "8.6",
    "sign and verify": "19.6 (openedx/credentials `issue()`, didkit)",
    "all signed forms, each verified": "–",
    "PDF/UA with QR code and attachment": "27",
    "badge as PNG, painted and baked": "–",
    "status list with 10,000 revoked, both forms, from its rows": "1.5 (signature alone)",
}
REVOKED, LIST_LENGTH = 10_000, 131_072


def main() -> None:
    runs = 2 if is_quick() else 30
    with tempfile.TemporaryDirectory(prefix="integra-bench-") as home:
        prepare_service(home)
        actions = prepare_actions()
        rows = (describe(name, action, runs) for name, action in actions.items())
        print_table(f"Certificate (median of {runs})", COLUMNS, rows)


def prepare_service(home: str) -> None:
    """Set the service up on an empty database in ``home``."""
    os.environ.pop("INTEGRA_DATABASE_URL", None)
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


def prepare_actions() -> dict[str, Callable[[], object]]:
    """Let a learner reach a certificate through the service's doors; return what to do with it."""
    # The world of the service's tests: a classroom that signs events, a learner who consents and confirms a name.
    sys.path.insert(0, str(ROOT / "tests" / "ext_services" / "service"))
    from service_support import confirm, make_world

    from integra_service.credentials.badge import paint_badge
    from integra_service.credentials.documents import format_time
    from integra_service.credentials.forms import get_signed_document, make_png
    from integra_service.credentials.issuer import ensure_issuer, resolve_own, sign_status_list
    from integra_service.credentials.keys import get_signing_method
    from integra_service.credentials.linked_data import dump
    from integra_service.credentials.models import CredentialDocument, KeyAlgorithm
    from integra_service.credentials.pages import describe_credential
    from integra_service.credentials.paper import render_certificate
    from integra_service.credentials.proofs import sign
    from integra_service.credentials.signing import sign_forms
    from integra_service.credentials.verification import Outcome, verify_document
    from integra_service.lib.clock import utc_now

    classroom, learner = make_world().a, uuid.uuid4()
    issuer = ensure_issuer(utc_now())
    classroom.send(classroom.tell(learner))
    confirm(classroom.enter(learner), NAME)
    document = CredentialDocument.objects.for_system().select_related("credential").get()
    _key, method = get_signing_method(issuer, KeyAlgorithm.ED25519)
    resolve = resolve_own(issuer)
    signed = bytes(document.content)

    def make_signature() -> bytes:
        return dump(sign(json.loads(document.body), method, created=format_time(utc_now())))

    def verify(content: bytes) -> None:
        outcome = verify_document(content, resolve, now=utc_now())
        assert outcome.outcome is Outcome.VALID, outcome

    def make_paper() -> None:
        paper = render_certificate(describe_credential(document.credential), NAME, is_demo=True)
        assert paper.startswith(b"%PDF")

    def make_badge() -> None:
        paint_badge.cache_clear()
        assert make_png(get_signed_document(document.credential)).startswith(b"\x89PNG")

    def renew_list() -> None:
        if not CredentialDocument.objects.for_system().filter(is_revoked=True).exists():
            revoke_many(document)
        sign_status_list(document.status_list, utc_now())

    actions = (
        make_signature,
        lambda: verify(signed),
        lambda: verify(make_signature()),
        lambda: sign_forms(issuer, json.loads(document.body), utc_now()),
        make_paper,
        make_badge,
        renew_list,
    )
    return dict(zip(REFERENCE, actions, strict=True))


def revoke_many(document: CredentialDocument) -> None:
    """Set as many places of the list as rows of their own, all of one credential for the sake of speed."""
    documents = type(document).objects.for_system()
    free = [place for place in range(LIST_LENGTH) if place != document.status_index]
    places = random.Random(1).sample(free, REVOKED)  # noqa: S311 - nothing secret
    rows = [copy.copy(document) for _ in places]
    for ordinal, (row, place) in enumerate(zip(rows, places, strict=True), start=document.ordinal + 1):
        row.pk, row.ordinal, row.status_index, row.is_revoked = None, ordinal, place, True
    documents.bulk_create(rows, batch_size=500)


def describe(name: str, action: Callable[[], object], runs: int) -> tuple[str, ...]:
    action()  # warm: contexts, fonts and templates are read once per process
    cpu, wall = zip(*(measure(action) for _ in range(runs)), strict=True)
    return name, f"{statistics.median(cpu):.1f}", f"{statistics.median(wall):.1f}", REFERENCE[name]


if __name__ == "__main__":
    main()
