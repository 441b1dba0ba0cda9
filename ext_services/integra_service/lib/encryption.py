"""Names, secrets and private keys at rest: AES-256-GCM, bound to the place they are stored in.

``context`` names table and row (for example ``people.legal_name:<uuid>``): a ciphertext copied to another
row does not open. Tokens name their key, so that a rotation is: put the new key first, re-encrypt
(``integra_rotate_name_key``), drop the old one.
"""

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from .errors import ServiceError

VERSION = "1"
NONCE_BYTES = 12


class DecryptionError(ServiceError):
    """The stored text was changed, moved, or encrypted with a key that is not configured."""

    def __init__(self) -> None:
        super().__init__("cannot_decrypt", "A stored secret cannot be opened with the configured keys.")


def encrypt(plaintext: bytes, *, context: str) -> str:
    """Return a token that only :func:`decrypt` with the same ``context`` opens."""
    key = current_keys()[0]
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext, context.encode())
    return f"{VERSION}.{key_id(key)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def decrypt(token: str, *, context: str) -> bytes:
    """Return what :func:`encrypt` was given, or raise DecryptionError."""
    version, _, rest = token.partition(".")
    wanted, _, encoded = rest.partition(".")
    key = next((key for key in current_keys() if key_id(key) == wanted), None)
    if version != VERSION or key is None:
        raise DecryptionError
    try:
        sealed = base64.b64decode(encoded, altchars=b"-_", validate=True)
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except (binascii.Error, ValueError, InvalidTag) as error:
        raise DecryptionError from error


def encrypt_anew(token: str, *, context: str) -> str:
    """Return the same content under the current key, or raise DecryptionError."""
    return encrypt(decrypt(token, context=context), context=context)


def current_prefix() -> str:
    """Return how every token under the current key begins."""
    return f"{VERSION}.{key_id(current_keys()[0])}."


def encrypt_text(plaintext: str, *, context: str) -> str:
    return encrypt(plaintext.encode(), context=context)


def decrypt_text(token: str, *, context: str) -> str:
    return decrypt(token, context=context).decode()


def blind_index(text: str, *, context: str) -> str:
    """Return a keyed digest by which an encrypted text can be found without opening every row."""
    return blind_indexes(text, context=context)[0]


def blind_indexes(text: str, *, context: str) -> tuple[str, ...]:
    """Return the digest under every configured key, the current one first (for searching in a rotation)."""
    message = f"{context}\n{text}".encode()
    return tuple(
        hmac.new(derive(key, b"blind-index"), message, hashlib.sha256).hexdigest() for key in current_keys()
    )


def current_keys() -> tuple[bytes, ...]:
    keys: tuple[bytes, ...] = settings.INTEGRA_NAME_KEYS
    return keys


def key_id(key: bytes) -> str:
    return derive(key, b"key-id").hex()[:8]


def derive(key: bytes, label: bytes) -> bytes:
    return hmac.new(key, b"integra:" + label, hashlib.sha256).digest()
