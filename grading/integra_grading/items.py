"""Items: what is asked, what counts as right, and what the learner is told.

What items are made of stands in ``item_parts``, what tells the kinds apart in ``item_kinds``; the functions here know
no kind by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from integra_grading.canonical import digest
from integra_grading.errors import ItemError
from integra_grading.item_kinds import KINDS, refused
from integra_grading.item_parts import (
    HTML,
    UNKNOWN_OPTION,
    Cell,
    Column,
    Feedback,
    ItemKind,
    ItemScore,
    NumericAnswer,
    Option,
    Response,
    Row,
    Slip,
    Target,
)
from integra_grading.wire import KEY, Choice, Many, Record, refusing_as, wire

__all__ = [
    "UNKNOWN_OPTION",
    "Cell",
    "Column",
    "Feedback",
    "Item",
    "ItemKind",
    "ItemScore",
    "NumericAnswer",
    "Option",
    "Response",
    "Row",
    "Slip",
    "Target",
    "bank_digest",
    "feedback_for",
    "item_digest",
    "list_errors",
    "parse_response",
    "presentation",
    "score_response",
    "solve",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The smallest scored question; well formed by construction.

        single    options, one ``correct``
        multiple  options, one or more ``correct``
        numeric   an answer with its distance and slips
        ordering  options in the right order
        matching  options (rows), each with a ``target``, and the targets
        grid      columns, and rows of cells that are given or asked for

    Raises:
        ItemError: On construction, when the parts do not fit the kind.
    """

    key: str = wire(KEY)
    kind: ItemKind = wire(Choice(ItemKind))
    outcome: str = wire(KEY)
    level: str = wire(KEY)
    stem: str = wire(HTML)
    options: tuple[Option, ...] = wire(Many(Record(Option), 12), optional=True, default=())
    targets: tuple[Target, ...] = wire(Many(Record(Target), 12), optional=True, default=())
    answer: NumericAnswer | None = wire(Record(NumericAnswer), optional=True)
    columns: tuple[Column, ...] = wire(Many(Record(Column), 8), optional=True, default=())
    rows: tuple[Row, ...] = wire(Many(Record(Row), 20), optional=True, default=())
    feedback: Feedback | None = wire(Record(Feedback), optional=True)
    form: str | None = wire(KEY, optional=True)
    twin: str | None = wire(KEY, optional=True)
    stratum: str | None = wire(KEY, optional=True)

    def __post_init__(self) -> None:
        KINDS[self.kind].check(self)

    @classmethod
    def from_dict(cls, raw: object) -> Item:
        """Return the item of its JSON form; never raises anything but ItemError."""
        with refusing_as(ItemError):
            item: Item = Record(cls).read(raw, "")
            return item

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what is absent is left out, so that one item has one form."""
        return Record(Item).write(self)


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
        raw: Any JSON; by kind ``{"option": "a"}``, ``{"options": ["a", "c"]}``, ``{"number": "1.013,5"}``,
            ``{"order": ["c", "a", "b"]}``, ``{"pairs": {"a": "x"}}``, ``{"cells": {"row/column": "0,45"}}``; in the
            pre-test ``{"option": "no_lo_se"}`` for all. Pairs and cells may be incomplete while they are worked on.
        allow_unknown: Whether "No lo sé" is offered (pre-test only).

    Raises:
        ResponseError: ``not_a_response`` (another shape), ``unknown_option``, ``unknown_cell``,
            ``unknown_not_allowed``, or a code of ``parse_decimal``. The message is Spanish and meant for the learner.

    Invariants: ``parse_response(item, response.to_dict(), …) == response``.
    """
    if not isinstance(raw, dict) or len(raw) != 1:
        raise refused("not_a_response", "")
    if raw.get("option") == UNKNOWN_OPTION:
        if not allow_unknown:
            raise refused("unknown_not_allowed", "option")
        return Response({"option": UNKNOWN_OPTION}, chosen=(UNKNOWN_OPTION,))
    return KINDS[item.kind].parse_response(item, raw)


def solve(item: Item) -> dict[str, object]:
    """Return the right response to ``item`` in the shape ``parse_response`` reads; never for a learner's page.

    Invariants: ``score_response(item, parse_response(item, solve(item), False)).points == 1``.
    """
    return KINDS[item.kind].solve(item)


def score_response(item: Item, response: Response | None) -> ItemScore:
    """Return the points of ``response``; no response and "No lo sé" earn 0 of the same maximum.

    Every item is one point, earned by a response that is right as a whole.

    Invariants: ``0 <= points <= max_points``.
    """
    right = response is not None and not response.is_unknown and KINDS[item.kind].is_right(item, response)
    return ItemScore(points=int(right), max_points=1)


def feedback_for(item: Item, response: Response) -> str:
    """Return the HTML the learner reads after answering; empty for "No lo sé" and where none is written.

    The first wrong option, row or number that has a text of its own speaks; else the item as a whole.
    """
    return "" if response.is_unknown else KINDS[item.kind].feedback(item, response)


def list_errors(item: Item, response: Response) -> tuple[str, ...]:
    """Return the named errors behind a response; empty when it is right or nobody named its error.

    Source: dossier 5.1, "each distractor is a named error".
    """
    return () if response.is_unknown else KINDS[item.kind].list_errors(item, response)


def presentation(item: Item, seed: str) -> tuple[str, ...]:
    """Return the option keys, then the target keys, in the order in which one learner sees them.

    What begins with ascending numbers stays in order; the rest goes by SHA-256(seed, item, key). The steps of an
    ordering item never come in the right order.

    Args:
        item: Any item.
        seed: For example the attempt's uuid; the same seed gives the same order.

    Returns:
        A permutation of the option keys followed by one of the target keys; empty for kinds without either.

    Source: dossier 5.1 and 5.4.
    """
    return KINDS[item.kind].present(item, seed)
