"""Rules over the whole course: what a reader of one file alone cannot see."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from integra_course.checks_banks import (
    EASY_ENOUGH,
    check_closing,
    check_items,
    check_ring,
    check_tests,
    check_variety,
)
from integra_course.markup import REFERENCE
from integra_course.model import Course, Module, Unit
from integra_course.olx import url_names
from integra_course.problems import Place, Problems
from integra_course.readability import WORDS_PER_MINUTE, measure, plain_text
from integra_grading.deliverables import read_definition
from integra_grading.errors import DefinitionError

# Reading, example and practice at one sitting before a small screen.
MOST_SCREEN_MINUTES = 28
LONGEST_SENTENCE = 25
MEAN_SENTENCE = 15
LONGEST_PARAGRAPH = 60
MOST_TERMS = 3
MOST_WORDS = 1050
LEGAL_EASY_ENOUGH = 60
READING_TOLERANCE_MINUTES = 2
# The time model (dossier 2.1): minutes per question, its feedback included, and for the questions that open and close.
CONCEPT_MINUTES, NUMERIC_MINUTES, OPENING_AND_CLOSING_MINUTES = Decimal("1.25"), Decimal(2), Decimal(2)
UNIT_TOLERANCE = Decimal("0.10")


def check_course(course: Course, problems: Problems) -> None:
    """Note everything in ``course`` that contradicts itself."""
    _check_names(course, problems)
    _check_minutes(course, problems)
    _check_paths(course, problems)
    for module in course.modules:
        _check_module(course, module, problems)
    for module in course.modules:
        for unit in module.units:
            _check_screen_minutes(unit, problems)
            _check_unit_minutes(unit, problems)
            _check_reading(unit, problems, is_legal=module.legal_review is not None)
    check_items(course, problems)
    check_tests(course, problems)
    for module in course.modules:
        if module.bypass is not None:
            check_ring(course, module, module.bypass, problems)
    for closing in course.closings:
        check_closing(course, closing, problems)
    for bank in course.banks():
        check_variety(bank, problems)
    _check_grading(course, problems)
    _check_references(course, problems)


def _check_names(course: Course, problems: Problems) -> None:
    keys = [module.key for module in course.modules]
    for area in course.areas:
        for key in area.modules:
            if key not in keys and not problems.has_errors_under("modules"):
                problems.refuse(
                    area.place.at("modulos"),
                    "unknown_module",
                    f"«{key}» no está en «modulos». Están: {', '.join(keys)}.",
                )
    _refuse_repeated(
        ((each.place, each.key) for module in course.modules for each in module.outcomes), problems
    )
    _refuse_repeated(((area.place, area.key) for area in course.areas), problems)
    _refuse_repeated(((rubric.place, rubric.version) for rubric in course.rubrics), problems)
    _refuse_repeated(((bank.place, bank.key) for bank in course.banks()), problems)
    for bank in course.banks():
        _refuse_repeated(((each.place, each.key) for each in bank.strata), problems)
    _refuse_repeated(((each.place, each.key) for each in course.tests.blueprint), problems)
    _refuse_repeated(((each.place, each.area) for each in course.closings), problems)
    _refuse_repeated(((part.place, part.key) for part in course.graded_parts), problems)
    _refuse_repeated(((part.place, part.type) for part in course.graded_parts), problems)
    _check_url_names(course, problems)


def _check_url_names(course: Course, problems: Problems) -> None:
    """Refuse two parts with one url_name: learner state hangs on it, and one of the two would be lost."""
    counts = Counter(name for _, name in url_names(course))
    chosen = {unit.practice.key: unit.practice.place for unit in course.units() if unit.practice}
    chosen |= {
        each.deliverable.key: each.deliverable.place
        for each in course.modules
        if each.deliverable is not None
    }
    for name, count in counts.items():
        if count > 1 and name in chosen:
            problems.refuse(
                chosen[name].at("clave"),
                "duplicate_url_name",
                f"La clave «{name}» ya nombra otra parte del curso. Ponle otra y no la cambies nunca más.",
            )


def _refuse_repeated(named: Iterable[tuple[Place, str]], problems: Problems) -> None:
    seen: dict[str, Place] = {}
    for place, name in named:
        if name and name in seen:
            problems.refuse(
                place, "duplicate_key", f"«{name}» ya está en {seen[name]}. Deja uno o ponle otra clave."
            )
        seen.setdefault(name, place)


def _check_paths(course: Course, problems: Problems) -> None:
    """Refuse an order, the course's own or a path's, in which a module comes before what it needs."""
    keys = [module.key for module in course.modules]
    _refuse_repeated(((path.place, path.key) for path in course.paths), problems)
    if problems.has_errors_under("modules"):
        return
    for module, missed in _find_early(course, keys):
        problems.refuse(
            course.places["modulos"],
            "module_too_early",
            f"«{module}» necesita antes «{missed}». Cambia el orden de la lista.",
        )
    for path in course.paths:
        if sorted(path.modules) != sorted(keys):
            problems.refuse(
                path.place.at("modulos"),
                "path_incomplete",
                f"Una ruta nombra cada módulo una vez: {', '.join(keys)}. Corrige la lista.",
            )
            continue
        for module, missed in _find_early(course, path.modules):
            problems.refuse(
                path.place.at("modulos"),
                "module_too_early",
                f"«{module}» necesita antes «{missed}». Cambia el orden de la ruta.",
            )


def _find_early(course: Course, order: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each module of ``order`` with what it needs and what comes only after it."""
    needed = {module.key: module.before.needed for module in course.modules}
    for place, key in enumerate(order):
        for missed in needed[key]:
            if missed in order[place:]:
                yield key, missed


