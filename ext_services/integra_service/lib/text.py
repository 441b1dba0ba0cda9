"""People's text: one spelling, nothing that can hide or reorder it."""

import re
import unicodedata

from django.utils.translation import gettext as _

from .errors import RequestError

MAX_NAME_LENGTH = 150
# Overrides and isolates can make a name read as another one: refused. Marks are invisible company of a
# right-to-left name that was copied from somewhere: dropped. Joiners belong to Persian: kept.
BIDI_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
DIRECTION_MARKS = {0x061C: None, 0x200E: None, 0x200F: None}
JOINERS = frozenset("\u200c\u200d")
BLANKS = re.compile(r"\s+")
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn"})
MAX_MARKS_IN_A_ROW = 6


class TextError(RequestError):
    """A text that cannot be kept as typed."""


def clean_name(raw: str) -> str:
    """Return a person's name in its one stored spelling: NFC, blanks collapsed; or raise TextError.

    One mandatory line of 1 to 150 characters; single names, apostrophes, any script; capitals stay as typed.
    """
    text = unicodedata.normalize("NFC", raw.translate(DIRECTION_MARKS))
    text = BLANKS.sub(" ", text).strip()
    if not text:
        raise TextError("name_empty", _("Write your name."), "name")
    if len(text) > MAX_NAME_LENGTH:
        raise TextError("name_too_long", _("The name is longer than 150 characters."), "name")
    for character in text:
        if character in BIDI_OVERRIDES or is_refused(character):
            raise TextError("name_character", _("The name has a character that cannot be used."), "name")
    if not any(unicodedata.category(character).startswith("L") for character in text):
        raise TextError("name_without_letters", _("The name needs at least one letter."), "name")
    if re.search(
        f"[\u0300-\u036f\u0483-\u0489\u1dc0-\u1dff\u20d0-\u20f0]{{{MAX_MARKS_IN_A_ROW + 1},}}", text
    ):
        raise TextError("name_character", _("The name has a character that cannot be used."), "name")
    return text


def is_refused(character: str) -> bool:
    category = unicodedata.category(character)
    if character in JOINERS:
        return False
    return category in REFUSED_CATEGORIES or category in {"Cf", "Zl", "Zp"}


def fold_words(text: str) -> tuple[str, ...]:
    """Return the words of a name without case and accents, each once, for finding it."""
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", text.casefold())
        if not unicodedata.combining(character)
    )
    return tuple(dict.fromkeys(re.findall(r"\w+", bare)))
