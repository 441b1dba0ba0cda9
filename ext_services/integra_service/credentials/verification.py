"""Our own verification: strict about form first, then about signature, issuer, key and status. Fails closed.

Pure: documents of others come through ``resolve``. It never canonicalises anything whose shape could make that
expensive, but whoever verifies files of strangers still gives it a process with a limit.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from integra_service.lib.strictjson import JsonError, find_unstorable_text, parse_json

from .did import DidError, find_assertion_key
from .documents import STATUS_PURPOSE
from .linked_data import (
    CREDENTIALS_V2,
    OPEN_BADGES_V3,
    JsonObject,
    LinkedDataError,
    check_compacted_form,
    check_shape,
)
from .proofs import CRYPTOSUITE, is_signed_by
from .status_list import StatusListError, is_set

# Takes a DID or the URL of a status list, returns the published bytes or raises ResolutionError.
Resolve = Callable[[str], bytes]

MAX_BYTES = 65_536
_PROOF_MEMBERS = {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}
_STATUS_MEMBERS = {"id", "type", "statusPurpose", "statusListIndex", "statusListCredential"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_INDEX = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)


class Outcome(StrEnum):
    """What a verification ends in."""

    VALID = "valid"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome; ``code`` and ``sentence`` say why a document was refused."""

    outcome: Outcome
    code: str = ""
    sentence: str = ""
    issuer: str = ""


class ResolutionError(Exception):
    """Something the verification needs cannot be had."""


class RefusedError(Exception):
    """The document is not what it says; carried to the Verification."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def verify_document(raw: bytes, resolve: Resolve, *, now: datetime) -> Verification:
    """Return what can be said of the credential in ``raw``; never raises for what it reads."""
    try:
        document = _read_signed(raw, resolve, contexts=[CREDENTIALS_V2, OPEN_BADGES_V3])
        issuer = _issuer_of(document)
        if document["type"] != ["VerifiableCredential", "OpenBadgeCredential"]:
            raise RefusedError("wrong_type", "It is not an Open Badges credential.")
        outcome = _judge_time(document, now)
        if _is_revoked(document, issuer, resolve):
            outcome = Outcome.REVOKED
    except (RefusedError, LinkedDataError) as error:
        return Verification(Outcome.REFUSED, error.code, error.sentence)
    return Verification(outcome, issuer=issuer)


def _read_signed(raw: bytes, resolve: Resolve, *, contexts: list[str]) -> JsonObject:
    """Return the document without its proof, after checking form, proof and key."""
    document = _parse_object(raw)
    if document.get("@context") != contexts:
        raise RefusedError("wrong_context", "The contexts are not the ones such a document has.")
    check_shape(document)
    proof = _take_proof(document)
    check_compacted_form(document)
    check_compacted_form({"@context": contexts, **proof})
    issuer = _issuer_of(document)
    method = proof["verificationMethod"]
    did, _, fragment = method.partition("#")
    if did != issuer or not fragment:
        raise RefusedError("foreign_key", "The key is not one of the issuer's.")
    try:
        key = find_assertion_key(_parse_object(_resolve(resolve, did)), did, method)
    except DidError as error:
        raise RefusedError("key_not_found", f"The issuer's key cannot be had: {error}.") from error
    if not is_signed_by(document, proof, key):
        raise RefusedError("bad_signature", "The signature does not fit the document.")
    return document


def _parse_object(raw: bytes) -> JsonObject:
    """Return the object ``raw`` holds, if every reader must understand it alike."""
    if len(raw) > MAX_BYTES:
        raise RefusedError("too_large", "It is larger than 64 KiB.")
    try:
        value = parse_json(raw)
    except JsonError as error:
        raise RefusedError("bad_json", error.message) from error
    if not isinstance(value, dict) or find_unstorable_text(value) is not None:
        raise RefusedError("bad_json", "It is not one JSON object of readable text.")
    return value


def _take_proof(document: JsonObject) -> JsonObject:
    """Remove and return the one proof, or refuse."""
    proofs = document.pop("proof", None)
    if not isinstance(proofs, list) or len(proofs) != 1 or not isinstance(proofs[0], dict):
        raise RefusedError("no_proof", "It does not carry exactly one proof.")
    proof: JsonObject = proofs[0]
    if set(proof) != _PROOF_MEMBERS or not all(isinstance(value, str) for value in proof.values()):
        raise RefusedError("wrong_proof", "The proof does not have the members it should.")
    kind = (proof["type"], proof["cryptosuite"], proof["proofPurpose"])
    if kind != ("DataIntegrityProof", CRYPTOSUITE, "assertionMethod") or _read_time(proof["created"]) is None:
        raise RefusedError("wrong_proof", "The proof is of another kind.")
    return proof


def _issuer_of(document: JsonObject) -> str:
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str) or not issuer.startswith("did:web:"):
        raise RefusedError("wrong_issuer", "The issuer is not a did:web.")
    return issuer


def _judge_time(document: JsonObject, now: datetime) -> Outcome:
    valid_from = _read_time(document.get("validFrom"))
    valid_until = (
        _read_time(document["validUntil"]) if "validUntil" in document else datetime.max.replace(tzinfo=UTC)
    )
    if valid_from is None or valid_until is None:
        raise RefusedError("wrong_time", "A date cannot be read.")
    if now < valid_from:
        return Outcome.NOT_YET_VALID
    return Outcome.VALID if now <= valid_until else Outcome.EXPIRED


def _read_time(text: Any) -> datetime | None:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _is_revoked(document: JsonObject, issuer: str, resolve: Resolve) -> bool:
    """Look the credential up in its status list, which must be the same issuer's; refuse what cannot be read."""
    status = document.get("credentialStatus")
    if not isinstance(status, dict) or set(status) != _STATUS_MEMBERS:
        raise RefusedError("wrong_status", "It does not name exactly one status.")
    if not all(isinstance(value, str) for value in status.values()):
        raise RefusedError("wrong_status", "A member of the status is not text.")
    kind = (status["type"], status["statusPurpose"])
    if kind != ("BitstringStatusListEntry", STATUS_PURPOSE) or not _INDEX.fullmatch(
        status["statusListIndex"]
    ):
        raise RefusedError("wrong_status", "The status is of another kind.")
    url = status["statusListCredential"]
    status_list = _read_signed(_resolve(resolve, url), resolve, contexts=[CREDENTIALS_V2])
    subject = status_list["credentialSubject"]
    if (
        status_list["id"] != url
        or _issuer_of(status_list) != issuer
        or "BitstringStatusListCredential" not in status_list["type"]
        or not isinstance(subject, dict)
        or subject.get("type") != "BitstringStatusList"
        or subject.get("statusPurpose") != STATUS_PURPOSE
    ):
        raise RefusedError("wrong_status_list", "The status list is not this issuer's for this purpose.")
    try:
        return is_set(str(subject.get("encodedList")), int(status["statusListIndex"]))
    except StatusListError as error:
        raise RefusedError("wrong_status_list", f"The status list cannot be read: {error}.") from error


def _resolve(resolve: Resolve, address: str) -> bytes:
    try:
        return resolve(address)
    except ResolutionError as error:
        raise RefusedError("cannot_resolve", f"{address} cannot be had.") from error
