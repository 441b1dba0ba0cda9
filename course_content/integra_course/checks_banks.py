"""Rules over banks: twins, blueprints, rings, the place of the keys, and no question twice anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from integra_course.model import Bank, Closing, Course, Module, SourceItem, Tests
from integra_course.problems import Problems
from integra_course.readability import measure, plain_text
from integra_course.reading_items import STARTS_WITH_NUMBER
from integra_course.schema import FORM
from integra_grading.blueprint import BlueprintRow, LevelRow, PlannedItem, find_misses
from integra_grading.forms import CLOSING_ITEMS_AT_LEAST
from integra_grading.items import ItemKind

APPLYING = ("aplicar", "analizar", "decidir")
EASY_ENOUGH = 65
# Shares of a key position that give nothing away (dossier 5.1), asked of banks large enough to keep them.
LOWEST_SHARE, HIGHEST_SHARE, SMALLEST_BANK = 0.20, 0.30, 12
LENGTH_TOLERANCE = 1.3
# The same question with other names and numbers, twins apart, drills instead of measuring.
MOST_ALIKE = 0.05


def check_items(course: Course, problems: Problems) -> None:
    """Refuse a key or a question that stands twice in practices, tests and rings; warn of hard reading."""
    keys: dict[str, SourceItem] = {}
    contents: dict[str, SourceItem] = {}
    for each in course.items():
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


def share_alike(bank: Bank) -> float:
    """Return the share of a bank's items that ask what another one asks, names and numbers aside; twins apart."""
    groups: dict[str, list[SourceItem]] = defaultdict(list)
    for each in bank.items:
        groups[_skeleton(each.stem_text)].append(each)
    repeated = sum(len(group) for group in groups.values() if len({each.item.twin for each in group}) > 1)
    return repeated / len(bank.items) if bank.items else 0.0


def check_variety(bank: Bank, problems: Problems) -> None:
    """Refuse a bank of which much is the same question with other names and numbers."""
    share = share_alike(bank)
    if share > MOST_ALIKE and not problems.has_errors_in(bank.place.file):
        problems.refuse(
            bank.place,
            "too_much_alike",
            f"El {100 * share:.0f} % de las preguntas solo cambia nombres y números de otra; el máximo es "
            f"{100 * MOST_ALIKE:.0f} %. Escribe otras situaciones.",
        )


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
    if not all(FORM.fullmatch(form) for form in tests.all_forms):
        return
    if len(set(tests.all_forms)) != len(tests.all_forms):
        problems.refuse(
            tests.place.at("formas_siguientes"),
            "form_twice",
            "Una forma está dos veces. Deja cada letra una vez.",
        )
        return
    _check_panel(tests, problems)
    for each in bank.items:
        if each.item.form not in tests.all_forms:
            problems.refuse(
                each.place.at("forma"),
                "unknown_form",
                f"La forma «{each.item.form}» no está en course.yaml. Usa una de: {', '.join(tests.all_forms)}.",
            )
    if problems.has_errors_in(bank.place.file):
        return
    _check_blueprint(course, problems)
    for each in bank.items:
        _check_lengths(each, problems)
    _check_twins(bank, tests.all_forms, problems)
    _check_key_positions(bank, problems)


def _check_panel(tests: Tests, problems: Problems) -> None:
    """Refuse a panel that judged other questions than those of its form."""
    if tests.panel is None:
        return
    form = {each.item.key for each in tests.bank.items if each.item.form == tests.panel.form}
    if form != {rating.item for rating in tests.panel.judges[0].ratings}:
        problems.refuse(
            tests.cut_place,
            "panel_items",
            f"El panel debe estimar justo las preguntas de la forma «{tests.panel.form}». Revisa sus claves.",
        )


