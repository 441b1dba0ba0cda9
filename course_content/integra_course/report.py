"""What the course amounts to: minutes, words, readability, questions."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

from integra_course.model import Course, Module, Unit


def build_report(course: Course) -> dict[str, Any]:
    """Return the report; its keys are relied on outside (architecture, section 7)."""
    tests = course.tests
    indices = list_indices(course.units())
    return {
        "minutes": sum(module.minutes for module in course.modules) + tests.minutes,
        "words": sum(unit.word_count for unit in course.units()),
        "readability": {
            "min": round(min(indices), 1) if indices else None,
            "median": round(statistics.median(indices), 1) if indices else None,
        },
        "modules": [_module(module) for module in course.modules],
        "tests": {form: sum(each.item.form == form for each in tests.bank.items) for form in tests.all_forms},
        "facts": [{"key": fact.key, "checked_on": fact.checked_on.isoformat()} for fact in course.facts],
    }


def _module(module: Module) -> dict[str, Any]:
    return {
        "key": module.key,
        "minutes": module.minutes,
        "minutes_by_type": dict(sum_minutes_by_type(module.units)),
        "units": [{"key": unit.key, "minutes": unit.minutes} for unit in module.units],
        "outcomes": [outcome.key for outcome in module.outcomes],
        "items": {
            "practice": sum(len(unit.practice_items) for unit in module.units),
            "bypass": len(module.bypass.items) if module.bypass is not None else 0,
        },
        "deliverable": module.deliverable.key if module.deliverable is not None else None,
    }


def sum_minutes_by_type(units: Iterable[Unit]) -> Counter[str]:
    """Return the declared minutes of reading, example, practice, field and deliverable."""
    total: Counter[str] = Counter()
    for unit in units:
        total.update(unit.minutes_by_type)
    return total


def list_indices(units: Iterable[Unit]) -> list[float]:
    """Return the INFLESZ index of each unit that has one."""
    return [index for unit in units if (index := unit.reading.index) is not None]
