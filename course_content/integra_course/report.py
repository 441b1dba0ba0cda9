"""What the course amounts to: minutes, words, readability, questions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from integra_course.model import Course, Module, Unit
from integra_course.readability import count_words, measure, plain_text


def build_report(course: Course) -> dict[str, Any]:
    """Return the report; its keys are relied on outside (architecture, section 7)."""
    tests = course.tests
    indices = list_indices(course.units())
    return {
        "minutes": sum(module.minutes for module in course.modules) + tests.pre_minutes + tests.post_minutes,
        "words": count_unit_words(course.units()),
        "readability": {
            "min": round(min(indices), 1) if indices else None,
            "median": round(statistics.median(indices), 1) if indices else None,
        },
        "modules": [_module(module) for module in course.modules],
        "tests": {form: sum(each.item.form == form for each in tests.bank.items) for form in tests.all_forms},
        "facts": [{"key": fact.key, "checked_on": fact.checked_on.isoformat()} for fact in course.facts],
    }


def _module(module: Module) -> dict[str, Any]:
    totals: dict[str, int] = {}
    for unit in module.units:
        for kind, minutes in unit.minutes_by_type.items():
            totals[kind] = totals.get(kind, 0) + minutes
    return {
        "key": module.key,
        "minutes": module.minutes,
        "minutes_by_type": totals,
        "units": [{"key": unit.key, "minutes": unit.minutes} for unit in module.units],
        "outcomes": [outcome.key for outcome in module.outcomes],
        "items": {
            "practice": sum(len(unit.practice_items) for unit in module.units),
            "bypass": len(module.bypass.items) if module.bypass is not None else 0,
        },
        "deliverable": module.deliverable.key if module.deliverable is not None else None,
    }


def count_unit_words(units: Iterable[Unit]) -> int:
    """Return the words of the units' lessons."""
    return sum(count_words(section.markdown) for unit in units for section in unit.sections)


def list_indices(units: Iterable[Unit]) -> list[float]:
    """Return the INFLESZ index of each unit that has one."""
    texts = ("\n".join(plain_text(section.markdown) for section in unit.sections) for unit in units)
    return [index for text in texts if (index := measure(text).index) is not None]