def _check_minutes(course: Course, problems: Problems) -> None:
    total = sum(module.minutes for module in course.modules) + course.tests.minutes
    # A unit that could not be read is missing from the sum; the author hears of that one first.
    if total != course.minutes and not problems.has_errors():
        problems.refuse(
            course.places["minutos"],
            "minutes_mismatch",
            f"Dice {course.minutes} y las unidades y pruebas suman {total}. Corrige uno de los dos.",
        )


def _check_module(course: Course, module: Module, problems: Problems) -> None:
    outcomes = {outcome.key for outcome in module.outcomes}
    for unit in module.units:
        for outcome in unit.outcomes:
            if outcome not in outcomes:
                problems.refuse(
                    unit.place.at("resultados"),
                    "unknown_outcome",
                    f"El resultado {outcome} no está en modulo.yaml. Están: {', '.join(sorted(outcomes))}.",
                )
        for each in unit.practice_items:
            if each.item.outcome not in unit.outcomes:
                problems.refuse(
                    each.place.at("resultado"),
                    "outcome_not_taught",
                    f"La unidad no enseña el resultado {each.item.outcome}. Enseña: {', '.join(unit.outcomes)}.",
                )
    deliverable = module.deliverable
    if deliverable is None:
        return
    if deliverable.rubric_version not in [rubric.version for rubric in course.rubrics]:
        problems.refuse(
            deliverable.place.at("rubrica"),
            "unknown_rubric",
            f"La rúbrica «{deliverable.rubric_version}» no está en course.yaml. Revisa el nombre.",
        )
    file = f"deliverables/{deliverable.key}.yaml"
    if not problems.has_errors_in(file):
        try:
            read_definition(deliverable.definition)
        except DefinitionError as error:
            problems.refuse(
                Place(file, 1, error.field),
                "bad_deliverable",
                f"El formulario no se puede usar: {error.message}",
            )


def _check_screen_minutes(unit: Unit, problems: Problems) -> None:
    minutes = sum(unit.minutes_by_type.get(kind, 0) for kind in ("reading", "example", "practice"))
    if minutes > MOST_SCREEN_MINUTES:
        problems.refuse(
            unit.place.at("minutos_por_tipo"),
            "screen_minutes",
            f"Lectura, ejemplo y práctica suman {minutes} minutos de pantalla; el máximo es {MOST_SCREEN_MINUTES}. "
            "Parte la unidad.",
        )


def _check_unit_minutes(unit: Unit, problems: Problems) -> None:
    """Refuse minutes that the time model does not bear out; example, field and deliverable count as declared."""
    # What could not be read is missing from the sum; the author hears of that first.
    if problems.has_errors_under(unit.place.file.rpartition("/")[0]):
        return
    modelled = {kind: Decimal(minutes) for kind, minutes in unit.minutes_by_type.items()}
    modelled["reading"] = Decimal(_reading_minutes(unit))
    if unit.practice is not None:
        modelled["practice"] = OPENING_AND_CLOSING_MINUTES + sum(
            NUMERIC_MINUTES if each.is_calculation else CONCEPT_MINUTES for each in unit.practice.items
        )
    total = sum(modelled.values(), Decimal(0))
    if abs(total - unit.minutes) > UNIT_TOLERANCE * unit.minutes:
        problems.refuse(
            unit.place.at("minutos"),
            "time_model",
            f"Declara {unit.minutes} minutos y la cuenta da {round(total)}: lectura {modelled['reading']}, práctica "
            f"{round(modelled.get('practice', Decimal(0)))} y lo demás como está escrito. Ajusta los minutos.",
        )


