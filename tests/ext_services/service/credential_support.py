"""A credential signed by keys of these tests, and the web it is checked against; no database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from integra_service.credentials import documents, jose, multikey, proofs, status_list
from integra_service.credentials.did import PublishedKey, build_document
from integra_service.credentials.linked_data import dump
from integra_service.credentials.policies import read_policies
from integra_service.credentials.secured import ResolutionError

NOW = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
ORIGIN = "http://localhost:8001"
DID = "did:web:localhost%3A8001"
LIST = f"{ORIGIN}/status/1"
KEY = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
METHOD = proofs.SigningMethod(f"{DID}#key-2026-03", KEY)
JOSE_KEY = ec.derive_private_key(int.from_bytes(b"b" * 32, "big"), ec.SECP256R1())
JOSE_METHOD = proofs.SigningMethod(f"{DID}#key-2026-03-es256", jose.Es256PrivateKey(JOSE_KEY))
CREATED = documents.format_time(NOW)


def make_body() -> dict[str, Any]:
    (policy,) = read_policies(settings.INTEGRA_ACHIEVEMENTS)
    facts = documents.CredentialFacts(
        url=f"{ORIGIN}/c/0123456789abcdefABCDEF",
        subject_uuid=UUID("12345678-1234-4234-8234-123456789abc"),
        name_hash="sha256$" + "0" * 64,
        salt="1" * 32,
        status_list_url=LIST,
        status_index=94_567,
        awarded_at=NOW,
        valid_from=NOW,
        valid_until=None,
        results=(
            documents.ModuleResult("m04", "training", 72),
            documents.ModuleResult("m06", "evaluation", None),
        ),
    )
    return documents.build_credential(facts, policy, documents.IssuerProfile(DID, ORIGIN, "INTEGRA"))


def sign(body: dict[str, Any], method: proofs.SigningMethod = METHOD) -> dict[str, Any]:
    return proofs.sign(body, method, created=CREATED)


def make_list(revoked: tuple[int, ...] = ()) -> dict[str, Any]:
    return documents.build_status_list(LIST, DID, status_list.encode_list(revoked), NOW)


class Web:
    """What the issuer publishes, as a dictionary of addresses."""

    def __init__(self, revoked: tuple[int, ...] = ()) -> None:
        published = [
            PublishedKey("key-2026-03", multikey.encode_public_key(KEY.public_key())),
            PublishedKey("key-2026-03-es256", multikey.encode_public_key(JOSE_KEY.public_key())),
        ]
        self.pages: dict[str, Any] = {
            DID: build_document(DID, published),
            LIST: sign(make_list(revoked)),
        }

    def __call__(self, address: str) -> bytes:
        if address not in self.pages:
            raise ResolutionError(address)
        page = self.pages[address]
        return page if isinstance(page, bytes) else dump(page)
