"""The kinds of items: how each is checked, answered, scored and presented.

One small class per kind in ``KINDS``; nothing outside this module knows a kind by name. Every kind is right or
wrong as a whole: an item is one point of a form, so that cuts, rings and the chance of an exemption (dossier 2.6,
2.7) mean the same whatever the kinds are. Multiple choice therefore counts when exactly the right options are
marked, and an order, a matching or a grid when all of it is right.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from decimal import Decimal
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from integra_grading.errors import GradingError, ItemError, NumberError, ResponseError
from integra_grading.item_parts import (
    UNKNOWN_OPTION,
    Cell,
    Feedback,
    ItemKind,
    NumericAnswer,
    Option,
    Response,
    Slip,
    Target,
)
from integra_grading.numbers import parse_decimal
from integra_grading.ordering import shuffle
from integra_grading.sentences import sentence

if TYPE_CHECKING:
    from integra_grading.items import Item

_PARTS = ("options", "targets", "answer", "columns", "rows", "feedback")


class Kind(ABC):
    """What the public functions ask of a kind."""

    parts: ClassVar[frozenset[str]]  # what an item of this kind may have besides its stem

    def check(self, item: Item) -> None:
        """Raise ItemError where the parts do not fit the kind."""
        for name in _PARTS:
            if getattr(item, name) and name not in self.parts:
                raise ItemError("wrong_parts", name, f"An item of the kind {item.kind} has no {name}.")
        _require_distinct((option.key for option in item.options), "options")
        if any(option.key == UNKNOWN_OPTION for option in item.options):
            raise ItemError("reserved_key", "options", f"{UNKNOWN_OPTION} is added by the pre-test itself.")
        for option in item.options:
            self.check_option(option)

    def check_option(self, option: Option) -> None:
        """Raise ItemError where an option does not fit the kind."""
        if option.target is not None:
            raise ItemError(
                "wrong_parts", f"options.{option.key}.target", "Only a row to match has a target."
            )

    @abstractmethod
    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        """Return the response, or raise ResponseError."""

    @abstractmethod
    def solve(self, item: Item) -> dict[str, object]:
        """Return the right response in the shape a browser sends."""

    @abstractmethod
    def is_right(self, item: Item, response: Response) -> bool:
        """Return whether the response is right as a whole."""

    @abstractmethod
    def feedback(self, item: Item, response: Response) -> str:
        """Return the HTML for this response."""

    @abstractmethod
    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        """Return the named errors behind a wrong response; empty where none is known."""

    def present(self, item: Item, seed: str) -> tuple[str, ...]:
        """Return option and target keys as one learner sees them."""
        return _mix(item.options, seed=f"{seed}/{item.key}")


class _Single(Kind):
    """One option of several is right."""

    parts = frozenset({"options"})

    def check(self, item: Item) -> None:
        super().check(item)
        _require_options(item, 2)
        if sum(option.is_correct for option in item.options) != 1:
            raise ItemError("not_one_correct", "options", "Exactly one option must be correct.")

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        key = _require_type(raw, "option", str)
        _require_known(key, item.options, "option")
        return Response({"option": key}, chosen=(key,))

    def solve(self, item: Item) -> dict[str, object]:
        return {"option": next(option.key for option in item.options if option.is_correct)}

    def is_right(self, item: Item, response: Response) -> bool:
        return _only(item, response).is_correct

    def feedback(self, item: Item, response: Response) -> str:
        return _only(item, response).feedback

    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        return _errors_of([_only(item, response)])


class _Multiple(Kind):
    """Several options may be right; the response counts when exactly those are marked."""

    parts = frozenset({"options", "feedback"})

    def check(self, item: Item) -> None:
        super().check(item)
        _require_options(item, 3)
        if not any(option.is_correct for option in item.options):
            raise ItemError("none_correct", "options", "At least one option must be correct.")

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        marked = _require_keys(raw, "options")
        for key in marked:
            _require_known(key, item.options, "options")
        if not marked or len(set(marked)) != len(marked):
            raise refused("not_a_response", "options")
        # In the order of the item: the same marks are the same response, however they were made.
        keys = tuple(option.key for option in item.options if option.key in marked)
        return Response({"options": list(keys)}, chosen=keys)

    def solve(self, item: Item) -> dict[str, object]:
        return {"options": [option.key for option in item.options if option.is_correct]}

    def is_right(self, item: Item, response: Response) -> bool:
        return set(response.chosen) == {option.key for option in item.options if option.is_correct}

    def feedback(self, item: Item, response: Response) -> str:
        said = [option.feedback for option in _chosen(item, response) if not option.is_correct]
        return next(filter(None, said), _whole_feedback(item, is_right=self.is_right(item, response)))

    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        return _errors_of(_chosen(item, response))


class _Numeric(Kind):
    """A number is typed; right within a stated distance."""

    parts = frozenset({"answer", "feedback"})

    def check(self, item: Item) -> None:
        super().check(item)
        if item.answer is None:
            raise ItemError("wrong_parts", "answer", "A numeric item has an answer.")

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        typed = _require_type(raw, "number", str)
        return Response({"number": typed}, numbers={"": _read_number(typed, "number")})

    def solve(self, item: Item) -> dict[str, object]:
        return {"number": _type_number(self._answer(item))}

    def is_right(self, item: Item, response: Response) -> bool:
        return self._answer(item).accepts(_typed(response))

    def feedback(self, item: Item, response: Response) -> str:
        slip = self._answer(item).find_slip(_typed(response))
        if slip is not None and slip.feedback:
            return slip.feedback
        return _whole_feedback(item, is_right=self.is_right(item, response))

    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        slip = self._answer(item).find_slip(_typed(response))
        return (slip.error,) if slip else ()

    @staticmethod
    def _answer(item: Item) -> NumericAnswer:
        assert item.answer is not None  # noqa: S101 - an Item is well formed by construction
        return item.answer


class _Ordering(Kind):
    """The options stand in the right order; the learner gets them mixed and puts them back."""

    parts = frozenset({"options", "feedback"})

    def check(self, item: Item) -> None:
        super().check(item)
        _require_options(item, 3)

    def check_option(self, option: Option) -> None:
        super().check_option(option)
        if option.is_correct or option.error is not None:
            raise ItemError(
                "wrong_parts", f"options.{option.key}", "A step is neither right nor wrong by itself."
            )

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        keys = _require_keys(raw, "order")
        for key in keys:
            _require_known(key, item.options, "order")
        if len(keys) != len(item.options) or len(set(keys)) != len(keys):
            raise refused("not_a_response", "order")
        return Response({"order": list(keys)}, chosen=keys)

    def solve(self, item: Item) -> dict[str, object]:
        return {"order": [option.key for option in item.options]}

    def is_right(self, item: Item, response: Response) -> bool:
        return response.chosen == tuple(option.key for option in item.options)

    def feedback(self, item: Item, response: Response) -> str:
        misplaced = (
            option.feedback
            for option, key in zip(item.options, response.chosen, strict=True)
            if option.key != key
        )
        return next(filter(None, misplaced), _whole_feedback(item, is_right=self.is_right(item, response)))

    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        return ()

    def present(self, item: Item, seed: str) -> tuple[str, ...]:
        keys = tuple(option.key for option in item.options)
        mixed = shuffle(keys, seed=f"{seed}/{item.key}")
        # Never the answer itself: otherwise whoever touches nothing would be right.
        return mixed if mixed != keys else (*mixed[1:], mixed[0])


class _Matching(Kind):
    """Every option is a row that belongs to one of the targets."""

    parts = frozenset({"options", "targets", "feedback"})

    def check(self, item: Item) -> None:
        super().check(item)
        _require_options(item, 2)
        if len(item.targets) < 2:
            raise ItemError("too_few_targets", "targets", "At least two targets are needed.")
        # One list keeps the order of both, so no key may be in both.
        parts: tuple[Option | Target, ...] = (*item.options, *item.targets)
        _require_distinct((part.key for part in parts), "targets")
        known = {target.key for target in item.targets}
        for option in item.options:
            if option.target not in known:
                raise ItemError("unknown_target", f"options.{option.key}.target", "No such target.")

    def check_option(self, option: Option) -> None:
        if option.is_correct:
            raise ItemError(
                "wrong_parts", f"options.{option.key}.correct", "A row to match is not right by itself."
            )

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        pairs = _require_texts(raw, "pairs")
        for key, target in pairs.items():
            _require_known(key, item.options, "pairs")
            _require_known(target, item.targets, "pairs")
        # In the order of the item, for the same reason as above; rows may be missing while it is worked on.
        ordered = {option.key: pairs[option.key] for option in item.options if option.key in pairs}
        return Response({"pairs": ordered}, pairs=ordered)

    def solve(self, item: Item) -> dict[str, object]:
        return {"pairs": {option.key: option.target for option in item.options}}

    def is_right(self, item: Item, response: Response) -> bool:
        return all(response.pairs.get(option.key) == option.target for option in item.options)

    def feedback(self, item: Item, response: Response) -> str:
        said = (option.feedback for option in self._mismatched(item, response))
        return next(filter(None, said), _whole_feedback(item, is_right=self.is_right(item, response)))

    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        return _errors_of(self._mismatched(item, response))

    def present(self, item: Item, seed: str) -> tuple[str, ...]:
        rows = super().present(item, seed)
        return (*rows, *_mix(item.targets, seed=f"{seed}/{item.key}/targets"))

    @staticmethod
    def _mismatched(item: Item, response: Response) -> Iterator[Option]:
        return (o for o in item.options if o.key in response.pairs and response.pairs[o.key] != o.target)


class _Grid(Kind):
    """A table with cells that are given and cells to fill in with numbers."""

    parts = frozenset({"columns", "rows", "feedback"})

    def check(self, item: Item) -> None:
        super().check(item)
        _require_distinct((column.key for column in item.columns), "columns")
        _require_distinct((row.key for row in item.rows), "rows")
        known = {column.key for column in item.columns}
        for row in item.rows:
            _require_distinct((cell.column for cell in row.cells), f"rows.{row.key}.cells")
            for cell in row.cells:
                if cell.column not in known:
                    raise ItemError("unknown_column", f"rows.{row.key}.cells", "No such column.")
                if bool(cell.text) == (cell.answer is not None):
                    raise ItemError(
                        "wrong_parts", f"rows.{row.key}.cells", "A cell has either a text or an answer."
                    )
        if not any(True for _ in _asked_cells(item)):
            raise ItemError("nothing_asked", "rows", "At least one cell must ask for a number.")

    def parse_response(self, item: Item, raw: dict[str, object]) -> Response:
        typed = _require_texts(raw, "cells")
        asked = dict(_asked_cells(item))
        for key in typed:
            if key not in asked:
                raise refused("unknown_cell", "cells")
        ordered = {key: typed[key] for key in asked if key in typed}
        numbers = {key: _read_number(text, f"cells.{key}") for key, text in ordered.items()}
        return Response({"cells": ordered}, numbers=numbers)

    def solve(self, item: Item) -> dict[str, object]:
        return {"cells": {key: _type_number(answer) for key, answer in _asked_cells(item)}}

    def is_right(self, item: Item, response: Response) -> bool:
        return all(
            key in response.numbers and answer.accepts(response.numbers[key])
            for key, answer in _asked_cells(item)
        )

    def feedback(self, item: Item, response: Response) -> str:
        said = (slip.feedback for slip in self._slips(item, response))
        return next(filter(None, said), _whole_feedback(item, is_right=self.is_right(item, response)))

    def list_errors(self, item: Item, response: Response) -> tuple[str, ...]:
        return tuple(dict.fromkeys(slip.error for slip in self._slips(item, response)))

    @staticmethod
    def _slips(item: Item, response: Response) -> Iterator[Slip]:
        for key, answer in _asked_cells(item):
            slip = answer.find_slip(response.numbers[key]) if key in response.numbers else None
            if slip is not None:
                yield slip


KINDS: dict[ItemKind, Kind] = {
    ItemKind.SINGLE: _Single(),
    ItemKind.MULTIPLE: _Multiple(),
    ItemKind.NUMERIC: _Numeric(),
    ItemKind.ORDERING: _Ordering(),
    ItemKind.MATCHING: _Matching(),
    ItemKind.GRID: _Grid(),
}


def cell_key(row_key: str, cell: Cell) -> str:
    """Return how a cell is named in a response: no key holds the stroke."""
    return f"{row_key}/{cell.column}"


def refused(code: str, field: str) -> ResponseError:
    """Return the refusal ``code`` with its sentence for the learner."""
    return ResponseError(code, field, sentence(code))


# --- checks of items ------------------------------------------------------------------------------


def _require_options(item: Item, least: int) -> None:
    if len(item.options) < least:
        raise ItemError("too_few_options", "options", f"At least {least} options are needed.")


def _require_distinct(keys: Iterable[str], at: str) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ItemError("duplicate_key", at, "The same key stands twice.")
        seen.add(key)


# --- reading responses ----------------------------------------------------------------------------


def _require_type(raw: dict[str, object], name: str, kind: type[Any]) -> Any:
    value = raw.get(name)
    if not isinstance(value, kind):
        raise refused("not_a_response", name)
    return value


def _require_keys(raw: dict[str, object], name: str) -> tuple[str, ...]:
    values = _require_type(raw, name, list)
    if not all(isinstance(value, str) for value in values):
        raise refused("not_a_response", name)
    return tuple(values)


def _require_texts(raw: dict[str, object], name: str) -> dict[str, str]:
    values = _require_type(raw, name, dict)
    if not values or not all(isinstance(part, str) for pair in values.items() for part in pair):
        raise refused("not_a_response", name)
    return dict(values)


def _require_known(key: str, parts: Iterable[Any], name: str) -> None:
    if all(part.key != key for part in parts):
        raise refused("unknown_option", name)


def _read_number(typed: str, field: str) -> Decimal:
    try:
        return parse_decimal(typed, field=field)
    except NumberError as error:
        raise ResponseError(error.code, error.field, error.message) from None


def _type_number(answer: NumericAnswer) -> str:
    return f"{answer.value:f}".replace(".", ",")


# --- what the kinds share -------------------------------------------------------------------------


def _chosen(item: Item, response: Response) -> tuple[Option, ...]:
    return tuple(option for option in item.options if option.key in response.chosen)


def _only(item: Item, response: Response) -> Option:
    for option in _chosen(item, response):
        return option
    raise refused("unknown_option", "option")


def _typed(response: Response) -> Decimal:
    if "" not in response.numbers:
        raise refused("not_a_response", "number")
    return response.numbers[""]


def _errors_of(options: Iterable[Option]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(option.error for option in options if option.error is not None))


def _whole_feedback(item: Item, *, is_right: bool) -> str:
    feedback = item.feedback or Feedback()
    return feedback.correct if is_right else feedback.wrong


def _asked_cells(item: Item) -> Iterator[tuple[str, NumericAnswer]]:
    for row in item.rows:
        for cell in row.cells:
            if cell.answer is not None:
                yield cell_key(row.key, cell), cell.answer


def _mix(parts: Iterable[Any], *, seed: str) -> tuple[str, ...]:
    """Return the keys in a seeded order; texts that begin with ascending numbers keep theirs (dossier 5.1)."""
    listed = tuple(parts)
    keys = tuple(part.key for part in listed)
    numbers = [_leading_number(part.text) for part in listed]
    known = [number for number in numbers if number is not None]
    if len(known) == len(keys) and all(low < high for low, high in pairwise(known)):
        return keys
    return shuffle(keys, seed=seed)


def _leading_number(html: str) -> Decimal | None:
    text = unescape(re.sub(r"<[^>]*>", "", html)).strip()
    match = re.match(r"(?:\$|USD)?\s*[-\u2212]?[0-9][0-9.,]*", text)
    try:
        return parse_decimal(match[0].rstrip(".,")) if match else None
    except GradingError:
        return None
