"""Short codes: how a learner names themself to the programme's staff without saying a name."""

from uuid import UUID

# Crockford's base 32: no I, L, O, U, so that a code read aloud or from paper survives.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
MISREAD = str.maketrans("ILO", "110")


def short_code(learner_uuid: UUID) -> str:
    """Return the code of a learner, for example ``7K3M-9QZF``.

    It follows from the first 40 bits of the pseudonym, so that classroom and service show the same code
    without telling each other. Two learners may share one (likely once there are a million of them):
    whoever searches must be ready to see more than one.

    Source: alphabet of Crockford, "Base 32" (2019).

    Invariants: normalize_short_code(short_code(u)) == short_code(u).
    """
    number = int.from_bytes(learner_uuid.bytes[:5], "big")
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5)]
    return "".join(digits[:4]) + "-" + "".join(digits[4:])


def normalize_short_code(text: str) -> str | None:
    """Return the code a person meant, or None where the text cannot be one.

    Args:
        text: As typed: any case, with or without dash and blanks, I and L for 1, O for 0.
    """
    bare = text.upper().replace("-", "").replace(" ", "").translate(MISREAD)
    if len(bare) != LENGTH or any(character not in ALPHABET for character in bare):
        return None
    return f"{bare[:4]}-{bare[4:]}"
