"""Standard Webhooks, receiving side: a signature over the raw bytes, strictly read, bounded work."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from .errors import RequestError

MAX_SIGNATURES = 5
MAX_SECRETS = 5
TOLERANCE_SECONDS = 300
DELIVERY_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")  # no full stop: it separates the signed parts
TIMESTAMP = re.compile(r"[0-9]{1,11}")
SIGNATURE_BYTES = 32


def require_signature(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime
) -> str:
    """Return ``webhook-id`` of an authentic delivery, or raise RequestError (401)."""
    delivery_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = list(read_signatures(headers.get("webhook-signature", "")))
    is_readable = DELIVERY_ID.fullmatch(delivery_id) and TIMESTAMP.fullmatch(timestamp)
    # An unknown source has no secrets and takes the same way as a wrong signature.
    if not is_readable or not is_signed(f"{delivery_id}.{timestamp}.".encode() + body, signatures, secrets):
        raise RequestError("bad_signature", "Source, secret and signature do not fit this body.", status=401)
    if not -TOLERANCE_SECONDS <= now.timestamp() - int(timestamp) <= TOLERANCE_SECONDS:
        raise RequestError(
            "timestamp_out_of_range",
            f"webhook-timestamp is more than {TOLERANCE_SECONDS} seconds away from our clock.",
            status=401,
        )
    return delivery_id


def read_signatures(header: str) -> Sequence[bytes]:
    """Return the first version 1 signatures of the header, as bytes; what cannot be read is left out."""
    found = []
    for part in header.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]:
        version, _, encoded = part.partition(",")
        if version != "v1" or not encoded.isascii():
            continue
        try:
            signature = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
        # One spelling only: base64 has spare bits at the end that decode to the same bytes.
        if len(signature) == SIGNATURE_BYTES and base64.b64encode(signature).decode() == encoded:
            found.append(signature)
    return found


def is_signed(message: bytes, signatures: Sequence[bytes], secrets: Sequence[bytes]) -> bool:
    """Try every pair, without stopping early, in constant time each."""
    is_found = False
    for secret in secrets[:MAX_SECRETS]:
        expected = hmac.digest(secret, message, "sha256")
        for signature in signatures:
            is_found |= hmac.compare_digest(expected, signature)
    return is_found


def read_secret(text: str) -> bytes:
    """Return the bytes of a ``whsec_…`` secret, or raise ValueError."""
    if not text.startswith("whsec_"):
        raise ValueError("A webhook secret begins with whsec_.")
    secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    if not 24 <= len(secret) <= 64:
        raise ValueError("A webhook secret has 24 to 64 bytes.")
    return secret
