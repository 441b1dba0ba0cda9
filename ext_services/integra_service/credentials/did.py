"""did:web: the issuer's identifier is its web address, its keys stand in a document under that address."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from .linked_data import JsonObject
from .multibase import MultibaseError
from .multikey import PublicKey, decode_public_key

# The DID context first: jsonld-signatures frames the document otherwise.
CONTEXTS = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]


class DidError(ValueError):
    """The DID document does not give the key."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key as the DID document shows it; ``fragment`` never spells the key itself."""

    fragment: str
    public_key: str


def make_did(origin: str) -> str:
    """Return the did:web of an origin; the colon before a port is percent-encoded."""
    return f"did:web:{quote(urlsplit(origin).netloc, safe='')}"


def document_url(did: str, *, scheme: str = "https") -> str:
    """Return where the document of a did:web without a path is published."""
    host = unquote(did.removeprefix("did:web:"))
    return f"{scheme}://{host}/.well-known/did.json"


def build_document(did: str, keys: Iterable[PublishedKey]) -> JsonObject:
    """Return the DID document; every key in it may sign and have signed credentials."""
    methods = [
        {
            "id": f"{did}#{key.fragment}",
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": key.public_key,
        }
        for key in keys
    ]
    return {
        "@context": CONTEXTS,
        "id": did,
        "verificationMethod": methods,
        # 1EdTech's resolver reads strings and compares absolute ids.
        "assertionMethod": [method["id"] for method in methods],
    }


def find_assertion_key(document: JsonObject, did: str, method_id: str) -> PublicKey:
    """Return the key ``method_id`` that ``document`` lets ``did`` make assertions with, or raise DidError.

    The key comes from the document alone. A fragment that happens to spell a key means nothing: whoever takes it
    at its word accepts anybody's signature.
    """
    methods = document.get("verificationMethod")
    allowed = document.get("assertionMethod")
    if document.get("id") != did or not isinstance(methods, list) or not isinstance(allowed, list):
        raise DidError("the DID document is not this issuer's")
    if method_id not in allowed:
        raise DidError("the key may not make assertions")
    found = [method for method in methods if isinstance(method, dict) and method.get("id") == method_id]
    if len(found) != 1 or found[0].get("type") != "Multikey" or found[0].get("controller") != did:
        raise DidError("the DID document does not hold the key")
    try:
        return decode_public_key(str(found[0].get("publicKeyMultibase")))
    except MultibaseError as error:
        raise DidError("the key cannot be read") from error
