"""The two multibase encodings that keys, proofs and status lists use.

Source: W3C Controlled Identifiers 1.0, section 2.4 (base58btc is ``z``, base64url without padding is ``u``).
"""

import base64
import binascii
import re

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class MultibaseError(ValueError):
    """The text is not the one spelling of any bytes in the expected encoding."""


def encode_base58(data: bytes) -> str:
    """Return ``data`` as base58btc with its multibase prefix."""
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, remainder = divmod(number, 58)
        digits = _ALPHABET[remainder] + digits
    leading_zeros = len(data) - len(data.lstrip(b"\0"))
    return "z" + "1" * leading_zeros + digits


def decode_base58(text: str, *, length: int) -> bytes:
    """Return the ``length`` bytes that ``text`` spells, or raise MultibaseError."""
    # The bound keeps the quadratic decoding of hostile input cheap.
    if not 2 <= len(text) <= 2 * length + 1 or text[0] != "z":
        raise MultibaseError("not base58btc of the expected length")
    number = 0
    for character in text[1:]:
        if character not in _VALUES:
            raise MultibaseError("not base58btc")
        number = number * 58 + _VALUES[character]
    try:
        data = number.to_bytes(length, "big")
    except OverflowError as error:
        raise MultibaseError("longer than expected") from error
    if encode_base58(data) != text:
        raise MultibaseError("not the canonical spelling")
    return data


def encode_base64url(data: bytes) -> str:
    """Return ``data`` as base64url without padding, with its multibase prefix."""
    return "u" + base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Return the bytes that ``text`` spells, or raise MultibaseError."""
    if text[:1] != "u" or not _BASE64URL.fullmatch(text[1:]):
        raise MultibaseError("not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
    except binascii.Error as error:
        raise MultibaseError("not base64url without padding") from error
    if encode_base64url(data) != text:
        raise MultibaseError("not the canonical spelling")
    return data
