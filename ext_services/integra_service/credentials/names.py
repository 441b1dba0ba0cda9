"""The name check: a credential's signed body holds a salted hash of the name, never the name.

The normalisation is part of every signature already made and must not change
(docs/decisions/0006-names-outside-the-signed-body.md).
"""

import hashlib
import hmac
import re
import unicodedata

# Copying a right-to-left name out of a PDF or a chat adds these invisible marks.
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def normalize_name(name: str) -> str:
    """Return the form of ``name`` that is hashed: NFC, blanks collapsed, case folded, no direction marks."""
    composed = unicodedata.normalize("NFC", _DIRECTION_MARKS.sub("", name))
    folded = " ".join(composed.split()).casefold()
    # Folding can decompose a letter (U+0390); two spellings of a name must end as one.
    return unicodedata.normalize("NFC", folded)


def hash_name(name: str, salt: str) -> str:
    """Return the ``identityHash`` of Open Badges 3.0: SHA-256 over the identity followed by the salt."""
    return "sha256$" + hashlib.sha256((normalize_name(name) + salt).encode("utf-8")).hexdigest()


def is_name_of(name: str, *, salt: str, identity_hash: str) -> bool:
    """Tell whether ``name`` is the one that was hashed."""
    try:
        computed = hash_name(name, salt)
    except UnicodeEncodeError:  # half of a surrogate pair is nobody's name
        return False
    return hmac.compare_digest(computed.encode("ascii"), identity_hash.encode("utf-8"))
