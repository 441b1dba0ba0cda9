"""Numbers as people in Ecuador type them, and the ranges of scores.

Which mark is the decimal one (`parse_decimal`):

1. Both marks present: the last one is decimal, the other groups thousands in threes
   ("1.013,50" and "1,013.50" are both 1013.50).
2. One mark, several times: it groups thousands ("1.013.500").
3. One point with one to three digits before it, the first not 0, and exactly three behind: thousands, as
   the course prints them ("1.013" is one thousand and thirteen).
4. Otherwise the mark is decimal ("1,5", "1,013", "0.55", "0.550", "1234.567", ",50").
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from integra_grading.errors import InvalidScoreError, NumberError
from integra_grading.sentences import sentence

MAX_TEXT_LENGTH = 24
MAX_WHOLE_DIGITS = 12
MAX_PLACES = 6
# A computed value of many digits must still be shown: 28, the usual precision, would refuse to add decimals.
_SHOWING = Context(prec=400)

_PREFIX = re.compile(r"(?:\$|USD)[ \u00a0]*", re.IGNORECASE)
_BODY = re.compile(r"([-\u2212]?)([0-9.,]+)")
_DECIMAL = re.compile(r"([0-9]*)(?:[.,]([0-9]+))?")
_THOUSANDS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}
_PLAIN = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")


def parse_decimal(
    text: object, *, field: str = "", places: int = MAX_PLACES, negative: bool = True
) -> Decimal:
    """Return the number a person typed.

    Args:
        text: As typed: "1.013,50", "$ 1,50", "1,5", "0.55". Blanks around it and a leading "$" or "USD"
            are ignored. The rule for the decimal mark stands at the head of this module.
        field: Named in the error.
        places: Most digits behind the decimal mark, 0 to 6.
        negative: Whether a number below zero is allowed.

    Returns:
        A finite Decimal with at most 12 digits before and ``places`` behind the decimal mark.

    Raises:
        NumberError: ``empty_number``, ``not_a_number`` (also NaN, 1e5, full-width digits and groups that
            are not of three), ``too_long``, ``too_many_decimals``, ``negative_number``.

    Invariants: ``parse_decimal(format_decimal(x, p)) == x`` for every x with at most p ≤ 2 decimals.
    """
    if not isinstance(text, str):
        raise _refusal("not_a_number", field)
    if len(text) > MAX_TEXT_LENGTH:
        raise _refusal("too_long", field)
    typed = text.strip(" \t\n\u00a0")
    if not typed:
        raise _refusal("empty_number", field)
    prefix = _PREFIX.match(typed)
    body = _BODY.fullmatch(typed[prefix.end() :] if prefix else typed)
    plain = _plain(body[2]) if body else None
    if body is None or plain is None:
        raise _refusal("not_a_number", field)
    whole, _, fraction = plain.partition(".")
    if len(whole.lstrip("0")) > MAX_WHOLE_DIGITS:
        raise _refusal("too_long", field)
    if len(fraction) > places:
        raise _refusal("too_many_decimals", field, places=places)
    value = Decimal(plain)
    if body[1] and value:
        if not negative:
            raise _refusal("negative_number", field)
        return -value
    return value


def parse_integer(text: object, *, field: str = "", negative: bool = False) -> int:
    """Return the whole number a person typed; "1.013" is one thousand and thirteen.

    Raises:
        NumberError: As ``parse_decimal``; ``too_many_decimals`` also for "3,0".
    """
    return int(parse_decimal(text, field=field, places=0, negative=negative))


def parse_plain_decimal(text: object, *, field: str = "") -> Decimal:
    """Return a number from a file: ASCII digits, optional sign, a point before the decimals, nothing else.

    Raises:
        NumberError: ``not_a_number``.
    """
    if not isinstance(text, str) or _PLAIN.fullmatch(text) is None:
        raise NumberError("not_a_number", field, "A plain decimal such as 300 or 0.45 is expected.")
    return Decimal(text)


def format_decimal(value: Decimal, places: int) -> str:
    """Return ``value`` as the course prints numbers: point for thousands, comma for decimals.

    Args:
        value: A finite number.
        places: Digits behind the comma, 0 to 6; rounded half away from zero.
    """
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_SHOWING)
    shown = rounded if rounded else abs(rounded)  # nobody reads "-0,00"
    return f"{shown:,f}".translate(str.maketrans(",.", ".,"))


def require_proportion(name: str, value: float) -> float:
    """Return ``value`` if it is in [0, 1], else raise.

    Raises:
        InvalidScoreError: ``not_a_proportion``.
    """
    # Written as a negated range: every comparison with NaN is false, so NaN is refused too.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
        raise InvalidScoreError("not_a_proportion", name, "A number from 0 to 1 is expected.")
    return value


def require_count(name: str, value: int, *, maximum: int | None = None) -> int:
    """Return ``value`` if it is an integer from 0 to ``maximum``, else raise.

    Raises:
        InvalidScoreError: ``not_a_count`` for another type or below 0, ``too_large`` above ``maximum``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidScoreError("not_a_count", name, "A whole number from 0 is expected.")
    if maximum is not None and value > maximum:
        raise InvalidScoreError("too_large", name, f"At most {maximum} is possible.")
    return value


def proportion(score: int, max_score: int) -> float:
    """Return ``score / max_score``, in [0, 1].

    Raises:
        InvalidScoreError: ``max_score`` is not at least 1, or ``score`` is outside [0, max_score].
    """
    require_count("max_score", max_score)
    if max_score == 0:
        raise InvalidScoreError("not_a_count", "max_score", "A form needs at least one point.")
    return require_count("score", score, maximum=max_score) / max_score


def _plain(body: str) -> str | None:
    """Return ``body`` with a point before its decimals and no thousands marks, or None."""
    last = "," if body.rfind(",") > body.rfind(".") else "."
    other = "." if last == "," else ","
    if other in body:
        whole, _, fraction = body.rpartition(last)
        if _THOUSANDS[other].fullmatch(whole) is None or not fraction:
            return None
        return f"{whole.replace(other, '')}.{fraction}"
    if body.count(last) > 1 or (last == "." and _THOUSANDS["."].fullmatch(body)):
        return body.replace(last, "") if _THOUSANDS[last].fullmatch(body) else None
    match = _DECIMAL.fullmatch(body)
    if match is None:
        return None
    return f"{match[1] or '0'}.{match[2]}" if match[2] else match[1]


def _refusal(code: str, field: str, **values: int) -> NumberError:
    return NumberError(code, field, sentence(code, **values))