def _reading_minutes(unit: Unit) -> int:
    return math.ceil(unit.word_count / WORDS_PER_MINUTE) + 1


def _check_reading(unit: Unit, problems: Problems, *, is_legal: bool) -> None:
    words = unit.word_count
    for section in unit.sections:
        text = plain_text(section.markdown)
        measured = measure(text)
        if measured.longest_sentence > LONGEST_SENTENCE:
            problems.warn(
                section.place,
                "long_sentence",
                f"Hay una frase de {measured.longest_sentence} palabras; el máximo es {LONGEST_SENTENCE}. Divídela.",
            )
        longest = max((measure(line).words for line in text.split("\n")), default=0)
        if longest > LONGEST_PARAGRAPH:
            problems.warn(
                section.place,
                "long_paragraph",
                f"Hay un párrafo de {longest} palabras; el máximo es {LONGEST_PARAGRAPH}. Pártelo en dos.",
            )
    whole = unit.reading
    goal = LEGAL_EASY_ENOUGH if is_legal else EASY_ENOUGH
    if whole.index is not None and whole.index < goal:
        problems.warn(
            unit.place,
            "hard_to_read",
            f"INFLESZ {whole.index:.0f}; la meta es {goal} o más. Usa frases cortas.",
        )
    if whole.sentences and whole.words / whole.sentences > MEAN_SENTENCE:
        problems.warn(
            unit.place,
            "long_sentences",
            f"Las frases tienen {whole.words / whole.sentences:.0f} palabras de promedio; la meta es {MEAN_SENTENCE}.",
        )
    if len(unit.terms) > MOST_TERMS:
        problems.warn(
            unit.place.at("glosario"),
            "many_terms",
            f"Presenta {len(unit.terms)} palabras nuevas; una lección aguanta {MOST_TERMS}. Deja las que más pesan.",
        )
    if words > MOST_WORDS:
        problems.warn(
            unit.place.at("leccion"),
            "long_lesson",
            f"Tiene {words} palabras; el máximo es {MOST_WORDS}. Recorta.",
        )
    needed = _reading_minutes(unit)
    declared = unit.minutes_by_type.get("reading", needed)
    if abs(declared - needed) > READING_TOLERANCE_MINUTES:
        problems.warn(
            unit.place.at("minutos_por_tipo.lectura"),
            "reading_minutes",
            f"Declara {declared} minutos y {words} palabras se leen en {needed}. Ajusta los minutos o el texto.",
        )


def _check_grading(course: Course, problems: Problems) -> None:
    """Refuse a part of the grade without a graded section: the platform would count it as zero for everybody."""
    if problems.has_errors_under("modules") or problems.has_errors_under("deliverables"):
        return
    keys = {part.key for part in course.graded_parts}
    has_deliverable = any(module.deliverable is not None for module in course.modules)
    needed = {"modulos", "prueba_final"} | ({"entregables"} if has_deliverable else set())
    place = course.places.get("calificacion", course.info.place).at("partes")
    for key in sorted(needed - keys):
        problems.refuse(place, "graded_part", f"Falta la parte «{key}». Agrégala y reparte los pesos.")
    for part in course.graded_parts:
        if part.key not in needed:
            problems.refuse(
                part.place, "graded_part", f"Nada del curso se califica como «{part.key}». Borra esa parte."
            )


def _check_references(course: Course, problems: Problems) -> None:
    """Refuse a picture or a link to a place that is not in the course."""
    names = {name for _, name in url_names(course)}
    for place, html in _pages(course):
        for kind, name in REFERENCE.findall(html):
            if kind == "static" and name not in course.static_files:
                problems.refuse(
                    place,
                    "file_missing",
                    f"No existe static/{name}. Ponlo en esa carpeta o cambia el nombre.",
                )
            elif kind == "jump_to_id" and name not in names:
                problems.refuse(
                    place, "unknown_place", f"«{name}» no es un lugar del curso. Revisa la clave del enlace."
                )


def _pages(course: Course) -> Iterator[tuple[Place, str]]:
    yield course.info.place, course.info.overview_html
    for unit in course.units():
        for section in unit.sections:
            yield section.place, section.html
        for each in unit.practice_items:
            yield each.place, each.item.stem
    for bank in course.banks():
        for each in bank.items:
            yield each.place, each.item.stem
