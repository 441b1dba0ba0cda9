"""The formulas of deliverables: one closed grammar over Decimal, never ``eval``.

    comparison := sum ("<" | "<=" | ">" | ">=" | "=" | "!=") sum        (only in ``needs``)
    sum        := product (("+" | "-") product)*
    product    := factor (("*" | "/") factor)*
    factor     := "-" factor | number | name | "(" sum ")"
                | "suma" "(" table "." column ")" | "techo" "(" sum ")" | "redondea" "(" sum "," digit ")"

Numbers have a point before their decimals. At most 200 characters and 20 levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from decimal import localcontext as _localcontext
from typing import Any, NoReturn

from integra_grading.errors import FormulaError

MAX_LENGTH = 200
MAX_DEPTH = 20
MAX_ROUNDING_PLACES = 6
# Noise of a division that does not end (1/3 * 3) must not add a whole unit when rounding up; the page's
# script rounds at the same place.
CEILING_PLACES = 9
FUNCTIONS = ("suma", "techo", "redondea")
COMPARISONS = ("<", "<=", ">", ">=", "=", "!=")

_CONTEXT = Context(prec=28, traps=[DivisionByZero, InvalidOperation, Overflow])
_TOKEN = re.compile(
    r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?)(?![0-9.a-z_])|(?P<name>[a-z][a-z0-9_]*)|(?P<mark>[<>!]=|[-+*/(),.<>=])"
)


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal

    def to_json(self) -> list[Any]:
        return ["number", f"{self.value:f}"]


@dataclass(frozen=True, slots=True)
class Name:
    key: str

    def to_json(self) -> list[Any]:
        return ["name", self.key]


@dataclass(frozen=True, slots=True)
class ColumnSum:
    table: str
    column: str

    def to_json(self) -> list[Any]:
        return ["suma", self.table, self.column]


@dataclass(frozen=True, slots=True)
class Negation:
    operand: Node

    def to_json(self) -> list[Any]:
        return ["neg", self.operand.to_json()]


@dataclass(frozen=True, slots=True)
class Operation:
    operator: str
    left: Node
    right: Node

    def to_json(self) -> list[Any]:
        return [self.operator, self.left.to_json(), self.right.to_json()]


@dataclass(frozen=True, slots=True)
class Ceiling:
    operand: Node

    def to_json(self) -> list[Any]:
        return ["techo", self.operand.to_json()]


@dataclass(frozen=True, slots=True)
class Rounding:
    operand: Node
    places: int

    def to_json(self) -> list[Any]:
        return ["redondea", self.operand.to_json(), self.places]


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Node
    right: Node

    def to_json(self) -> list[Any]:
        return [self.operator, self.left.to_json(), self.right.to_json()]


Node = Number | Name | ColumnSum | Negation | Operation | Ceiling | Rounding


def parse_formula(text: object) -> Node:
    """Return the formula of ``text``.

    Raises:
        FormulaError: ``wrong_type``, ``formula_too_long``, ``formula_too_deep``, ``bad_formula`` (with the
            position of the first character that does not fit), ``unknown_function``.

    Invariants: ``to_json()`` is nested arrays of strings and integers only.
    """
    parser = _Parser(text)
    node = parser.sum(0)
    parser.expect_end()
    return node


def parse_comparison(text: object) -> Comparison:
    """Return the one comparison of ``text``, for example ``margen > 0``.

    Raises:
        FormulaError: As ``parse_formula``.
    """
    parser = _Parser(text)
    left = parser.sum(0)
    operator = parser.take(*COMPARISONS)
    if operator is None:
        parser.fail()
    right = parser.sum(0)
    parser.expect_end()
    return Comparison(operator, left, right)


def names_of(node: Node | Comparison) -> frozenset[str]:
    """Return the field names a formula reads, without tables."""
    return frozenset(part.key for part in _parts(node) if isinstance(part, Name))


def columns_of(node: Node | Comparison) -> frozenset[tuple[str, str]]:
    """Return the (table, column) pairs a formula sums."""
    return frozenset((part.table, part.column) for part in _parts(node) if isinstance(part, ColumnSum))


def calculate(
    node: Node,
    values: Mapping[str, Decimal | None],
    columns: Mapping[tuple[str, str], Sequence[Decimal]],
) -> Decimal | None:
    """Return the value of a formula, with 28 significant digits.

    Args:
        node: The formula.
        values: Field values by name; a missing name and None are unknown.
        columns: The numbers written in each (table, column); blank cells are left out, and an empty column
            sums to 0.

    Returns:
        A finite Decimal, or None where a value is unknown, a divisor is zero or the result is not finite.
        ``techo`` rounds to 9 decimals first and then up to a whole number; ``redondea`` rounds half away
        from zero.
    """
    try:
        with _localcontext(_CONTEXT):
            result = _value(node, values, columns)
    except (_UnknownValueError, DivisionByZero, InvalidOperation, Overflow):
        return None
    return result if result.is_finite() else None


def holds(
    comparison: Comparison,
    values: Mapping[str, Decimal | None],
    columns: Mapping[tuple[str, str], Sequence[Decimal]],
) -> bool | None:
    """Return whether the comparison holds, or None where one of its sides is unknown."""
    left = calculate(comparison.left, values, columns)
    right = calculate(comparison.right, values, columns)
    if left is None or right is None:
        return None
    outcomes = {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "=": left == right,
        "!=": left != right,
    }
    return outcomes[comparison.operator]


def _parts(node: Node | Comparison) -> Iterator[Node | Comparison]:
    """The node and everything under it."""
    yield node
    match node:
        case Negation(operand) | Ceiling(operand) | Rounding(operand):
            yield from _parts(operand)
        case Operation(_, left, right) | Comparison(_, left, right):
            yield from _parts(left)
            yield from _parts(right)
        case _:
            return


class _UnknownValueError(Exception):
    """A value that has not been written yet."""


def _value(
    node: Node,
    values: Mapping[str, Decimal | None],
    columns: Mapping[tuple[str, str], Sequence[Decimal]],
) -> Decimal:
    match node:
        case Number(value):
            return value
        case Name(key):
            found = values.get(key)
            if found is None:
                raise _UnknownValueError
            return found
        case ColumnSum(table, column):
            return sum(columns.get((table, column), ()), Decimal(0))
        case Negation(operand):
            return -_value(operand, values, columns)
        case Ceiling(operand):
            return _round(_value(operand, values, columns), CEILING_PLACES).to_integral_value(ROUND_CEILING)
        case Rounding(operand, places):
            return _round(_value(operand, values, columns), places)
        case _:
            left, right = (_value(side, values, columns) for side in (node.left, node.right))
            return _operate(node.operator, left, right)


def _operate(operator: str, left: Decimal, right: Decimal) -> Decimal:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: object) -> None:
        if not isinstance(text, str):
            raise FormulaError("wrong_type", "", "A formula is a string.")
        if len(text) > MAX_LENGTH:
            raise FormulaError("formula_too_long", "", f"At most {MAX_LENGTH} characters.")
        self._text = text.rstrip(" ")
        self._next = 0
        self._tokens: list[tuple[str, str, int]] = []  # kind, text, position
        position = 0
        while position < len(self._text):
            if self._text[position] == " ":
                position += 1
                continue
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                self._fail_at(position)
            self._tokens.append((match.lastgroup, match[0], position))
            position = match.end()

    def sum(self, depth: int) -> Node:
        node = self._product(depth)
        while operator := self.take("+", "-"):
            node = Operation(operator, node, self._product(depth))
        return node

    def take(self, *marks: str) -> str | None:
        """Move past the next token if it is one of ``marks``."""
        if self._next < len(self._tokens):
            kind, text, _ = self._tokens[self._next]
            if kind == "mark" and text in marks:
                self._next += 1
                return text
        return None

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            self.fail()

    def fail(self) -> NoReturn:
        at_end = self._next >= len(self._tokens)
        self._fail_at(len(self._text) if at_end else self._tokens[self._next][2])

    def _product(self, depth: int) -> Node:
        node = self._factor(depth)
        while operator := self.take("*", "/"):
            node = Operation(operator, node, self._factor(depth))
        return node

    def _factor(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FormulaError("formula_too_deep", "", f"At most {MAX_DEPTH} levels.")
        if self.take("-"):
            return Negation(self._factor(depth + 1))
        if self.take("("):
            node = self.sum(depth + 1)
            self._expect(")")
            return node
        if (number := self._take_kind("number")) is not None:
            return Number(Decimal(number))
        name = self._expect_kind("name")
        return self._call(name, depth) if self.take("(") else self._plain_name(name)

    def _call(self, name: str, depth: int) -> Node:
        if name not in FUNCTIONS:
            raise FormulaError("unknown_function", "", f"Only {', '.join(FUNCTIONS)} can be called.")
        node: Node
        if name == "suma":
            table = self._expect_kind("name")
            self._expect(".")
            node = ColumnSum(table, self._expect_kind("name"))
        elif name == "techo":
            node = Ceiling(self.sum(depth + 1))
        else:
            operand = self.sum(depth + 1)
            self._expect(",")
            node = Rounding(operand, self._places())
        self._expect(")")
        return node

    def _plain_name(self, name: str) -> Node:
        if name in FUNCTIONS:
            self.fail()
        return Name(name)

    def _places(self) -> int:
        digits = self._expect_kind("number")
        if "." in digits or int(digits) > MAX_ROUNDING_PLACES:
            raise FormulaError("bad_formula", "", f"redondea takes 0 to {MAX_ROUNDING_PLACES} decimals.")
        return int(digits)

    def _expect(self, mark: str) -> None:
        if self.take(mark) is None:
            self.fail()

    def _expect_kind(self, kind: str) -> str:
        text = self._take_kind(kind)
        if text is None:
            self.fail()
        return text

    def _take_kind(self, kind: str) -> str | None:
        if self._next < len(self._tokens) and self._tokens[self._next][0] == kind:
            self._next += 1
            return self._tokens[self._next - 1][1]
        return None

    def _fail_at(self, position: int) -> NoReturn:
        raise FormulaError(
            "bad_formula", "", f"The formula does not fit the grammar at character {position + 1}."
        )
