"""One byte form of JSON-shaped data, so that equal data have equal digests everywhere."""

from __future__ import annotations

import hashlib
import json
import re

from integra_grading.errors import CanonicalError

MAX_DEPTH = 64
# RFC 7493: beyond this, JavaScript and several JSON readers silently change the number.
MAX_INTEGER = 2**53 - 1

_BAD = re.compile("[\x00\ud800-\udfff]")


def canonical_json(value: object) -> bytes:
    """Return the canonical JSON of ``value``: sorted keys, no blanks, UTF-8, nothing escaped needlessly.

    Args:
        value: Strings, integers, booleans, ``None``, lists, tuples, and dictionaries with string keys.

    Returns:
        Bytes; keys are sorted by code point, tuples are written as arrays.

    Raises:
        CanonicalError: ``not_canonical`` for a float (it has several spellings), a foreign type or a key
            that is not a string; ``integer_too_large``; ``bad_character`` for NUL or a lone surrogate;
            ``too_deep`` beyond 64 levels.

    Invariants: independent of the order of keys; ``json.loads`` gives back an equal value.
    """
    if not _is_canonical(value, MAX_DEPTH):
        _check(value, at="", depth=0)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(value: object) -> str:
    """Return SHA-256 of the canonical JSON of ``value`` as 64 lower-case hexadecimal digits.

    Raises:
        CanonicalError: As ``canonical_json``.
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _is_canonical(value: object, depth: int) -> bool:
    """Return whether ``_check`` would find nothing; it keeps no path, which costs most of the time."""
    if depth < 0:
        return False
    if isinstance(value, str):
        return _BAD.search(value) is None
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and _BAD.search(key) is None and _is_canonical(child, depth - 1)
            for key, child in value.items()
        )
    if isinstance(value, (list, tuple)):
        return all(_is_canonical(child, depth - 1) for child in value)
    if isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return value is None


def _check(value: object, *, at: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CanonicalError("too_deep", "", f"More than {MAX_DEPTH} levels of nesting.")
    if isinstance(value, str):
        _check_text(value, at=at)
    elif isinstance(value, dict):
        for key, child in value.items():
            if not isinstance(key, str):
                raise CanonicalError("not_canonical", at, "Every key must be a string.")
            _check_text(key, at=at)
            _check(child, at=f"{at}.{key}" if at else key, depth=depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            _check(child, at=f"{at}[{index}]", depth=depth + 1)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise CanonicalError("integer_too_large", at, "An integer beyond 2^53 - 1.")
    elif value is not None:
        raise CanonicalError("not_canonical", at, f"{type(value).__name__} has no canonical form.")


def _check_text(text: str, *, at: str) -> None:
    if _BAD.search(text) is not None:
        raise CanonicalError("bad_character", at, "NUL or half a character pair.")
