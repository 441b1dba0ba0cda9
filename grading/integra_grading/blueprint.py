"""The blueprint of a test: how many items of every form belong to each outcome and level.

Source: dossier 2.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from integra_grading.wire import KEY, Many, Whole, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueprintRow:
    """How many items of every form test one outcome."""

    outcome: str = wire(KEY)
    items: int = wire(Whole(1, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """How many items of every form about one module are of one of these cognitive levels."""

    module: str = wire(KEY)
    levels: tuple[str, ...] = wire(Many(KEY, 10, minimum=1))
    items: int = wire(Whole(0, 100))


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """What the blueprint looks at in an item."""

    outcome: str
    level: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A place of the blueprint where a form has another number of items than planned."""

    what: str  # an outcome, or "module/level+level"
    held: int
    planned: int


def find_misses(
    items: Iterable[PlannedItem],
    outcomes: Sequence[BlueprintRow],
    levels: Sequence[LevelRow],
    *,
    module_of: Mapping[str, str],
) -> tuple[Miss, ...]:
    """Return everything in which one form differs from the blueprint; empty when it meets it.

    Args:
        items: The items of one form, in any order.
        outcomes: Items per outcome; an outcome without a row is planned with none.
        levels: Items per module and group of levels; where a module has rows, a level in none of them is planned
            with none; a module without rows may have any.
        module_of: Module key by outcome.

    Invariants: independent of the order of ``items``; no miss means that the form has as many items as the rows say.
    """
    form = tuple(items)
    held = Counter(item.outcome for item in form)
    planned = {row.outcome: row.items for row in outcomes}
    misses = [
        Miss(outcome, held[outcome], planned.get(outcome, 0))
        for outcome in sorted(planned.keys() | held.keys())
        if held[outcome] != planned.get(outcome, 0)
    ]
    by_level = Counter((module_of.get(item.outcome, ""), item.level) for item in form)
    for row in levels:
        count = sum(by_level.pop((row.module, level), 0) for level in row.levels)
        if count != row.items:
            misses.append(Miss(f"{row.module}/{'+'.join(row.levels)}", count, row.items))
    ruled = {row.module for row in levels}
    misses += [
        Miss(f"{module}/{level}", count, 0)
        for (module, level), count in sorted(by_level.items())
        if module in ruled
    ]
    return tuple(misses)
