"""Two JavaScript stacks against a running service: they verify, read the revocation, and see every change."""

import os
import random
from typing import Any

import pytest
from independent import ask_javascript, fetch

from integra_service.credentials import services
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.models import Credential, RevocationReason
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib.clock import utc_now

pytestmark = pytest.mark.fault
STACKS = ("digitalbazaar", "digitalcredentials")


def issue(builders: Any, origin: str) -> tuple[Credential, bytes]:
    (credential,) = services.issue_due(builders.store_learner(), utc_now())
    return credential, fetch(f"{origin}/c/{credential.token}.json")


def test_both_javascript_stacks_verify_and_read_the_revocation(
    origin: str, builders: Any, node_modules: None
) -> None:
    valid, revoked = issue(builders, origin), issue(builders, origin)
    services.revoke(revoked[0], RevocationReason.MISUSE, "user:1", utc_now())
    first, second = ask_javascript(origin, [valid[1], revoked[1]])
    assert first["digitalbazaar"] == {"verified": True, "revoked": False}
    assert first["digitalcredentials"] == {"verified": True, "revoked": False}
    # The first library leaves "verified" true for a revoked credential and tells the bit apart.
    assert second["digitalbazaar"] == {"verified": True, "revoked": True}
    assert second["digitalcredentials"]["revoked"] is True


def change_one_byte(raw: bytes, draw: random.Random) -> bytes:
    position = draw.randrange(len(raw))
    while raw[position] >= 128:  # half of a letter is no text that a JavaScript stack could be given
        position = draw.randrange(len(raw))
    byte = draw.choice([b for b in range(32, 127) if b != raw[position]])
    return raw[:position] + bytes([byte]) + raw[position + 1 :]


def test_two_hundred_changes_are_refused_wherever_signed_data_changed(
    origin: str, builders: Any, node_modules: None
) -> None:
    _credential, raw = issue(builders, origin)
    draw = random.Random(20_261_125)
    changed = [change_one_byte(raw, draw) for _ in range(200)]
    resolve, now = resolve_own(get_issuer()), utc_now()
    assert {verify_document(c, resolve, now=now).outcome for c in changed} == {Outcome.REFUSED}

    original, *answers = ask_javascript(origin, [raw, *changed])
    assert all(original[stack]["verified"] for stack in STACKS)
    accepted = [
        (stack, document)
        for document, answer in zip(changed, answers, strict=True)
        if answer["signed"] != original["signed"]
        for stack in STACKS
        if answer[stack]["verified"]
    ]
    assert accepted == []
    # The change was in what the signature covers, or broke the JSON, nearly every time.
    assert sum(answer["signed"] != original["signed"] for answer in answers) > 150


def test_environment_of_the_server_is_the_tests_own(process_database: dict[str, str]) -> None:
    assert process_database["INTEGRA_DATABASE_URL"] != os.environ.get("INTEGRA_DATABASE_URL")