def _check_blueprint(course: Course, problems: Problems) -> None:
    tests = course.tests
    outcomes = [BlueprintRow(outcome=row.key, items=row.per_form) for row in tests.blueprint]
    levels = [LevelRow(module=row.module, levels=row.levels, items=row.per_form) for row in tests.levels]
    module_of = {outcome.key: module.key for module in course.modules for outcome in module.outcomes}
    for row in tests.levels:
        if row.module not in module_of.values() and not problems.has_errors_under("modules"):
            problems.refuse(row.place.at("modulo"), "unknown_module", f"«{row.module}» no está en «modulos».")
    for form in tests.all_forms:
        items = [
            PlannedItem(each.item.outcome, each.item.level)
            for each in tests.bank.items
            if each.item.form == form
        ]
        for miss in find_misses(items, outcomes, levels, module_of=module_of):
            problems.refuse(
                tests.bank.place,
                "blueprint_mismatch",
                f"La forma {form} tiene {miss.held} preguntas de {miss.what} y el plan dice {miss.planned}.",
            )


def check_ring(course: Course, module: Module, bank: Bank, problems: Problems) -> None:
    """Refuse a ring that cannot give two forms of exact counts without a repeat."""
    rules = course.bypass_rules
    if not rules or not _check_draws(course, (module,), bank, rules["form_items"], problems):
        return
    _check_worst_draw(module, bank, problems)


def check_closing(course: Course, closing: Closing, problems: Problems) -> None:
    """Refuse a closing form that is too short or asks about another area."""
    areas = {area.key: area for area in course.areas}
    if closing.area not in areas:
        problems.refuse(
            closing.place.at("area"),
            "unknown_area",
            f"«{closing.area}» no está en «areas». Están: {', '.join(areas)}.",
        )
        return
    if closing.max_score < CLOSING_ITEMS_AT_LEAST:
        problems.refuse(
            closing.bank.place.at("estratos"),
            "closing_too_short",
            f"«por_forma» suma {closing.max_score}. Un cierre de área tiene al menos {CLOSING_ITEMS_AT_LEAST}.",
        )
    if closing.cut > closing.max_score:
        problems.refuse(
            closing.place.at("corte"), "out_of_range", "El corte pasa de las preguntas de una forma. Bájalo."
        )
    modules = tuple(module for module in course.modules if module.key in areas[closing.area].modules)
    _check_draws(course, modules, closing.bank, closing.max_score, problems)


def _check_draws(
    course: Course, modules: Sequence[Module], bank: Bank, form_items: int, problems: Problems
) -> bool:
    """Refuse a ring that does not hold whole forms of exact counts; tell whether its counts are good."""
    _check_outcomes_known(course, (stratum.key for stratum in bank.strata), bank, problems, modules)
    if problems.has_errors_in(bank.place.file):
        return False
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
        return False
    total = sum(stratum.per_form for stratum in bank.strata)
    if total != form_items:
        problems.refuse(
            bank.place.at("estratos"),
            "strata_sum",
            f"«por_forma» suma {total} y course.yaml pide {form_items} preguntas por forma. Iguálalos.",
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
    for each in bank.items:
        _check_lengths(each, problems)
    _check_twins(bank, (), problems)
    _check_key_positions(bank, problems)
    return True


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
    rule = f"una pregunta en cada forma ({', '.join(forms)})" if forms else "dos preguntas"
    groups: dict[str, list[SourceItem]] = defaultdict(list)
    for each in bank.items:
        groups[each.item.twin or ""].append(each)
    for name, twins in groups.items():
        if len(twins) != (len(forms) or 2) or (forms and {each.item.form for each in twins} != set(forms)):
            problems.refuse(
                twins[0].place.at("gemela"),
                "twin_missing",
                f"«{name}» debe nombrar {rule}. Revisa «gemela».",
            )
            continue
        for second in twins[1:]:
            _compare_twins(twins[0], second, problems)


def _compare_twins(first: SourceItem, second: SourceItem, problems: Problems) -> None:
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
    course: Course, outcomes: Iterable[str], bank: Bank, problems: Problems, among: Sequence[Module] = ()
) -> None:
    if problems.has_errors_under("modules"):
        return
    modules = among or course.modules
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


def _skeleton(stem: str) -> str:
    """Return a stem without its numbers and without capitalised words: what is asked, whoever and however much."""
    words = re.findall(r"[^\W\d_]+", stem)
    return " ".join(word for word in words if not word[0].isupper())


def _content(each: SourceItem) -> str:
    texts = (each.stem_text, *sorted(each.option_texts))
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKD", " ".join(texts)).casefold()))
