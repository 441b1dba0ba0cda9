"""Rules over banks: twins, blueprints, rings, the place of the keys, and no question twice anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from integra_course.model import Bank, Course, Module, SourceItem
from integra_course.problems import Problems
from integra_course.readability import measure, plain_text
from integra_course.reading_items import FORM, STARTS_WITH_NUMBER
from integra_grading.items import ItemKind

APPLYING = ("aplicar", "analizar", "decidir")
EASY_ENOUGH = 65
# Shares of a key position that give nothing away (dossier 5.1), asked of banks large enough to keep them.
LOWEST_SHARE, HIGHEST_SHARE, SMALLEST_BANK = 0.20, 0.30, 12
LENGTH_TOLERANCE = 1.3


def check_items(course: Course, problems: Problems) -> None:
    """Refuse a key or a question that stands twice in practices, tests and rings; warn of hard reading."""
    keys: dict[str, SourceItem] = {}
    contents: dict[str, SourceItem] = {}
    for each in _all_items(course):
        first = keys.setdefault(each.item.key, each)
        if first is not each:
            problems.refuse(
                each.place.at("clave"),
                "duplicate_item",
                f"La clave «{each.item.key}» ya está en {first.place}. Ponle otra.",
            )
        first = contents.setdefault(_content(each), each)
        if first is not each:
            problems.refuse(
                each.place.at("pregunta"),
                "repeated_item",
                f"Es la misma pregunta que «{first.item.key}» ({first.place}). Escribe otra situación.",
            )
        _check_reading(each, problems)


def check_tests(course: Course, problems: Problems) -> None:
    """Refuse a test bank whose forms are not twins of the blueprint."""
    tests = course.tests
    bank = tests.bank
    if len(set(tests.forms)) != 2 or len(tests.forms) != 2:
        problems.refuse(
            tests.place.at("formas"), "not_two_forms", "Las formas gemelas son dos. Escribe [A, B]."
        )
        return
    if tests.cut > sum(row.per_form for row in tests.blueprint):
        problems.refuse(
            tests.cut_place,
            "out_of_range",
            "El corte pasa de las preguntas de una forma. Bájalo.",
        )
    _check_outcomes_known(course, (row.key for row in tests.blueprint), bank, problems)
    if problems.has_errors_in(bank.place.file):
        return
    if not all(FORM.fullmatch(form) for form in tests.forms):
        return
    for each in bank.items:
        if each.item.form not in tests.forms:
            problems.refuse(
                each.place.at("forma"),
                "unknown_form",
                f"La forma «{each.item.form}» no está en course.yaml. Usa A o B.",
            )
    if problems.has_errors_in(bank.place.file):
        return
    planned = {row.key: row.per_form for row in tests.blueprint}
    for form in tests.forms:
        held = Counter(each.item.outcome for each in bank.items if each.item.form == form)
        for outcome in sorted(planned.keys() | held.keys()):
            wanted = planned.get(outcome, 0)
            if held[outcome] != wanted:
                problems.refuse(
                    bank.place,
                    "blueprint_mismatch",
                    f"La forma {form} tiene {held[outcome]} preguntas del resultado {outcome} y el plan dice {wanted}.",
                )
    for each in bank.items:
        _check_lengths(each, problems)
    _check_twins(bank, tests.forms, problems)
    _check_key_positions(bank, problems)


def check_ring(course: Course, module: Module, bank: Bank, problems: Problems) -> None:
    """Refuse a ring that cannot give two forms of exact counts without a repeat."""
    rules = course.bypass_rules
    _check_outcomes_known(course, (stratum.key for stratum in bank.strata), bank, problems, module)
    if not rules or problems.has_errors_in(bank.place.file):
        return
    held = Counter(each.item.stratum for each in bank.items)
    counts = {stratum.key: stratum for stratum in bank.strata}
    for each in bank.items:
        if each.item.stratum not in counts:
            problems.refuse(
                each.place.at("estrato"),
                "unknown_stratum",
                f"El estrato «{each.item.stratum}» no está en «estratos». Usa uno de: {', '.join(counts)}.",
            )
        elif each.item.stratum != each.item.outcome:
            problems.refuse(
                each.place.at("estrato"),
                "stratum_outcome",
                "El estrato y el resultado deben ser iguales. Corrige uno.",
            )
    if problems.has_errors_in(bank.place.file):
        return
    total = sum(stratum.per_form for stratum in bank.strata)
    if total != rules["form_items"]:
        problems.refuse(
            bank.place.at("estratos"),
            "strata_sum",
            f"«por_forma» suma {total} y course.yaml pide {rules['form_items']} preguntas por forma. Iguálalos.",
        )
    forms = {held[key] / stratum.per_form for key, stratum in counts.items()}
    for key, stratum in counts.items():
        if held[key] % stratum.per_form or held[key] < 2 * stratum.per_form or len(forms) > 1:
            problems.refuse(
                stratum.place,
                "stratum_count",
                f"El estrato {key} tiene {held[key]} preguntas y cada forma toma {stratum.per_form}. "
                "Todos los estratos deben alcanzar para el mismo número de formas completas, al menos dos.",
            )
            break
    _check_worst_draw(module, bank, problems)
    for each in bank.items:
        _check_lengths(each, problems)
    _check_twins(bank, (), problems)
    _check_key_positions(bank, problems)


def _check_worst_draw(module: Module, bank: Bank, problems: Problems) -> None:
    """Refuse a ring from which an unlucky draw could be too easy: counted for the worst form, not on average."""
    calculations = _fewest(bank, [each for each in bank.items if each.is_calculation])
    if calculations < module.min_calculations:
        problems.refuse(
            bank.place,
            "too_few_calculations",
            f"Una forma podría salir con {calculations} cuentas y el módulo pide {module.min_calculations}. Agrega.",
        )
    applying = _fewest(bank, [each for each in bank.items if each.item.level in APPLYING])
    wanted = sum(stratum.per_form for stratum in bank.strata) // 2
    if applying < wanted:
        problems.refuse(
            bank.place,
            "too_few_applying",
            f"Una forma podría salir con {applying} preguntas de aplicar o más; deben ser {wanted}. Cambia el nivel.",
        )


def _fewest(bank: Bank, chosen: Sequence[SourceItem]) -> int:
    held = Counter(each.item.stratum for each in bank.items)
    good = Counter(each.item.stratum for each in chosen)
    return sum(max(0, stratum.per_form - (held[stratum.key] - good[stratum.key])) for stratum in bank.strata)


def _check_twins(bank: Bank, forms: tuple[str, ...], problems: Problems) -> None:
    groups: dict[str, list[SourceItem]] = defaultdict(list)
    for each in bank.items:
        groups[each.item.twin or ""].append(each)
    for name, twins in groups.items():
        if len(twins) != 2 or (forms and {each.item.form for each in twins} != set(forms)):
            problems.refuse(
                twins[0].place.at("gemela"),
                "twin_missing",
                f"«{name}» debe nombrar dos preguntas{', una en cada forma' if forms else ''}. Revisa «gemela».",
            )
            continue
        first, second = twins
        for key, label in (
            ("outcome", "resultado"),
            ("level", "nivel"),
            ("kind", "tipo"),
            ("stratum", "estrato"),
        ):
            if getattr(first.item, key) != getattr(second.item, key):
                problems.refuse(
                    second.place.at(label),
                    "twin_differs",
                    f"Su gemela {first.item.key} tiene otro «{label}». Iguálalos.",
                )
        if set(first.errors) != set(second.errors):
            problems.refuse(
                second.place.at("opciones"),
                "twin_differs",
                f"Su gemela {first.item.key} tiene otros errores con nombre. Usa los mismos.",
            )


def _check_key_positions(bank: Bank, problems: Problems) -> None:
    singles = [each for each in bank.items if each.item.kind is ItemKind.SINGLE]
    if len(singles) < SMALLEST_BANK:
        return
    positions = Counter(
        index for each in singles for index, option in enumerate(each.item.options) if option.is_correct
    )
    for index, letter in enumerate("abcd"):
        share = positions[index] / len(singles)
        if not LOWEST_SHARE <= share <= HIGHEST_SHARE:
            problems.refuse(
                bank.place,
                "key_positions",
                f"La opción {letter} es la correcta en {positions[index]} de {len(singles)} preguntas; debe serlo "
                "en el 20 a 30 %. Cambia el orden de algunas opciones.",
            )


def _check_outcomes_known(
    course: Course, outcomes: Iterable[str], bank: Bank, problems: Problems, module: Module | None = None
) -> None:
    if problems.has_errors_under("modules"):
        return
    modules = course.modules if module is None else (module,)
    taught = {outcome for each in modules for unit in each.units for outcome in unit.outcomes}
    known = ", ".join(sorted(taught))
    for outcome in outcomes:
        if outcome not in taught:
            problems.refuse(
                bank.place,
                "outcome_not_taught",
                f"Ninguna unidad enseña el resultado {outcome}. Se enseñan: {known}.",
            )
    for each in bank.items:
        if each.item.outcome not in taught:
            problems.refuse(
                each.place.at("resultado"),
                "outcome_not_taught",
                f"Ninguna unidad enseña el resultado {each.item.outcome}. Se enseñan: {known}.",
            )


def _check_reading(each: SourceItem, problems: Problems) -> None:
    index = measure(plain_text("\n".join((each.stem_text, *each.option_texts)))).index
    if index is not None and index < EASY_ENOUGH:
        problems.warn(
            each.place.at("pregunta"),
            "hard_to_read",
            f"INFLESZ {index:.0f}; la meta es {EASY_ENOUGH} o más. Usa palabras comunes y frases cortas.",
        )


def _check_lengths(each: SourceItem, problems: Problems) -> None:
    """Warn where the right option gives itself away by being the longest."""
    if each.item.kind is not ItemKind.SINGLE or all(
        STARTS_WITH_NUMBER.match(text) for text in each.option_texts
    ):
        return
    correct = next(index for index, option in enumerate(each.item.options) if option.is_correct)
    others = [len(text) for index, text in enumerate(each.option_texts) if index != correct]
    if len(each.option_texts[correct]) > LENGTH_TOLERANCE * max(others):
        problems.warn(
            each.place.at("opciones"),
            "key_too_long",
            "La correcta es la más larga y se delata. Iguala los largos.",
        )


def _all_items(course: Course) -> Iterable[SourceItem]:
    for unit in course.units():
        yield from unit.practice.items
    for bank in course.banks():
        yield from bank.items


def _content(each: SourceItem) -> str:
    texts = (each.stem_text, *sorted(each.option_texts))
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKD", " ".join(texts)).casefold()))
