"""The short code a learner can read aloud and staff can type."""

from __future__ import annotations

import hashlib
from uuid import UUID

from integra_grading.errors import PseudonymError

# No vowels (no words by accident), no 0/O, 1/I/L, no U/V mix-up by sound.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
LENGTH = 8


def short_code(learner_uuid: UUID) -> str:
    """Return the learner's short code, for example ``K7QM-2XRD``.

    The first eight base-28 digits of SHA-256 of the uuid's text. About 38 bits: with 100,000 learners the
    chance that any two share a code is about 1 %, so whoever looks a person up by code must expect two.

    Returns:
        Nine characters: four, a hyphen, four; none of them can be taken for another.

    Invariants: depends on the uuid alone; ``read_short_code(short_code(u)) == short_code(u)``.
    """
    number = int.from_bytes(hashlib.sha256(str(learner_uuid).encode()).digest())
    letters = []
    for _ in range(LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def read_short_code(text: object) -> str:
    """Return the code a person typed in its one spelling (``k7qm 2xrd`` → ``K7QM-2XRD``).

    Raises:
        PseudonymError: ``bad_short_code``; anything that is not eight characters of the alphabet.
    """
    typed = text if isinstance(text, str) and len(text) <= 20 else ""
    letters = typed.upper().replace("-", "").replace(" ", "")
    if len(letters) != LENGTH or any(letter not in ALPHABET for letter in letters):
        raise PseudonymError(
            "bad_short_code", "short_code", "El código tiene 8 letras o números, como K7QM-2XRD."
        )
    return f"{letters[:4]}-{letters[4:]}"
