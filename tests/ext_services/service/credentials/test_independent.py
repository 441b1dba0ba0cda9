"""Verifiers that are not ours, against a running service: two JavaScript stacks and openbadgeslib."""

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from javascript import SCRIPTS, install_packages

from integra_service.credentials import services
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.models import Credential, RevocationReason
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib.clock import utc_now

pytestmark = pytest.mark.fault
STACKS = ("digitalbazaar", "digitalcredentials")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def node_modules() -> None:
    """Install what the lock file names, with the ordinary client."""
    install_packages()


@pytest.fixture
def origin(process_database: dict[str, str], settings: Any) -> Iterator[str]:
    """The address of a running service whose issuer that address is."""
    port = free_port()
    settings.INTEGRA_ISSUER_URL = f"http://localhost:{port}"
    environment = {**process_database, "INTEGRA_ISSUER_URL": settings.INTEGRA_ISSUER_URL}
    command = [sys.executable, "-m", "gunicorn", "integra_service.wsgi", "--bind", f"127.0.0.1:{port}"]
    services.ensure_issuer(utc_now())
    server = subprocess.Popen([*command, "--log-level", "error"], env=environment)
    try:
        wait_for(f"{settings.INTEGRA_ISSUER_URL}/.well-known/did.json", server)
        yield settings.INTEGRA_ISSUER_URL
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, "the service stopped"
        try:
            fetch(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} did not answer")


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the loopback server of this test
        body: bytes = answer.read()
        return body


def ask_javascript(origin: str, documents: list[bytes]) -> list[dict[str, Any]]:
    question = json.dumps({"origin": origin, "documents": [raw.decode() for raw in documents]})
    answer = subprocess.run(
        ["node", "verify.mjs"], cwd=SCRIPTS, input=question, capture_output=True, check=True, text=True
    )
    answers: list[dict[str, Any]] = json.loads(answer.stdout)
    return answers


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


def test_attacks_that_the_signature_does_not_see_are_refused_by_us(
    origin: str, builders: Any, node_modules: None
) -> None:
    """The signed data stay what they were: a library that reads the JSON alone is fooled, ours is not."""
    credential, raw = issue(builders, origin)
    services.revoke(credential, RevocationReason.MISUSE, "user:1", utc_now())
    rekeyed = json.loads(raw)
    rekeyed["https://www.w3.org/2018/credentials#credentialStatus"] = rekeyed.pop("credentialStatus")
    original, hidden = ask_javascript(origin, [raw, json.dumps(rekeyed).encode()])
    assert hidden["signed"] == original["signed"]
    assert hidden["digitalbazaar"] == {"verified": True, "revoked": None}
    result = verify_document(json.dumps(rekeyed).encode(), resolve_own(get_issuer()), now=utc_now())
    assert (result.outcome, result.code) == (Outcome.REFUSED, "not_compacted_form")


def test_openbadgeslib_verifies_and_refuses(origin: str, builders: Any) -> None:
    from openbadgeslib.ob3.ldp import OB3LdpVerifier
    from openbadgeslib.ob3.verifier import OB3VerificationError

    did = get_issuer().did

    def download(url: str) -> bytes:
        return fetch(url.replace("https://localhost:", "http://localhost:"))

    def verify(raw: bytes) -> Any:
        # The list's own proof is left to the JavaScript stacks: this library wants a signed JWT there.
        verifier = OB3LdpVerifier.for_issuer_did(did)
        return verifier.verify(raw, check_status=True, verify_status_list=False, download=download)

    credential, raw = issue(builders, origin)
    assert verify(raw).issuer.id == did
    rekeyed = json.loads(raw)
    rekeyed["https://www.w3.org/2018/credentials#credentialStatus"] = rekeyed.pop("credentialStatus")
    for broken in (raw.replace(b"72 minutos", b"99 minutos"), json.dumps(rekeyed).encode()):
        with pytest.raises(OB3VerificationError):
            verify(broken)
    services.revoke(credential, RevocationReason.MISUSE, "user:1", utc_now())
    with pytest.raises(OB3VerificationError, match="'revocation' is set"):
        verify(raw)


def test_environment_of_the_server_is_the_tests_own(process_database: dict[str, str]) -> None:
    assert process_database["INTEGRA_DATABASE_URL"] != os.environ.get("INTEGRA_DATABASE_URL")
