"""What the course amounts to: minutes, words, readability, questions."""

from __future__ import annotations

import statistics
from typing import Any

from integra_course.checks_banks import share_alike
from integra_course.model import Course, Module, Unit
from integra_course.readability import count_words, measure, plain_text
from integra_grading.bypass import BypassRules, exemption_chance

MASTERIES = (50, 60, 70, 80, 90)


def build_report(course: Course) -> dict[str, Any]:
    """Return the report; its keys are relied on outside (architecture, section 7)."""
    tests = course.tests
    indices = [index for unit in course.units() if (index := _index(unit)) is not None]
    return {
        "minutes": sum(module.minutes for module in course.modules) + tests.pre_minutes + tests.post_minutes,
        "words": sum(_words(unit) for unit in course.units()),
        "readability": {
            "min": round(min(indices), 1) if indices else None,
            "median": round(statistics.median(indices), 1) if indices else None,
        },
        "modules": [_module(module) for module in course.modules],
        "tests": {form: sum(each.item.form == form for each in tests.bank.items) for form in tests.all_forms},
        "facts": [{"key": fact.key, "checked_on": fact.checked_on.isoformat()} for fact in course.facts],
    }


def write_report(course: Course) -> str:
    """Return the report as Spanish lines for an author, with what the rules mean for who knows how much."""
    report, rules = build_report(course), BypassRules(**course.bypass_rules)
    reading = report["readability"]
    lines = [
        f"Minutos: {report['minutes']}. Palabras: {report['words']}.",
        f"Lectura (INFLESZ): mínimo {reading['min']}, mediana {reading['median']}. La meta es 65 o más.",
    ]
    for module in report["modules"]:
        items = module["items"]
        lines.append(
            f"{module['key']}: {module['minutes']} min, {len(module['units'])} unidad(es), "
            f"{items['practice']} preguntas de práctica, {items['bypass']} de evaluación directa, "
            f"entregable: {module['deliverable'] or 'no tiene'}."
        )
    chances = "; ".join(
        f"{known} %: {100 * exemption_chance(rules, known / 100):.0f} % y "
        f"{100 * exemption_chance(rules, known / 100, sittings=rules.max_sittings):.0f} %"
        for known in MASTERIES
    )
    lines.append(
        "Probabilidad de exonerarse según cuánto se sabe, en una evaluación y en las "
        f"{rules.max_sittings} permitidas: {chances}."
    )
    alike = ", ".join(f"{bank.key}: {100 * share_alike(bank):.0f} %" for bank in course.banks())
    lines.append(f"Preguntas que solo cambian nombres y números de otra, por banco: {alike}.")
    forms = ", ".join(f"{form}: {count}" for form, count in report["tests"].items())
    return "\n".join((*lines, f"Preguntas de las pruebas por forma: {forms}.")) + "\n"


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


def _words(unit: Unit) -> int:
    return sum(count_words(section.markdown) for section in unit.sections)


def _index(unit: Unit) -> float | None:
    return measure("\n".join(plain_text(section.markdown) for section in unit.sections)).index
