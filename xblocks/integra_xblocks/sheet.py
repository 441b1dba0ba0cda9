"""A deliverable's form and document as the templates and the facilitator's desk show them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integra_grading.deliverables import (
    Check,
    Column,
    ComputedField,
    Definition,
    Field,
    FlagField,
    Format,
    TableField,
    TextField,
    compute,
    read_document,
)
from integra_grading.numbers import format_decimal

EMPTY_DOCUMENT: Mapping[str, Any] = {"values": {}, "self_check": []}
_LONG_TEXT = 120
_MOST_BLANK_ROWS = 4
_PAPER_ROWS = 7


def describe_sheet(definition: Definition, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form with what stands in it.

    ``document`` may be unfinished: whatever does not have the shape a field expects is shown as blank.
    """
    values = document.get("values") or {}
    ticked = document.get("self_check") or []
    return {
        "intro": definition.intro,
        "sections": [
            {
                "title": section.title,
                "help": section.help,
                "fields": [_describe_field(field, values.get(field.key)) for field in section.fields],
            }
            for section in definition.sections
        ],
        "self_check": [_describe_check(check, ticked) for check in definition.self_check],
    }


def describe_formulas(definition: Definition) -> dict[str, Any]:
    """Return what the page's script needs: fields by kind, and the formulas as nested arrays."""
    fields = []
    for field in definition.fields:
        described: dict[str, Any] = {"key": field.key, "kind": str(field.kind)}
        if isinstance(field, TableField):
            described["columns"] = [{"key": c.key, "kind": str(c.kind)} for c in field.columns]
        elif isinstance(field, ComputedField):
            described["format"] = str(field.format)
            described["formula"] = field.formula.node.to_json()
            described["needs"] = field.needs.node.to_json() if field.needs else None
        fields.append(described)
    return {"fields": fields}


def describe_answers(definition: Definition, raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a handed-in document as sections of labels and texts, totals computed on the server.

    Raises:
        DocumentError: The document does not belong to the definition.
    """
    document = read_document(definition, raw)
    totals = compute(definition, document)
    return [
        {
            "title": section.title,
            "answers": [_describe_answer(field, document.raw["values"], totals) for field in section.fields],
        }
        for section in definition.sections
    ]


def _describe_field(field: Field, value: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "key": field.key,
        "kind": str(field.kind),
        "label": field.label,
        "help": field.help,
    }
    if isinstance(field, TableField):
        return described | _describe_table(field, value)
    if isinstance(field, ComputedField):
        return described | {"otherwise": field.otherwise}
    if isinstance(field, FlagField):
        return described | {"value": value is True}
    described |= {"value": _as_text(value), "required": getattr(field, "required", False)}
    if isinstance(field, TextField):
        described |= {"max_length": field.max_length, "is_long": field.max_length > _LONG_TEXT}
    return described


def _describe_table(field: TableField, value: Any) -> dict[str, Any]:
    written = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    # A draft comes back with exactly its rows, so that the page can tell it from a changed one.
    blank = 1 if written else max(field.min_rows, min(len(field.examples), _MOST_BLANK_ROWS), 1)
    count = max(len(written), blank)
    rows = [*written, *({} for _ in range(min(count, field.max_rows) - len(written)))]
    return {
        "max_rows": field.max_rows,
        "has_flag": any(column.kind == "flag" for column in field.columns),
        "columns": [{"kind": str(column.kind)} for column in field.columns],
        "rows": [_describe_row(field, row, index) for index, row in enumerate(rows)],
        "empty_row": _describe_row(field, {}, len(field.examples)),
        "paper_rows": range(max(0, min(field.max_rows, _PAPER_ROWS) - len(rows))),
    }


def _describe_row(field: TableField, row: Mapping[str, Any], index: int) -> dict[str, Any]:
    example = field.examples[index] if index < len(field.examples) else ""
    cells = []
    for position, column in enumerate(field.columns):
        value = row.get(column.key)
        cells.append(
            {
                "key": column.key,
                "kind": str(column.kind),
                "label": column.label,
                "value": value is True if column.kind == "flag" else _as_text(value),
                "example": example if position == 0 else "",
            }
        )
    return {"cells": cells}


def _describe_check(check: Check, ticked: Any) -> dict[str, Any]:
    return {
        "key": check.key,
        "text": check.text,
        "is_ticked": isinstance(ticked, list) and check.key in ticked,
    }


def _describe_answer(
    field: Field, values: Mapping[str, Any], totals: Mapping[str, Decimal | None]
) -> dict[str, Any]:
    described: dict[str, Any] = {"label": field.label, "kind": str(field.kind)}
    if isinstance(field, TableField):
        return described | {
            "columns": [column.label for column in field.columns],
            "rows": [
                [_show_cell(column, row.get(column.key)) for column in field.columns]
                for row in values[field.key]
            ],
        }
    if isinstance(field, ComputedField):
        return described | {"text": _show_total(field, totals[field.key])}
    value = values[field.key]
    return described | {"text": _show_flag(value) if isinstance(field, FlagField) else _as_text(value)}


def _show_cell(column: Column, value: Any) -> str:
    return _show_flag(value) if column.kind == "flag" else _as_text(value)


def _show_flag(value: Any) -> str:
    return "✓" if value is True else ""


def _show_total(field: ComputedField, value: Decimal | None) -> str:
    if value is None:
        return field.otherwise or "–"
    if field.format is Format.MONEY:
        return f"$ {format_decimal(value, 2)}"
    return format_decimal(value, 0 if value == value.to_integral_value() else 2)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""
