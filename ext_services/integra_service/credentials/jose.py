"""The two JOSE forms of a document: the VC-JWT of Open Badges 3.0 and the ``vc+jwt`` of VC-JOSE-COSE.

Sources: 1EdTech "Open Badges Specification v3.0", section 8.2 (payload: the credential with the registered claims
beside its members); W3C "Securing Verifiable Credentials using JOSE and COSE", section 3.1 (payload: the credential
alone); RFC 7515, compact serialisation; RFC 7518, section 3.4 (ES256: r and s, 32 bytes each).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from .linked_data import JsonObject, dump
from .multibase import MultibaseError, decode_base64url, encode_base64url
from .proofs import SigningMethod

ALGORITHM = "ES256"
_SCALAR = 32
_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


class JoseError(ValueError):
    """The bytes are not a compact JWS in its one spelling."""


class JwtForm(StrEnum):
    """A profile by its header's ``typ``."""

    OPEN_BADGES = "JWT"
    VC_JOSE_COSE = "vc+jwt"


@dataclass(frozen=True, slots=True)
class CompactJws:
    """The decoded parts, and the bytes the signature covers; nothing in it is verified."""

    header: bytes
    payload: bytes
    signature: bytes
    signed: bytes


class Es256PrivateKey:
    """A P-256 key that signs as ES256 spells it."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key

    def sign(self, data: bytes, /) -> bytes:
        der = self._private_key.sign(data, ec.ECDSA(hashes.SHA256()))
        return b"".join(number.to_bytes(_SCALAR, "big") for number in decode_dss_signature(der))


def sign_jwt(document: JsonObject, method: SigningMethod, form: JwtForm) -> str:
    """Return ``document`` (without a proof) in the given form, signed with ES256."""
    header = make_header(form, method.verification_method)
    payload = {**document, **make_claims(document)} if form is JwtForm.OPEN_BADGES else document
    signed = f"{_encode(dump(header))}.{_encode(dump(payload))}"
    return f"{signed}.{_encode(method.private_key.sign(signed.encode('ascii')))}"


def make_header(form: JwtForm, method_id: str) -> JsonObject:
    """Return the one header that a form has: nothing in it may bring a key along or change how it is read."""
    header = {"alg": ALGORITHM, "kid": method_id, "typ": form.value}
    return {**header, "cty": "vc"} if form is JwtForm.VC_JOSE_COSE else header


def make_claims(document: JsonObject) -> JsonObject:
    """Return the registered claims that repeat what the credential says."""
    claims = {
        "iss": document["issuer"]["id"],
        "jti": document["id"],
        "nbf": _to_numeric_date(document["validFrom"]),
        "sub": document["credentialSubject"]["id"],
    }
    if "validUntil" in document:
        claims["exp"] = _to_numeric_date(document["validUntil"])
    return claims


def parse_compact(raw: bytes) -> CompactJws:
    """Return the parts of a compact JWS, or raise JoseError for any other spelling of one."""
    found = _COMPACT.fullmatch(raw)
    if found is None:
        raise JoseError("not three parts in base64url")
    try:
        header, payload, signature = (_decode(part) for part in found.groups())
    except MultibaseError as error:
        raise JoseError("not the canonical base64url") from error
    return CompactJws(header, payload, signature, raw.rpartition(b".")[0])


def is_signed_with(jws: CompactJws, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Tell whether the signature is this key's in ES256, whatever the header says."""
    if len(jws.signature) != 2 * _SCALAR:
        return False
    r, s = (int.from_bytes(part, "big") for part in (jws.signature[:_SCALAR], jws.signature[_SCALAR:]))
    try:
        public_key.verify(encode_dss_signature(r, s), jws.signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _to_numeric_date(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _encode(data: bytes) -> str:
    return encode_base64url(data).removeprefix("u")


def _decode(part: bytes) -> bytes:
    return decode_base64url("u" + part.decode("ascii"))
