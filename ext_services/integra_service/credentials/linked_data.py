"""JSON-LD of our documents: pinned contexts, canonical form, and the check that JSON and signed data agree.

A Data Integrity proof signs the RDF dataset, not the JSON. A holder may therefore re-spell a signed document so
that a member disappears from the JSON (its key written as a full IRI, hidden behind an alias or in a nested
context) while the signature stays valid; and PyLD drops what no context defines without a word. Both are caught
by one rule: a document must equal the compacted form of its own expansion under contexts from the fixed list.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any

from cachetools import LRUCache
from pyld import jsonld

JsonObject = dict[str, Any]

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES_V3 = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"

_FOLDER = Path(__file__).parent / "contexts"
_PINNED = {
    CREDENTIALS_V2: (
        "credentials-v2.json",
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    ),
    OPEN_BADGES_V3: (
        "ob-v3p0-context-3.0.3.json",
        "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
    ),
}

_MAX_DEPTH = 12
_MAX_VALUES = 600


class LinkedDataError(ValueError):
    """The document cannot be read as linked data under our contexts; ``code`` says why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def _read_contexts() -> dict[str, JsonObject]:
    contexts = {}
    for url, (file_name, digest) in _PINNED.items():
        raw = (_FOLDER / file_name).read_bytes()
        if hashlib.sha256(raw).hexdigest() != digest:
            raise LinkedDataError("context_changed", f"{file_name} is not the context it was pinned as.")
        contexts[url] = json.loads(raw)
    return contexts


_CONTEXTS = _read_contexts()


def dump(document: JsonObject) -> bytes:
    """Return the compact UTF-8 form in which documents are stored and served."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def load_context(url: str, _options: object = None) -> JsonObject:
    """Return a pinned context in PyLD's form; nothing is ever fetched."""
    if url not in _CONTEXTS:
        raise LinkedDataError("unknown_context", f"The context {url!r} is not on the list.")
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": _CONTEXTS[url],
        # PyLD keeps what it makes of a context that never changes; otherwise each operation starts from its text.
        "tag": "static",
    }


_OPTIONS = {"documentLoader": load_context}
# PyLD keeps resolved contexts in a cache that two threads must not change at once; so do we.
_LOCK = RLock()
_SCOPED_CONTEXTS = 64


class _Processor(jsonld.JsonLdProcessor):  # type: ignore[misc]  # PyLD has no types
    """PyLD's processor that makes the context of each type once.

    PyLD remembers what it made of a context by the identity of the one around it. For the context that a type brings
    along (one that does not propagate) it copies the one around first, and the copy has a new identity each time: it is
    made anew for every typed node of every document, which takes half of all the time. What it makes follows from
    the two contexts alone.
    """

    _made: LRUCache[tuple[Any, ...], tuple[Any, Any]] = LRUCache(_SCOPED_CONTEXTS)

    def _process_context(
        self,
        active_ctx: Any,
        local_ctx: Any,
        options: Any,
        override_protected: bool = False,
        propagate: bool = True,
        validate_scoped: bool = True,
        cycles: Any = None,
    ) -> Any:
        rest = (options, override_protected, propagate, validate_scoped, cycles)
        if propagate or "_uuid" not in active_ctx:
            return super()._process_context(active_ctx, local_ctx, *rest)
        key = (active_ctx["_uuid"], id(local_ctx), override_protected, validate_scoped)
        if key not in self._made:
            # Kept together with what the identity is of, so that nothing else can take it over.
            self._made[key] = local_ctx, super()._process_context(active_ctx, local_ctx, *rest)
        return self._made[key][1]


_PROCESSOR = _Processor()


def canonicalize(document: JsonObject) -> bytes:
    """Return the canonical N-Quads (RDFC-1.0) of ``document``."""
    with _LOCK:
        return _canonicalize(json.dumps(document))


# A document is signed, compared with its compacted form and verified within a moment. All three begin with the same
# expansion, which takes most of the time and follows from the JSON's text alone.
_REMEMBERED = 16


@lru_cache(maxsize=_REMEMBERED)
def _expand(spelled: str) -> Any:
    return _PROCESSOR.expand(json.loads(spelled), _OPTIONS)


@lru_cache(maxsize=_REMEMBERED)
def _canonicalize(spelled: str) -> bytes:
    options = {**_OPTIONS, "algorithm": "URDNA2015", "format": "application/n-quads"}
    return str(_PROCESSOR.normalize(_expand(spelled), options)).encode("utf-8")


def check_shape(document: JsonObject) -> None:
    """Refuse what could make canonicalisation expensive or ambiguous, before any JSON-LD is processed.

    Our documents hold objects, arrays of distinct values, strings and booleans, and never name a blank node, so
    that blank nodes form trees without equal siblings: the cases in which RDFC-1.0 takes factorial time cannot be
    written. Numbers have several spellings for one RDF literal and are not used.
    """
    for count, (depth, key, value) in enumerate(_walk(document)):
        if count > _MAX_VALUES or depth > _MAX_DEPTH:
            raise LinkedDataError("too_large", "The document holds more values than any of ours does.")
        if key.startswith("@") and not (depth == 1 and key == "@context"):
            raise LinkedDataError("unexpected_keyword", f"{key} may not stand there.")
        if isinstance(value, str) and value.startswith("_:"):
            raise LinkedDataError("blank_node_label", "A blank node may not be named.")
        if isinstance(value, list):
            spelled = [json.dumps(item, sort_keys=True, default=str) for item in value]
            if any(isinstance(item, list) for item in value) or len(set(spelled)) != len(spelled):
                raise LinkedDataError("ambiguous_array", f"{key} holds an array or a value twice.")
        elif not isinstance(value, str | bool | dict):
            raise LinkedDataError("unexpected_value", f"{key} is neither text, true, false, list nor object.")


def _walk(document: JsonObject) -> Iterator[tuple[int, str, Any]]:
    """Yield (depth, key, value) of every value; depth counts from 1 for the top-level members."""
    stack: list[tuple[int, str, Any]] = [(1, key, value) for key, value in document.items()]
    while stack:
        depth, key, value = stack.pop()
        yield depth, key, value
        if depth > _MAX_DEPTH:
            continue
        if isinstance(value, dict):
            stack.extend((depth + 1, inner_key, inner) for inner_key, inner in value.items())
        elif isinstance(value, list):
            # An item has no key of its own.
            stack.extend((depth + 1, "", item) for item in value)


def check_compacted_form(document: JsonObject) -> None:
    """Refuse a document whose JSON says anything else than the data its signature covers."""
    try:
        with _LOCK:
            expanded = _expand(json.dumps(document))
            compacted = _PROCESSOR.compact(
                expanded, document["@context"], {**_OPTIONS, "skipExpansion": True}
            )
    except jsonld.JsonLdError as error:
        raise LinkedDataError("not_linked_data", "The document cannot be expanded.") from error
    if _one_spelling(compacted) != _one_spelling(document):
        raise LinkedDataError(
            "not_compacted_form", "The document says in JSON something else than what is signed."
        )


def _one_spelling(value: Any) -> Any:
    """Return ``value`` with one-element arrays replaced by their element, the one difference JSON-LD ignores."""
    if isinstance(value, dict):
        return {key: _one_spelling(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_one_spelling(item) for item in value]
        return items[0] if len(items) == 1 else items
    # In Python True equals 1; in JSON it does not.
    return (type(value), value)
