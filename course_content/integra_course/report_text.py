"""The report as an author reads it: tables of minutes, questions and outcomes, and what the rules mean."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from integra_course.checks_banks import share_alike
from integra_course.facts import OLD_AFTER, list_old
from integra_course.model import Course, Module, SourceItem, Unit
from integra_course.reading_items import LEVELS
from integra_course.report import list_indices, sum_minutes_by_type
from integra_grading.bypass import BypassRules, exemption_chance

MASTERIES = (50, 60, 70, 80, 90)
HEADING_BY_TYPE = {
    "reading": "Lectura",
    "example": "Ejemplo",
    "practice": "Práctica",
    "field": "Campo",
    "deliverable": "Entregable",
}
AGES = {"hasta medio año": OLD_AFTER / 2, "hasta un año": OLD_AFTER}

Row = Sequence[object]


def write_report(course: Course, today: date) -> str:
    """Return the report as Spanish text, one table for each thing an author asks."""
    parts = [
        _write_minutes(course),
        _write_banks(course),
        _write_outcomes(course),
        _write_chances(BypassRules(**course.bypass_rules)),
    ]
    if course.facts:
        parts.append(_write_facts(course, today))
    return "\n\n".join(parts) + "\n"


def _write_minutes(course: Course) -> str:
    tests = course.tests.minutes
    units = list(course.units())
    outcomes = sum(len(module.outcomes) for module in course.modules)
    by_type = sum_minutes_by_type(units)
    minutes = sum(module.minutes for module in course.modules)
    return _write_table(
        "Minutos. INFLESZ: mínimo y mediana de las unidades; la meta es 65 o más, 60 en los módulos de leyes.",
        ("Módulo", "Unidades", "Resultados", *HEADING_BY_TYPE.values(), "Minutos", "Palabras", "INFLESZ"),
        [
            *[_describe_module(module) for module in course.modules],
            (
                "pruebas",
                "",
                "",
                *["" if kind != "practice" else tests for kind in HEADING_BY_TYPE],
                tests,
                "",
                "",
            ),
            (
                "total",
                len(units),
                outcomes,
                *[by_type[kind] + (tests if kind == "practice" else 0) for kind in HEADING_BY_TYPE],
                minutes + tests,
                sum(unit.word_count for unit in units),
                _describe_reading(units),
            ),
        ],
    )


def _describe_module(module: Module) -> Row:
    by_type = sum_minutes_by_type(module.units)
    return (
        module.key,
        len(module.units),
        len(module.outcomes),
        *[by_type[kind] for kind in HEADING_BY_TYPE],
        module.minutes,
        sum(unit.word_count for unit in module.units),
        _describe_reading(module.units),
    )


def _describe_reading(units: Iterable[Unit]) -> str:
    indices = list_indices(units)
    return f"{min(indices):.0f}/{statistics.median(indices):.0f}" if indices else ""


def _write_banks(course: Course) -> str:
    practice = course.practice_items()
    forms = Counter(each.item.form for each in course.tests.bank.items)
    return _write_table(
        "Preguntas. Por forma de la prueba: "
        + ", ".join(f"{form} {forms[form]}" for form in course.tests.all_forms)
        + ". «Iguales»: las que solo cambian nombres y números de otra.",
        ("Banco", "Preguntas", "Cuentas", "Iguales"),
        [
            ("práctica", len(practice), _count_calculations(practice), ""),
            *[
                (
                    bank.key,
                    len(bank.items),
                    _count_calculations(bank.items),
                    f"{100 * share_alike(bank):.0f} %",
                )
                for bank in course.banks()
            ],
        ],
    )


def _count_calculations(items: Iterable[SourceItem]) -> int:
    return sum(each.is_calculation for each in items)


def _write_outcomes(course: Course) -> str:
    asked: dict[str, Counter[str]] = {
        outcome.key: Counter() for module in course.modules for outcome in module.outcomes
    }
    for each in course.items():
        asked[each.item.outcome][each.item.level] += 1
    return _write_table(
        "Preguntas de cada resultado, por nivel, en prácticas y bancos.",
        ("Resultado", *LEVELS, "total"),
        [(key, *[levels[level] for level in LEVELS], levels.total()) for key, levels in asked.items()],
    )


def _write_chances(rules: BypassRules) -> str:
    chances = "; ".join(
        f"{known} %: {100 * exemption_chance(rules, known / 100):.0f} % y "
        f"{100 * exemption_chance(rules, known / 100, sittings=rules.max_sittings):.0f} %"
        for known in MASTERIES
    )
    return (
        "Probabilidad de exonerarse según cuánto se sabe, en una evaluación y en las "
        f"{rules.max_sittings} permitidas: {chances}."
    )


def _write_facts(course: Course, today: date) -> str:
    ages = [today - fact.checked_on for fact in course.facts]
    counts, younger = [], 0
    for name, longest in AGES.items():
        up_to = sum(age <= longest for age in ages)
        counts.append(f"{name} {up_to - younger}")
        younger = up_to
    counts.append(f"más {len(ages) - younger}")
    lines = [f"Hechos con fuente: {len(ages)}. Revisados hace: {', '.join(counts)}."]
    lines += [
        f"  {fact.place}: «{fact.key}», revisado el {fact.checked_on}. {fact.source}"
        for fact in list_old(course.facts, today)
    ]
    return "\n".join(lines)


def _write_table(title: str, headings: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the title and the rows below their headings, the first column to the left and the others to the right."""
    cells = [[str(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells
    ]
    return "\n".join((title, *lines))
