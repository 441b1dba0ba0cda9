"""What the template ``item_fields.html`` shows of an item, with what the learner answered so far."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from integra_grading.item_view import ShownItem, ShownPart, ShownRow, show_item
from integra_grading.items import UNKNOWN_OPTION, Item, presentation
from integra_xblocks.sanitiser import sanitise


def describe_item(item: ShownItem, response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's values for ``item``; ``response`` is what was stored, or empty."""
    chosen = {response.get("option"), *response.get("options", ())}
    pairs = response.get("pairs", {})
    return {
        "key": item.key,
        "kind": str(item.kind),
        "stem": sanitise(item.stem),
        "unit": item.unit,
        "options": [
            {
                "key": option.key,
                "text": sanitise(option.text),
                "is_chosen": option.key in chosen,
                "target": pairs.get(option.key, ""),
            }
            for option in _in_order(item.options, response.get("order", ()))
        ],
        "targets": [
            {"key": target.key, "letter": letter, "text": sanitise(target.text)}
            for letter, target in zip(ascii_uppercase, item.targets, strict=False)
        ],
        "columns": [sanitise(column.text) for column in item.columns],
        "rows": [_describe_row(row, response.get("cells", {})) for row in item.rows],
        "number": response.get("number", ""),
        "is_unknown": response.get("option") == UNKNOWN_OPTION,
        "is_answered": bool(response),
    }


def describe_form(item: Item, seed: str) -> dict[str, Any]:
    """Return the same for an item nobody has answered yet, in the order of ``seed``."""
    return describe_item(show_item(item, presentation(item, seed)), {})


def _in_order(options: tuple[ShownPart, ...], order: list[str] | tuple[()]) -> list[ShownPart]:
    """Return the options as the learner left them, else as they were shown first."""
    places = {key: place for place, key in enumerate(order)}
    return sorted(options, key=lambda option: places.get(option.key, len(places)))


def _describe_row(row: ShownRow, typed: Mapping[str, str]) -> dict[str, Any]:
    cells = [
        {
            "key": cell.key,
            "text": cell.text,
            "unit": cell.unit,
            "is_asked": cell.is_asked,
            "typed": typed.get(cell.key, ""),
        }
        for cell in row.cells
    ]
    return {"label": sanitise(row.label), "cells": cells}
