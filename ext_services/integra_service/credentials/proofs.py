"""Data Integrity proofs with the cryptosuite eddsa-rdfc-2022.

Source: W3C "Data Integrity EdDSA Cryptosuites v1.0", section 3.2: the signature is Ed25519 over
SHA-256(canonical proof configuration) followed by SHA-256(canonical document).
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .linked_data import JsonObject, canonicalize
from .multibase import MultibaseError, decode_base58, encode_base58

CRYPTOSUITE = "eddsa-rdfc-2022"


class Signs(Protocol):
    """A private key, wherever it is kept: all that is ever asked of it is a signature."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the signature's 64 bytes."""


@dataclass(frozen=True, slots=True)
class SigningMethod:
    """A private key together with the DID URL under which its public half is published."""

    verification_method: str
    private_key: Signs


def sign(document: JsonObject, method: SigningMethod, *, created: str) -> JsonObject:
    """Return ``document`` with its proof, an array of one as 1EdTech's JSON Schema demands."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "created": created,
        "verificationMethod": method.verification_method,
        "proofPurpose": "assertionMethod",
    }
    signature = method.private_key.sign(hash_data(document, proof))
    return {**document, "proof": [{**proof, "proofValue": encode_base58(signature)}]}


def is_signed_by(document: JsonObject, proof: JsonObject, public_key: Ed25519PublicKey) -> bool:
    """Tell whether ``proof`` is this key's signature of ``document`` (both without the other)."""
    configuration = {key: value for key, value in proof.items() if key != "proofValue"}
    try:
        signature = decode_base58(proof["proofValue"], length=64)
        public_key.verify(signature, hash_data(document, configuration))
    except (MultibaseError, InvalidSignature):
        return False
    return True


def hash_data(document: JsonObject, proof: JsonObject) -> bytes:
    """Return the bytes that are signed."""
    configuration = {"@context": document["@context"], **proof}
    return b"".join(hashlib.sha256(canonicalize(part)).digest() for part in (configuration, document))
