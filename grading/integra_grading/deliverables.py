"""Deliverables as structured forms: definition, document, and the totals computed from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from integra_grading.arithmetic import (
    FUNCTIONS,
    Comparison,
    Node,
    calculate,
    columns_of,
    holds,
    names_of,
    parse_comparison,
    parse_formula,
)
from integra_grading.errors import DefinitionError, FormulaError, GradingError, NumberError, WireError
from integra_grading.numbers import parse_decimal, parse_integer
from integra_grading.sentences import sentence
from integra_grading.text import has_bad_character, normalise
from integra_grading.wire import (
    KEY,
    PROSE,
    TITLE,
    Choice,
    Flag,
    Many,
    Record,
    Tagged,
    Text,
    Whole,
    join,
    refusing_as,
    require_distinct,
    wire,
)

MAX_TEXT_LENGTH = 4000
MAX_CELL_LENGTH = 120
MAX_ROWS = 60
MAX_FIELDS = 100
MAX_UNKNOWN_REPORTED = 10
_PLACES = {"money": 2, "number": 4}

_NAME = Text(40, r"[a-z][a-z0-9_]*")
_HELP = Text(1000, minimum=0, multiline=True)


class FieldKind(StrEnum):
    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    TABLE = "table"
    COMPUTED = "computed"


class ColumnKind(StrEnum):
    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"


class Format(StrEnum):
    """How a computed value is shown."""

    MONEY = "money"
    NUMBER = "number"
    UNITS = "units"


FORGOTTEN_TEXT = "—"
NUMERIC = (FieldKind.MONEY, FieldKind.NUMBER, FieldKind.INTEGER)
_NUMERIC_COLUMNS = (ColumnKind.MONEY, ColumnKind.NUMBER, ColumnKind.INTEGER)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with its text."""

    text: str
    node: Node


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison with its text."""

    text: str
    node: Comparison


class _FormulaCodec:
    def read(self, raw: object, at: str) -> Formula:
        try:
            return Formula(str(raw), parse_formula(raw))
        except FormulaError as error:
            raise WireError(error.code, at, error.message) from None

    def write(self, value: Formula) -> str:
        return value.text

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


class _ConditionCodec:
    def read(self, raw: object, at: str) -> Condition:
        try:
            return Condition(str(raw), parse_comparison(raw))
        except FormulaError as error:
            raise WireError(error.code, at, error.message) from None

    def write(self, value: Condition) -> str:
        return value.text

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; ``required``: in every row that is not blank. Flags never are."""

    key: str = wire(_NAME)
    kind: ColumnKind = wire(Choice(ColumnKind))
    label: str = wire(TITLE)
    required: bool = wire(Flag(), optional=True, default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What every field has."""

    key: str = wire(_NAME)
    kind: FieldKind = wire(Choice(FieldKind))
    label: str = wire(TITLE)
    help: str = wire(_HELP, optional=True, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField(Field):
    required: bool = wire(Flag(), optional=True, default=False)
    max_length: int = wire(Whole(1, MAX_TEXT_LENGTH), optional=True, default=600)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberField(Field):
    """Money (two decimals), number (four) or integer; never below zero."""

    required: bool = wire(Flag(), optional=True, default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagField(Field):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TableField(Field):
    min_rows: int = wire(Whole(0, MAX_ROWS))
    max_rows: int = wire(Whole(1, MAX_ROWS))
    columns: tuple[Column, ...] = wire(Many(Record(Column), 12, minimum=1))
    examples: tuple[str, ...] = wire(Many(TITLE, 20), optional=True, default=())

    def __post_init__(self) -> None:
        require_distinct([column.key for column in self.columns], f"{self.key}.columns")
        if self.min_rows > self.max_rows:
            raise WireError("contradiction", f"{self.key}.min_rows", "More rows are needed than allowed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedField(Field):
    """Worked out from the others; where ``needs`` does not hold there is no value but ``otherwise``."""

    format: Format = wire(Choice(Format))
    formula: Formula = wire(_FormulaCodec())
    needs: Condition | None = wire(_ConditionCodec(), optional=True)
    otherwise: str = wire(_HELP, optional=True, default="")


_FIELD = Tagged(
    "kind",
    {
        FieldKind.TEXT: Record(TextField),
        FieldKind.MONEY: Record(NumberField),
        FieldKind.NUMBER: Record(NumberField),
        FieldKind.INTEGER: Record(NumberField),
        FieldKind.FLAG: Record(FlagField),
        FieldKind.TABLE: Record(TableField),
        FieldKind.COMPUTED: Record(ComputedField),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    key: str = wire(KEY)
    title: str = wire(TITLE)
    help: str = wire(_HELP, optional=True, default="")
    fields: tuple[Field, ...] = wire(Many(_FIELD, MAX_FIELDS, minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the self-check list."""

    key: str = wire(KEY)
    text: str = wire(PROSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A deliverable's form, in the order in which it is filled in."""

    key: str = wire(KEY)
    version: int = wire(Whole(1, 10_000))
    title: str = wire(TITLE)
    intro: str = wire(_HELP, optional=True, default="")
    sections: tuple[Section, ...] = wire(Many(Record(Section), 20, minimum=1))
    self_check: tuple[Check, ...] = wire(Many(Record(Check), 20), optional=True, default=())

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in order."""
        return tuple(field for section in self.sections for field in section.fields)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return Record(Definition).write(self)


Row = dict[str, str | Decimal | bool | None]
Value = str | Decimal | bool | tuple[Row, ...] | None


@dataclass(frozen=True, slots=True)
class Document:
    """A filled-in form.

    ``values`` holds for every field that is not computed its value: text, Decimal, bool, rows, or None where
    nothing is written. ``raw`` is the form on the wire, cleaned (line ends, composition, blank rows), as it
    is stored and shown again.
    """

    values: Mapping[str, Value]
    self_check: tuple[str, ...]
    raw: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the form on the wire."""
        return dict(self.raw)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a document.

    ``field`` is a field's key, or ``table.column`` for a cell; ``row`` counts the rows as sent from 0, None
    outside tables; ``message`` is a Spanish sentence for the learner.
    """

    code: str
    field: str
    row: int | None
    message: str


class DocumentError(GradingError):
    """A document with something to mend; ``problems`` is everything at once, in the order of the form."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("document_invalid", problems[0].field, sentence("document_invalid"))
        self.problems = problems


def read_definition(raw: object) -> Definition:
    """Return the definition of its JSON form.

    Args:
        raw: Any JSON, as in interfaces section 4.

    Raises:
        DefinitionError: A code of ``integra_grading.wire``; ``duplicate_key``; ``reserved_key`` (a field named
            like a function); a code of ``parse_formula``; ``unknown_reference`` (a formula reads something
            that is not a number above it in the form).

    Invariants: nothing but DefinitionError is raised; formulas of the result can be computed in the order
    of its fields, so there are no circles.
    """
    with refusing_as(DefinitionError):
        definition: Definition = Record(Definition).read(raw, "")
        require_distinct([section.key for section in definition.sections], "sections")
        require_distinct([field.key for field in definition.fields], "fields")
        require_distinct([check.key for check in definition.self_check], "self_check")
        _check_formulas(definition)
    return definition


def read_document(definition: Definition, raw: object) -> Document:
    """Return the document a learner handed in.

    Blank rows of tables are left out. A field without anything written is None; a missing flag is false.

    Args:
        definition: Its form.
        raw: ``{"values": {…}, "self_check": [key, …]}``; any JSON.

    Raises:
        DocumentError: With every problem: ``missing``, ``wrong_type``, ``bad_character``, ``text_too_long``,
            ``too_few_rows``, ``too_many_rows``, ``unknown_field``, or a code of ``parse_decimal``.

    Invariants: nothing but DocumentError is raised; ``read_document(d, document.to_dict()) == document``.
    """
    return _DocumentReader(definition).read(raw)


def read_draft(raw: object) -> dict[str, Any]:
    """Return an unfinished document as it may be stored: shape and size are checked, nothing else.

    Args:
        raw: Any JSON.

    Raises:
        DocumentError: ``not_an_object``, ``wrong_type``, ``bad_character``, ``text_too_long``,
            ``too_many_rows``, ``unknown_field``; the first problem only.
    """
    values, ticked = _envelope(raw)
    if len(values) > MAX_FIELDS:
        raise _single("unknown_field", "")
    draft = {_draft_key(key): _draft_value(value, str(key)) for key, value in values.items()}
    return {"values": draft, "self_check": [_draft_key(key) for key in ticked]}


def compute(definition: Definition, document: Document) -> dict[str, Decimal | None]:
    """Return the value of every computed field, in the order of the form.

    Returns:
        None where a value it reads is not written, a divisor is zero, or ``needs`` does not hold.
    """
    known: dict[str, Decimal | None] = {
        key: value for key, value in document.values.items() if isinstance(value, Decimal)
    }
    columns = {
        (field.key, column.key): _column(document, field.key, column.key)
        for field in definition.fields
        if isinstance(field, TableField)
        for column in field.columns
    }
    computed: dict[str, Decimal | None] = {}
    for field in definition.fields:
        if isinstance(field, ComputedField):
            is_met = field.needs is None or holds(field.needs.node, known, columns)
            computed[field.key] = calculate(field.formula.node, known, columns) if is_met else None
            known[field.key] = computed[field.key]
    return computed


def is_self_check_complete(definition: Definition, document: Document) -> bool:
    """Return whether every line of the self-check list is ticked."""
    return {check.key for check in definition.self_check} == set(document.self_check)


def _check_formulas(definition: Definition) -> None:
    names: set[str] = set()
    columns: set[tuple[str, str]] = set()
    for field in definition.fields:
        if field.key in FUNCTIONS:
            raise WireError("reserved_key", field.key, "A field cannot have the name of a function.")
        if isinstance(field, ComputedField):
            _check_reads(field, names, columns)
        if isinstance(field, (ComputedField, NumberField)):
            names.add(field.key)
        elif isinstance(field, TableField):
            columns |= {(field.key, c.key) for c in field.columns if c.kind in _NUMERIC_COLUMNS}


def without_words(definition: Definition, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored document in which every text is a dash: figures and ticks stay, what was told does not.

    Invariants: what ``read_document`` accepted it still accepts; nothing of a text is left; twice is as once.
    """
    values = dict(raw["values"])
    for field in definition.fields:
        if isinstance(field, TextField) and values.get(field.key):
            values[field.key] = FORGOTTEN_TEXT
        elif isinstance(field, TableField):
            texts = {column.key for column in field.columns if column.kind is ColumnKind.TEXT}
            values[field.key] = [
                {key: FORGOTTEN_TEXT if key in texts and cell else cell for key, cell in row.items()}
                for row in values.get(field.key) or ()
            ]
    return {**raw, "values": values}


def _check_reads(field: ComputedField, names: set[str], columns: set[tuple[str, str]]) -> None:
    nodes = [field.formula.node, *([field.needs.node] if field.needs else [])]
    for node in nodes:
        if not names_of(node) <= names or not columns_of(node) <= columns:
            raise WireError("unknown_reference", field.key, "A formula reads numbers above it in the form.")


def _column(document: Document, table: str, column: str) -> tuple[Decimal, ...]:
    rows = document.values[table]
    cells = (row.get(column) for row in rows) if isinstance(rows, tuple) else ()
    return tuple(cell for cell in cells if isinstance(cell, Decimal))


class _DocumentReader:
    """Collects every problem of one document."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._problems: list[Problem] = []

    def read(self, raw: object) -> Document:
        values, ticked = _envelope(raw)
        read: dict[str, Value] = {}
        clean: dict[str, Any] = {}
        for field in self._definition.fields:
            if not isinstance(field, ComputedField):
                read[field.key], clean[field.key] = self._field(field, values.get(field.key))
        self._refuse_unknown(values, set(read))
        self_check = self._self_check(ticked)
        if self._problems:
            raise DocumentError(tuple(self._problems))
        return Document(read, self_check, {"values": clean, "self_check": list(self_check)})

    def _field(self, field: Field, raw: object) -> tuple[Value, Any]:
        if isinstance(field, TableField):
            return self._table(field, raw)
        if isinstance(field, TextField):
            text = self._text(raw, field.key, None, field.required, field.max_length)
            return text or None, text
        if isinstance(field, NumberField):
            return self._number(raw, str(field.kind), field.key, None, field.required)
        flag = self._flag(raw, field.key, None)
        return flag, flag

    def _table(self, field: TableField, raw: object) -> tuple[tuple[Row, ...], list[dict[str, Any]]]:
        if not isinstance(raw, (list, type(None))):
            self._add("wrong_type", field.key)
            return (), []
        sent = raw or []
        if len(sent) > MAX_ROWS:
            self._add("too_many_rows", field.key, rows=field.max_rows)
            return (), []
        rows: list[Row] = []
        clean: list[dict[str, Any]] = []
        for index, row in enumerate(sent):
            if not isinstance(row, dict):
                self._add("wrong_type", field.key, index)
            elif not _is_blank(row):
                read, cleaned = self._row(field, row, index)
                rows.append(read)
                clean.append(cleaned)
        if len(clean) < field.min_rows:
            self._add("too_few_rows", field.key, rows=field.min_rows)
        if len(clean) > field.max_rows:
            self._add("too_many_rows", field.key, rows=field.max_rows)
        return tuple(rows), clean

    def _row(self, field: TableField, raw: dict[object, object], index: int) -> tuple[Row, dict[str, Any]]:
        read: Row = {}
        clean: dict[str, Any] = {}
        for column in field.columns:
            at = f"{field.key}.{column.key}"
            cell = raw.get(column.key)
            if column.kind is ColumnKind.TEXT:
                text = self._text(cell, at, index, column.required, MAX_CELL_LENGTH)
                read[column.key], clean[column.key] = text or None, text
            elif column.kind is ColumnKind.FLAG:
                read[column.key] = clean[column.key] = self._flag(cell, at, index)
            else:
                read[column.key], clean[column.key] = self._number(
                    cell, str(column.kind), at, index, column.required
                )
        self._refuse_unknown(raw, {column.key for column in field.columns}, field.key, index)
        return read, clean

    def _text(self, raw: object, at: str, row: int | None, required: bool, max_length: int) -> str:
        if not isinstance(raw, (str, type(None))):
            self._add("wrong_type", at, row)
            return ""
        # Bounded before it is normalised: composition of a megabyte costs time.
        if raw is not None and len(raw) > 2 * MAX_TEXT_LENGTH:
            self._add("text_too_long", at, row, length=max_length)
            return ""
        text = normalise(raw or "")
        if has_bad_character(text, multiline=row is None):
            self._add("bad_character", at, row)
        elif len(text) > max_length:
            self._add("text_too_long", at, row, length=max_length)
        elif required and not text:
            self._add("missing", at, row)
        return text

    def _number(
        self, raw: object, kind: str, at: str, row: int | None, required: bool
    ) -> tuple[Decimal | None, str]:
        if not isinstance(raw, (str, type(None))):
            self._add("wrong_type", at, row)
            return None, ""
        typed = (raw or "").strip()
        if not typed:
            if required:
                self._add("missing", at, row)
            return None, ""
        try:
            if kind == "integer":
                return Decimal(parse_integer(typed, field=at)), typed
            return parse_decimal(typed, field=at, places=_PLACES[kind], negative=False), typed
        except NumberError as error:
            self._problems.append(Problem(error.code, at, row, error.message))
            return None, typed

    def _flag(self, raw: object, at: str, row: int | None) -> bool:
        if not isinstance(raw, (bool, type(None))):
            self._add("wrong_type", at, row)
        return raw is True

    def _self_check(self, ticked: list[object]) -> tuple[str, ...]:
        known = [check.key for check in self._definition.self_check]
        if any(key not in known for key in ticked):
            self._add("unknown_field", "self_check")
        return tuple(key for key in known if key in ticked)

    def _refuse_unknown(
        self, raw: dict[object, object], known: set[str], at: str = "", row: int | None = None
    ) -> None:
        unknown = [key for key in raw if key not in known]
        for key in unknown[:MAX_UNKNOWN_REPORTED]:
            self._add("unknown_field", join(at, key), row)

    def _add(self, code: str, field: str, row: int | None = None, **values: int) -> None:
        self._problems.append(Problem(code, field, row, sentence(code, **values)))


def _envelope(raw: object) -> tuple[dict[object, object], list[object]]:
    if not isinstance(raw, dict) or not set(raw) <= {"values", "self_check"}:
        raise _single("not_an_object", "")
    values, ticked = raw.get("values"), raw.get("self_check", [])
    if not isinstance(values, dict):
        raise _single("not_an_object", "values")
    if not isinstance(ticked, list) or len(ticked) > MAX_FIELDS:
        raise _single("wrong_type", "self_check")
    return values, ticked


def _is_blank(row: dict[object, object]) -> bool:
    return all(
        cell is None or cell is False or (isinstance(cell, str) and not cell.strip()) for cell in row.values()
    )


def _draft_key(key: object) -> str:
    if not isinstance(key, str) or join("", key) != key:
        raise _single("unknown_field", "")
    return key


def _draft_value(raw: object, at: str) -> Any:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        return _draft_text(raw, at)
    if not isinstance(raw, list):
        raise _single("wrong_type", at)
    if len(raw) > MAX_ROWS:
        raise _single("too_many_rows", at, rows=MAX_ROWS)
    return [_draft_row(row, at) for row in raw]


def _draft_row(raw: object, at: str) -> dict[str, Any]:
    if not isinstance(raw, dict) or len(raw) > MAX_FIELDS:
        raise _single("wrong_type", at)
    row: dict[str, Any] = {}
    for key, cell in raw.items():
        if not isinstance(cell, (str, bool)):
            raise _single("wrong_type", at)
        row[_draft_key(key)] = cell if isinstance(cell, bool) else _draft_text(cell, at)
    return row


def _draft_text(text: str, at: str) -> str:
    if len(text) > MAX_TEXT_LENGTH:
        raise _single("text_too_long", at, length=MAX_TEXT_LENGTH)
    if has_bad_character(text.replace("\r", ""), multiline=True):
        raise _single("bad_character", at)
    return text


def _single(code: str, field: str, **values: int) -> DocumentError:
    return DocumentError((Problem(code, field, None, sentence(code, **values)),))
