"""What items and responses are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from integra_grading.errors import ItemError
from integra_grading.wire import KEY, DecimalText, Flag, Many, Record, Text, wire

# What the block itself offers in the pre-test ("No lo sé"); no item may use it as an option.
UNKNOWN_OPTION = "no_lo_se"

HTML = Text(8000, multiline=True)
_FEEDBACK = Text(4000, multiline=True, minimum=0)
_ZERO = Decimal(0)


class ItemKind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMERIC = "numeric"
    ORDERING = "ordering"
    MATCHING = "matching"
    GRID = "grid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to choose, to put in order or to match.

    ``error`` names the mistake that leads to a wrong option; ``target`` is what a row of a matching item belongs to.
    """

    key: str = wire(KEY)
    text: str = wire(HTML)
    feedback: str = wire(_FEEDBACK, optional=True, default="")
    is_correct: bool = wire(Flag(), optional=True, default=False, name="correct")
    error: str | None = wire(KEY, optional=True)
    target: str | None = wire(KEY, optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the rows of a matching item are matched with; several rows may share one, and some may stay free."""

    key: str = wire(KEY)
    text: str = wire(HTML)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A wrong number that a named mistake leads to, and what is said to whoever typed it."""

    value: Decimal = wire(DecimalText())
    error: str = wire(KEY)
    feedback: str = wire(_FEEDBACK, optional=True, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericAnswer:
    """The key of a number: right within the larger of two distances of ``value``, both ends included.

    ``absolute`` is in the number's own unit, ``relative`` a share of ``value`` ("0.05" is five per cent).

    Raises:
        ItemError: ``out_of_range`` (a distance below zero, a share above one), ``slip_is_right``,
            ``duplicate_slip``.
    """

    value: Decimal = wire(DecimalText())
    absolute: Decimal = wire(DecimalText(), optional=True, default=_ZERO)
    relative: Decimal = wire(DecimalText(), optional=True, default=_ZERO)
    unit: str = wire(Text(40, minimum=0), optional=True, default="")
    slips: tuple[Slip, ...] = wire(Many(Record(Slip), 12), optional=True, default=())

    def __post_init__(self) -> None:
        if self.absolute < 0:
            raise ItemError("out_of_range", "answer.absolute", "The distance allowed cannot be negative.")
        if not 0 <= self.relative <= 1:
            raise ItemError("out_of_range", "answer.relative", "A share from 0 to 1 is expected.")
        if any(self.accepts(slip.value) for slip in self.slips):
            raise ItemError(
                "slip_is_right", "answer.slips", "A wrong number lies within the distance allowed."
            )
        if len({slip.value for slip in self.slips}) != len(self.slips):
            raise ItemError("duplicate_slip", "answer.slips", "Two mistakes lead to the same number.")

    @property
    def tolerance(self) -> Decimal:
        """The distance allowed, in the number's own unit."""
        return max(self.absolute, self.relative * abs(self.value))

    def accepts(self, value: Decimal) -> bool:
        """Return whether ``value`` counts as right."""
        return abs(value - self.value) <= self.tolerance

    def find_slip(self, value: Decimal) -> Slip | None:
        """Return the mistake that led to ``value``: the nearest within the distance allowed, or None."""
        if self.accepts(value):
            return None
        near = [slip for slip in self.slips if abs(value - slip.value) <= self.tolerance]
        return min(near, key=lambda slip: (abs(value - slip.value), slip.value), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a grid."""

    key: str = wire(KEY)
    text: str = wire(HTML)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a grid: ``text`` that is given, or an ``answer`` that is asked for."""

    column: str = wire(KEY)
    text: str = wire(Text(200, minimum=0), optional=True, default="")
    answer: NumericAnswer | None = wire(Record(NumericAnswer), optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a grid; a column without a cell is empty."""

    key: str = wire(KEY)
    label: str = wire(HTML)
    cells: tuple[Cell, ...] = wire(Many(Record(Cell), 8, minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What an item says as a whole, where no single option or slip says more."""

    correct: str = wire(_FEEDBACK, optional=True, default="")
    wrong: str = wire(_FEEDBACK, optional=True, default="")


@dataclass(frozen=True, slots=True)
class Response:
    """What a learner answered: ``form`` is what travels and is kept; the rest is what the item's kind read in it.

    ``chosen``: option keys (single, multiple in the item's order, ordering in the learner's order).
    ``pairs``: target key by option key (matching). ``numbers``: by cell, ``"row/column"`` (grid) or ``""`` (numeric).
    """

    form: Mapping[str, Any]
    chosen: tuple[str, ...] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def is_unknown(self) -> bool:
        """Whether the learner said "No lo sé"."""
        return self.chosen == (UNKNOWN_OPTION,)

    def to_dict(self) -> dict[str, Any]:
        """Return the form on the wire."""
        return dict(self.form)


@dataclass(frozen=True, slots=True)
class ItemScore:
    """Points earned and possible, as integers."""

    points: int
    max_points: int
