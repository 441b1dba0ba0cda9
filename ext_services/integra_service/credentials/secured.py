"""Reading a secured document: form, key and signature. What it says is judged in ``verification.py``."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from integra_service.lib.strictjson import JsonError, find_unstorable_text, parse_json

from .did import DidError, find_assertion_key
from .jose import JoseError, JwtForm, is_signed_with, make_claims, make_header, parse_compact
from .linked_data import JsonObject, check_compacted_form, check_shape
from .multikey import PublicKey
from .proofs import CRYPTOSUITE, is_signed_by

# Takes a DID or the URL of a status list, returns the published bytes or raises ResolutionError.
Resolve = Callable[[str], bytes]

MAX_BYTES = 65_536
_PROOF_MEMBERS = {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}
_CLAIMS = ("iss", "jti", "nbf", "sub", "exp")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class ResolutionError(Exception):
    """Something the verification needs cannot be had."""


class RefusedError(Exception):
    """The document is not what it says; carried to the Verification."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def read_embedded(raw: bytes, resolve: Resolve, *, contexts: list[str]) -> JsonObject:
    """Return the document without its Data Integrity proof, after checking form, proof and key."""
    document = _parse_object(raw)
    _require_contexts(document, contexts)
    check_shape(document)
    proof = _take_proof(document)
    # The proof needs no such check: its members are six, and each is compared with the one value or form it may have.
    check_compacted_form(document)
    key = _find_key(document, proof["verificationMethod"], resolve)
    if not isinstance(key, Ed25519PublicKey):
        raise RefusedError("key_not_found", "The key is of another kind than the proof.")
    if not is_signed_by(document, proof, key):
        raise RefusedError("bad_signature", "The signature does not fit the document.")
    return document


def read_jwt(raw: bytes, resolve: Resolve, *, form: JwtForm, contexts: list[str]) -> JsonObject:
    """Return the document a JWT carries, after checking form, claims, key and signature.

    The signature covers the bytes of the JSON, so nothing can hide from a reader of the JSON as it can behind an
    embedded proof; the document is still held to the shape of ours.
    """
    _require_size(raw)
    try:
        jws = parse_compact(raw)
    except JoseError as error:
        raise RefusedError("bad_jwt", f"It is no compact JWS: {error}.") from error
    header, payload = _parse_object(jws.header), _parse_object(jws.payload)
    method_id = header.get("kid")
    # One header only: no other algorithm, no key of its own, nothing critical that we would have to understand.
    if not isinstance(method_id, str) or header != make_header(form, method_id):
        raise RefusedError("wrong_header", "The header is not the one this form has.")
    claims = {name: payload.pop(name) for name in _CLAIMS if name in payload}
    _require_contexts(payload, contexts)
    check_shape(payload)
    key = _find_key(payload, method_id, resolve)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RefusedError("key_not_found", "The key is of another kind than the signature.")
    if not is_signed_with(jws, key):
        raise RefusedError("bad_signature", "The signature does not fit the document.")
    _check_claims(claims, payload, form)
    return payload


def issuer_of(document: JsonObject) -> str:
    """Return the issuer's DID, or refuse."""
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str) or not issuer.startswith("did:web:"):
        raise RefusedError("wrong_issuer", "The issuer is not a did:web.")
    return issuer


def resolve_address(resolve: Resolve, address: str) -> bytes:
    """Return what is published at ``address``, or refuse."""
    try:
        return resolve(address)
    except ResolutionError as error:
        raise RefusedError("cannot_resolve", f"{address} cannot be had.") from error


def read_time(text: Any) -> datetime | None:
    """Return the moment in the one spelling we use, or None."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _require_size(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise RefusedError("too_large", "It is larger than 64 KiB.")


def _require_contexts(document: JsonObject, contexts: list[str]) -> None:
    if document.get("@context") != contexts:
        raise RefusedError("wrong_context", "The contexts are not the ones such a document has.")


def _parse_object(raw: bytes) -> JsonObject:
    """Return the object ``raw`` holds, if every reader must understand it alike."""
    _require_size(raw)
    try:
        value = parse_json(raw)
    except JsonError as error:
        raise RefusedError("bad_json", error.message) from error
    if not isinstance(value, dict) or find_unstorable_text(value) is not None:
        raise RefusedError("bad_json", "It is not one JSON object of readable text.")
    return value


def _find_key(document: JsonObject, method_id: str, resolve: Resolve) -> PublicKey:
    """Return the key ``method_id`` if the document's issuer publishes it for assertions, or refuse."""
    issuer = issuer_of(document)
    did, _, fragment = method_id.partition("#")
    if did != issuer or not fragment:
        raise RefusedError("foreign_key", "The key is not one of the issuer's.")
    try:
        return find_assertion_key(_parse_object(resolve_address(resolve, did)), did, method_id)
    except DidError as error:
        raise RefusedError("key_not_found", f"The issuer's key cannot be had: {error}.") from error


def _take_proof(document: JsonObject) -> JsonObject:
    """Remove and return the one proof, or refuse."""
    proofs = document.pop("proof", None)
    if not isinstance(proofs, list) or len(proofs) != 1 or not isinstance(proofs[0], dict):
        raise RefusedError("no_proof", "It does not carry exactly one proof.")
    proof: JsonObject = proofs[0]
    if set(proof) != _PROOF_MEMBERS or not all(isinstance(value, str) for value in proof.values()):
        raise RefusedError("wrong_proof", "The proof does not have the members it should.")
    kind = (proof["type"], proof["cryptosuite"], proof["proofPurpose"])
    if kind != ("DataIntegrityProof", CRYPTOSUITE, "assertionMethod") or read_time(proof["created"]) is None:
        raise RefusedError("wrong_proof", "The proof is of another kind.")
    return proof


def _check_claims(claims: JsonObject, document: JsonObject, form: JwtForm) -> None:
    """Refuse claims that say anything else than the credential; ``vc+jwt`` has none, so that it says all once."""
    if form is JwtForm.VC_JOSE_COSE:
        expected: JsonObject = {}
    else:
        subject = document.get("credentialSubject")
        texts = (document.get("id"), subject.get("id") if isinstance(subject, dict) else None)
        moments = [document[name] for name in ("validFrom", "validUntil") if name in document]
        is_readable = all(isinstance(text, str) for text in texts) and all(map(read_time, moments))
        if not is_readable or "validFrom" not in document:
            raise RefusedError("wrong_claims", "The credential does not say what the claims should repeat.")
        expected = make_claims(document)
    # In Python True equals 1 and a decimal an integer; in JSON they do not.
    if claims != expected or any(type(claims[name]) is not type(expected[name]) for name in expected):
        raise RefusedError("wrong_claims", "The claims and the credential do not say the same.")
