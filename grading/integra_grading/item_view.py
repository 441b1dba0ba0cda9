"""An item as a learner may see it before answering: no key, no tolerance, no named error, no feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integra_grading.item_kinds import cell_key
from integra_grading.item_parts import ItemKind, Option, Row, Target
from integra_grading.items import Item


@dataclass(frozen=True, slots=True)
class ShownPart:
    """An option, a target or a column: sanitised HTML under its key."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell: a given ``text``, or asked for under ``key`` ("row/column") and counted in ``unit``; or empty."""

    key: str
    text: str
    unit: str
    is_asked: bool


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One cell per column of the grid, in the order of the columns."""

    key: str
    label: str
    cells: tuple[ShownCell, ...]


@dataclass(frozen=True, slots=True)
class ShownItem:
    """What a page gets of an item; the parts a kind does not have are empty."""

    key: str
    kind: ItemKind
    stem: str
    unit: str
    options: tuple[ShownPart, ...]
    targets: tuple[ShownPart, ...]
    columns: tuple[ShownPart, ...]
    rows: tuple[ShownRow, ...]


def show_item(item: Item, order: Sequence[str]) -> ShownItem:
    """Return ``item`` as one learner sees it.

    Args:
        item: Any item.
        order: ``presentation(item, seed)``, or what was stored of it.

    Invariants: equal for two items that differ only in keys, tolerances, slips, named errors or feedback, given
    the same ``order``.
    """
    parts: tuple[Option | Target, ...] = (*item.options, *item.targets)
    texts = {part.key: part.text for part in parts}
    options = {option.key for option in item.options}
    targets = {target.key for target in item.targets}
    return ShownItem(
        key=item.key,
        kind=item.kind,
        stem=item.stem,
        unit=item.answer.unit if item.answer else "",
        options=tuple(ShownPart(key, texts[key]) for key in order if key in options),
        targets=tuple(ShownPart(key, texts[key]) for key in order if key in targets),
        columns=tuple(ShownPart(column.key, column.text) for column in item.columns),
        rows=tuple(_show_row(row, [column.key for column in item.columns]) for row in item.rows),
    )


def _show_row(row: Row, columns: Sequence[str]) -> ShownRow:
    shown = {}
    for cell in row.cells:
        unit = cell.answer.unit if cell.answer else ""
        shown[cell.column] = ShownCell(cell_key(row.key, cell), cell.text, unit, cell.answer is not None)
    empty = ShownCell("", "", "", is_asked=False)
    return ShownRow(row.key, row.label, tuple(shown.get(column, empty) for column in columns))
