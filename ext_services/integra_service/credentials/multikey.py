"""Multikey: how a public key is spelled in the DID document.

Source: W3C Controlled Identifiers 1.0, section 2.2.2 (``z6Mk…`` is Ed25519, ``zDn…`` is P-256, its point compressed).
"""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .multibase import MultibaseError, decode_base58, encode_base58

PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey

# Multicodec 0xed and 0x1200 as variable-length integers.
_ED25519_PREFIX = bytes.fromhex("ed01")
_P256_PREFIX = bytes.fromhex("8024")
_ED25519_LENGTH = 2 + 32
_P256_LENGTH = 2 + 33


def encode_public_key(public_key: PublicKey) -> str:
    """Return the Multikey spelling of an Ed25519 or P-256 public key."""
    if isinstance(public_key, Ed25519PublicKey):
        return encode_base58(_ED25519_PREFIX + public_key.public_bytes_raw())
    return encode_base58(_P256_PREFIX + public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def decode_public_key(text: str) -> PublicKey:
    """Return the key of a Multikey spelling, or raise MultibaseError."""
    # Base58 spells a prefix in its first characters; which of the two it is decides how many bytes follow.
    data = decode_base58(text, length=_ED25519_LENGTH if text.startswith("z6Mk") else _P256_LENGTH)
    try:
        if data.startswith(_ED25519_PREFIX) and len(data) == _ED25519_LENGTH:
            return Ed25519PublicKey.from_public_bytes(data[2:])
        if data.startswith(_P256_PREFIX):
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data[2:])
    except ValueError as error:
        raise MultibaseError("not a point of the curve") from error
    raise MultibaseError("neither an Ed25519 nor a P-256 key")
