"""Items: what is asked, what counts as right, and what the learner is told.

Each kind of item is one small class in ``_KINDS``; the public functions know no kind by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from html import unescape
from itertools import pairwise
from typing import Any, Protocol

from integra_grading.canonical import digest
from integra_grading.errors import GradingError, ItemError, NumberError, ResponseError
from integra_grading.numbers import parse_decimal
from integra_grading.ordering import shuffle
from integra_grading.sentences import sentence
from integra_grading.wire import KEY, Choice, DecimalText, Flag, Many, Record, Text, refusing_as, wire

# What the block itself offers in the pre-test ("No lo sé"); no item may use it as an option.
UNKNOWN_OPTION = "no_lo_se"

_HTML = Text(8000, multiline=True)
_FEEDBACK = Text(4000, multiline=True, minimum=0)


class ItemKind(StrEnum):
    SINGLE = "single"
    NUMERIC = "numeric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a single-choice item; ``error`` names the mistake that leads to it."""

    key: str = wire(KEY)
    text: str = wire(_HTML)
    feedback: str = wire(_FEEDBACK, optional=True, default="")
    is_correct: bool = wire(Flag(), optional=True, default=False, name="correct")
    error: str | None = wire(KEY, optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericAnswer:
    """The key of a numeric item: right within ``absolute`` of ``value``, both ends included."""

    value: Decimal = wire(DecimalText())
    absolute: Decimal = wire(DecimalText())
    unit: str = wire(Text(40, minimum=0), optional=True, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a numeric item says."""

    correct: str = wire(_FEEDBACK, optional=True, default="")
    wrong: str = wire(_FEEDBACK, optional=True, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The smallest scored question; well formed by construction.

    Raises:
        ItemError: On construction, when the parts do not fit the kind.
    """

    key: str = wire(KEY)
    kind: ItemKind = wire(Choice(ItemKind))
    outcome: str = wire(KEY)
    level: str = wire(KEY)
    stem: str = wire(_HTML)
    options: tuple[Option, ...] = wire(Many(Record(Option), 12), optional=True, default=())
    answer: NumericAnswer | None = wire(Record(NumericAnswer), optional=True)
    feedback: Feedback | None = wire(Record(Feedback), optional=True)
    form: str | None = wire(KEY, optional=True)
    twin: str | None = wire(KEY, optional=True)
    stratum: str | None = wire(KEY, optional=True)

    def __post_init__(self) -> None:
        _KINDS[self.kind].check(self)

    @classmethod
    def from_dict(cls, raw: object) -> Item:
        """Return the item of its JSON form; never raises anything but ItemError."""
        with refusing_as(ItemError):
            item: Item = Record(cls).read(raw, "")
            return item

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what is absent is left out, so that one item has one form."""
        return Record(Item).write(self)


@dataclass(frozen=True, slots=True)
class Response:
    """What a learner answered: an option's key, or a number with its text as typed."""

    option: str | None = None
    number: str | None = None
    value: Decimal | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the learner said "No lo sé"."""
        return self.option == UNKNOWN_OPTION

    def to_dict(self) -> dict[str, str]:
        """Return the form on the wire."""
        return {"number": self.number} if self.number is not None else {"option": self.option or ""}


@dataclass(frozen=True, slots=True)
class ItemScore:
    """Points earned and possible, as integers."""

    points: int
    max_points: int


def item_digest(item: Item) -> str:
    """Return the digest of everything an item is, answer key included."""
    return digest(item.to_dict())


def bank_digest(items: Iterable[tuple[str, str]]) -> str:
    """Return the digest of a bank from its (item key, item digest) pairs.

    Invariants: independent of their order.
    """
    return digest(sorted([key, value] for key, value in items))


def parse_response(item: Item, raw: object, allow_unknown: bool) -> Response:
    """Return the response to ``item`` that came from a browser.

    Args:
        item: The item it answers.
        raw: ``{"option": "a"}``, ``{"number": "1.013,5"}`` or ``{"option": "no_lo_se"}``; any JSON.
        allow_unknown: Whether "No lo sé" is offered (pre-test only).

    Raises:
        ResponseError: ``not_a_response`` (another shape), ``unknown_option``, ``unknown_not_allowed``, or a
            code of ``parse_decimal``. The message is Spanish and meant for the learner.
    """
    if not isinstance(raw, dict) or len(raw) != 1:
        raise _refused("not_a_response", "")
    if raw.get("option") == UNKNOWN_OPTION:
        if not allow_unknown:
            raise _refused("unknown_not_allowed", "option")
        return Response(option=UNKNOWN_OPTION)
    return _KINDS[item.kind].parse_response(item, raw)


def score_response(item: Item, response: Response | None) -> ItemScore:
    """Return the points of ``response``; no response and "No lo sé" earn 0 of the same maximum.

    Invariants: ``0 <= points <= max_points``.
    """
    right = response is not None and not response.is_unknown and _KINDS[item.kind].is_right(item, response)
    return ItemScore(points=int(right), max_points=1)


def feedback_for(item: Item, response: Response) -> str:
    """Return the HTML the learner reads after answering; empty for "No lo sé" and where none is written."""
    return "" if response.is_unknown else _KINDS[item.kind].feedback(item, response)


def presentation(item: Item, seed: str) -> tuple[str, ...]:
    """Return the option keys in the order in which one learner sees them.

    Options that begin with ascending numbers stay in order; others go by SHA-256(seed, item, option).

    Args:
        item: Any item.
        seed: For example the attempt's uuid; the same seed gives the same order.

    Returns:
        A permutation of the option keys; empty for kinds without options.

    Source: dossier 5.1 and 5.4.
    """
    keys = tuple(option.key for option in item.options)
    numbers = [_leading_number(option.text) for option in item.options]
    known = [number for number in numbers if number is not None]
    if len(known) == len(keys) and all(low < high for low, high in pairwise(known)):
        return keys
    return shuffle(keys, seed=f"{seed}/{item.key}")


class _Kind(Protocol):
    def check(self, item: Item) -> None: ...
    def parse_response(self, item: Item, raw: dict[str, object]) -> Response: ...
    def is_right(self, item: Item, response: Response) -> bool: ...
    def feedback(self, item: Item, response: Response) -> str: ...


class _Single:
    """One option of several is right."""

    def check(self, item: Item) -> None:
        if item.answer is not None or item.feedback is not None:
            raise ItemError(
                "wrong_parts", "answer", "A single-choice item has its key and feedback in its options."
            )
        keys = [option.key for option in item.options]
        if len(keys) < 2:
            raise ItemError("too_few_options", "options", "At least two options are needed.")
        if len(set(keys)) != len(keys):
            raise ItemError("duplicate_key", "options", "Two options have the same key.")
        if UNKNOWN_OPTION in keys:
            raise ItemError("reserved_key", "options", f"{UNKNOWN_OPTION} is added by the pre-test itself.")
        if sum(option.is_correct for option in item.options) != 1:
            raise ItemError("not_one_correct", "options", "Exactly one option must be correct.")

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        if "option" not in raw or not isinstance(raw["option"], str):
            raise _refused("not_a_response", "option")
        if all(option.key != raw["option"] for option in item.options):
            raise _refused("unknown_option", "option")
        return Response(option=raw["option"])

    def is_right(self, item: Item, response: Response) -> bool:
        return self._chosen(item, response).is_correct

    def feedback(self, item: Item, response: Response) -> str:
        return self._chosen(item, response).feedback

    def _chosen(self, item: Item, response: Response) -> Option:
        for option in item.options:
            if option.key == response.option:
                return option
        raise _refused("unknown_option", "option")


class _Numeric:
    """A number is typed; right within a stated distance."""

    def check(self, item: Item) -> None:
        if item.answer is None or item.options:
            raise ItemError("wrong_parts", "answer", "A numeric item has an answer and no options.")
        if item.answer.absolute < 0:
            raise ItemError("out_of_range", "answer.absolute", "The distance allowed cannot be negative.")

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        if "number" not in raw or not isinstance(raw["number"], str):
            raise _refused("not_a_response", "number")
        try:
            value = parse_decimal(raw["number"], field="number")
        except NumberError as error:
            raise ResponseError(error.code, error.field, error.message) from None
        return Response(number=raw["number"], value=value)

    def is_right(self, item: Item, response: Response) -> bool:
        if item.answer is None or response.value is None:
            raise _refused("not_a_response", "number")
        return abs(response.value - item.answer.value) <= item.answer.absolute

    def feedback(self, item: Item, response: Response) -> str:
        feedback = item.feedback or Feedback()
        return feedback.correct if self.is_right(item, response) else feedback.wrong


_KINDS: dict[ItemKind, _Kind] = {ItemKind.SINGLE: _Single(), ItemKind.NUMERIC: _Numeric()}


def _leading_number(html: str) -> Decimal | None:
    text = unescape(re.sub(r"<[^>]*>", "", html)).strip()
    match = re.match(r"(?:\$|USD)?\s*[-\u2212]?[0-9][0-9.,]*", text)
    try:
        return parse_decimal(match[0].rstrip(".,")) if match else None
    except GradingError:
        return None


def _refused(code: str, field: str) -> ResponseError:
    return ResponseError(code, field, sentence(code))
