"""Which characters a text may hold."""

from __future__ import annotations

import re
import unicodedata

# NUL, control characters, lone surrogates and non-characters: databases, XML or JSON readers break on them.
_NEVER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# On one line also no line break, tab or bidirectional override, which lets a text pose as another.
_NOT_ON_ONE_LINE = re.compile("[\t\n\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def has_bad_character(text: str, *, multiline: bool) -> bool:
    """Return whether ``text`` holds a character that is never stored.

    Args:
        text: Any string.
        multiline: Line feed and tab are allowed; otherwise they and bidirectional overrides are not.

    Source: reliability rules for free text; measured failures of PostgreSQL, lxml and JSON readers.
    """
    if _NEVER.search(text) is not None:
        return True
    return not multiline and _NOT_ON_ONE_LINE.search(text) is not None


def normalise(text: str) -> str:
    """Return ``text`` with one kind of line end, composed (NFC) and without blanks around it.

    Invariants: idempotent.
    """
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
