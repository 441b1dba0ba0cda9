"""JSON as machines must write it: bounded depth, no duplicate members, no NaN, valid UTF-8."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from typing import Any, NoReturn

from .errors import RequestError

MAX_DEPTH = 32
# Left out as a whole, so that a bracket inside does not count. Possessive, and an unfinished one goes to the end:
# otherwise the search would begin anew at each of its quotes.
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class JsonError(RequestError):
    """A body that is not acceptable JSON."""


def parse_json(body: bytes) -> Any:
    """Return the parsed body or raise JsonError. Numbers with a fraction or exponent become Decimal."""
    require_depth(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError("not_utf8", "The body is not valid UTF-8.") from error
    try:
        return json.loads(
            text, object_pairs_hook=refuse_duplicates, parse_constant=refuse_constant, parse_float=Decimal
        )
    except ValueError as error:  # also an integer of thousands of digits
        raise JsonError("not_json", "The body is not valid JSON.") from error


def require_depth(body: bytes) -> None:
    """Refuse deep nesting before the parser, which would end in RecursionError."""
    brackets = STRING.sub(b"", body).translate(None, NO_BRACKETS)
    if max(accumulate(STEPS[bracket] for bracket in brackets), default=0) > MAX_DEPTH:
        raise JsonError("too_deep", f"The body is nested deeper than {MAX_DEPTH} levels.")


def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError("duplicate_member", "The body names one member twice.")
    return members


def refuse_constant(name: str) -> NoReturn:
    raise JsonError("not_a_number", f"{name} is not JSON.")


def find_unstorable_text(value: Any, path: str = "") -> str | None:
    """Return the path of the first text no database keeps (NUL, lone surrogate), or None."""
    for where, text in walk_texts(value, path):
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            return where
    return None


def walk_texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield path, name
            yield from walk_texts(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from walk_texts(part, f"{path}[{index}]")
