"""Reading questions: the rules one question must keep by itself, and its numbers recomputed."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from integra_course.markup import to_html, to_inline_html
from integra_course.model import SourceItem
from integra_course.problems import Place
from integra_course.schema import NAME, OUTCOME, Fields
from integra_grading.arithmetic import calculate, parse_formula
from integra_grading.errors import FormulaError, GradingError, NumberError
from integra_grading.items import Feedback, Item, ItemKind, NumericAnswer, Option
from integra_grading.numbers import format_decimal, parse_decimal

FORM = re.compile(r"[A-Z]")
LEVELS = ("recordar", "comprender", "aplicar", "analizar", "decidir")
NUMBER = re.compile(r"[-−]?[0-9][0-9.,]*")
STARTS_WITH_NUMBER = re.compile(r"(\$|USD)?\s*[-−]?[0-9]")
LAZY_OPTION = re.compile(
    r"\b(todas|ninguna|ambas) (de )?(las|los) (anteriores|otras|opciones)\b", re.IGNORECASE
)
MAX_FEEDBACK_WORDS = 25


class Use(StrEnum):
    """Where a question is asked; rules differ."""

    PRACTICE = "practice"
    TEST = "test"
    BYPASS = "bypass"


@dataclass(frozen=True, slots=True)
class _SourceOption:
    place: Place
    option: Option
    text: str
    number: Decimal | None
    is_calculated: bool


def read_item(fields: Fields, use: Use) -> SourceItem | None:
    """Return the question in ``fields``, or None after noting what is wrong with it."""
    key = fields.slug("clave")
    kind = fields.choice("tipo", {"opcion": ItemKind.SINGLE, "numero": ItemKind.NUMERIC})
    outcome = fields.slug("resultado", OUTCOME)
    level = fields.choice("nivel", {level: level for level in LEVELS})
    stem_text = fields.text("pregunta", max_length=1200)
    stem = to_html(stem_text, fields.text_place_of("pregunta"), fields.problems)
    form = twin = stratum = ""
    if use is Use.TEST:
        form = fields.slug("forma", FORM)
    if use is Use.BYPASS:
        stratum = fields.slug("estrato", OUTCOME)
    if use is not Use.PRACTICE:
        twin = fields.slug("gemela")
    options: tuple[_SourceOption, ...] = ()
    answer: NumericAnswer | None = None
    feedback: Feedback | None = None
    if kind is ItemKind.SINGLE:
        options = _read_options(fields, use)
    else:
        answer, feedback = _read_answer(fields)
    if not fields.finish():
        return None
    try:
        item = Item(
            key=key,
            kind=kind,
            outcome=outcome,
            level=level,
            stem=stem,
            options=tuple(option.option for option in options),
            answer=answer,
            feedback=feedback,
            form=form or None,
            twin=twin or None,
            stratum=stratum or None,
        )
    except GradingError as error:
        fields.problems.refuse(
            fields.place, "bad_item", f"La pregunta no está completa ({error.code}: {error.message})"
        )
        return None
    return SourceItem(
        place=fields.place,
        item=item,
        errors=tuple(option.option.error or "" for option in options),
        option_texts=tuple(option.text for option in options),
        stem_text=stem_text,
        is_calculation=kind is ItemKind.NUMERIC
        or (bool(options) and all(each.is_calculated for each in options)),
    )


def _read_options(fields: Fields, use: Use) -> tuple[_SourceOption, ...]:
    groups = fields.groups("opciones")
    options = tuple(option for group in groups if (option := _read_option(group, use)) is not None)
    if len(options) != len(groups) or not groups:
        return options
    least = 3 if use is Use.PRACTICE else 4
    if len(options) < least or (use is not Use.PRACTICE and len(options) > least):
        fields.refuse(
            "opciones", "option_count", f"Hay {len(options)} opciones y aquí van {least}. Agrega o quita."
        )
    correct = [option for option in options if option.option.is_correct]
    if len(correct) != 1:
        fields.refuse(
            "opciones",
            "not_one_correct",
            f"Hay {len(correct)} opciones correctas. Pon «correcta: si» en una sola.",
        )
    _check_distinct(fields, options)
    _check_ascending(fields, options)
    return options


def _check_distinct(fields: Fields, options: tuple[_SourceOption, ...]) -> None:
    keys: set[str] = set()
    texts: set[str] = set()
    for option in options:
        if option.option.key in keys:
            fields.problems.refuse(
                option.place.at("clave"), "duplicate_key", "Otra opción tiene esta clave. Usa otra letra."
            )
        text = option.text.casefold().rstrip(".")
        if text in texts:
            fields.problems.refuse(
                option.place.at("texto"), "duplicate_option", "Otra opción dice lo mismo. Cámbiala."
            )
        keys.add(option.option.key)
        texts.add(text)


def _check_ascending(fields: Fields, options: tuple[_SourceOption, ...]) -> None:
    if not all(STARTS_WITH_NUMBER.match(option.text) for option in options):
        return
    numbers = [option.number for option in options if option.number is not None]
    if any(low >= high for low, high in itertools.pairwise(numbers)):
        fields.refuse(
            "opciones", "not_ascending", "Los números no van de menor a mayor. Ordena las opciones."
        )


def _read_option(fields: Fields, use: Use) -> _SourceOption | None:
    key = fields.slug("clave", re.compile(r"[a-z]"))
    text = fields.text("texto", max_length=300)
    html = to_inline_html(text, fields.text_place_of("texto"), fields.problems)
    is_correct = fields.flag("correcta")
    error = fields.slug("error", NAME, is_required=False)
    feedback = _read_feedback(fields, "respuesta", is_required=use is Use.PRACTICE)
    formula = fields.text("calcula", max_length=200, is_required=False)
    if text and LAZY_OPTION.search(text):
        fields.refuse(
            "texto", "lazy_option", "No uses «todas» ni «ninguna de las anteriores». Escribe un error real."
        )
    if is_correct and error:
        fields.refuse("error", "error_on_key", "La opción correcta no lleva «error». Bórralo.")
    if not is_correct and not error and text:
        fields.refuse("clave", "unnamed_error", "Falta «error». Nombra la equivocación: dividio_para_precio.")
    number = _first_number(text)
    if formula:
        _check_formula(fields, formula, number)
    elif STARTS_WITH_NUMBER.match(text):
        fields.refuse(
            "texto", "missing_calculation", "La opción es un número y falta «calcula». Escribe la cuenta."
        )
    if not fields.finish():
        return None
    option = Option(key=key, text=html, feedback=feedback, is_correct=is_correct, error=error or None)
    return _SourceOption(fields.place, option, text, number, bool(formula))


def _read_answer(fields: Fields) -> tuple[NumericAnswer | None, Feedback | None]:
    inner = fields.group("respuesta")
    if inner is None:
        return None, None
    typed = inner.text("valor", max_length=24)
    number: Decimal | None = None
    try:
        number = parse_decimal(typed) if typed else None
    except NumberError:
        inner.refuse(
            "valor",
            "not_number",
            f'«{typed}» no es un número. Escríbelo como en la lección: "1.013" o "0,45".',
        )
    absolute = inner.decimal("tolerancia", is_required=False)
    unit = inner.text("unidad", max_length=40)
    formula = inner.text("calcula", max_length=200)
    correct = _read_feedback(inner, "si_acierta", is_required=True)
    wrong = _read_feedback(inner, "si_falla", is_required=True)
    if formula and number is not None:
        _check_formula(inner, formula, number)
    if absolute is not None and absolute < 0:
        inner.refuse("tolerancia", "out_of_range", "La tolerancia no puede ser negativa. Escribe 0 o más.")
    if not inner.finish() or number is None:
        return None, None
    return NumericAnswer(value=number, absolute=absolute or Decimal(0), unit=unit), Feedback(
        correct=correct, wrong=wrong
    )


def _read_feedback(fields: Fields, key: str, *, is_required: bool) -> str:
    text = fields.text(key, max_length=400, is_required=is_required)
    words = len(text.split())
    if words > MAX_FEEDBACK_WORDS:
        fields.refuse(
            key,
            "feedback_too_long",
            f"Tiene {words} palabras y el máximo es {MAX_FEEDBACK_WORDS}. Di por qué y qué hacer.",
        )
    return to_inline_html(text, fields.text_place_of(key), fields.problems) if text else ""


def _check_formula(fields: Fields, formula: str, number: Decimal | None) -> None:
    """Refuse a calculation whose result is not the number that learners read."""
    try:
        result = calculate(parse_formula(formula), {}, {})
    except FormulaError as error:
        fields.refuse(
            "calcula",
            "bad_formula",
            f"La cuenta no se entiende ({error.message}) Usa números con punto, + - * / ( ), techo() y redondea(x, 2).",
        )
        return
    if result is None:
        fields.refuse(
            "calcula", "bad_formula", "La cuenta no da un número. Revisa si divide para cero o usa nombres."
        )
    elif number is None:
        fields.refuse(
            "calcula", "calculation_mismatch", "El texto no tiene ningún número. Escríbelo o borra «calcula»."
        )
    elif result != number:
        fields.refuse(
            "calcula",
            "calculation_mismatch",
            f"La cuenta da {_shown(result)} y el texto dice {_shown(number)}. Corrige uno de los dos.",
        )


def _shown(value: Decimal) -> str:
    return format_decimal(value, min(6, max(0, -int(value.normalize().as_tuple().exponent))))


def _first_number(text: str) -> Decimal | None:
    match = NUMBER.search(text)
    if match is None:
        return None
    try:
        return parse_decimal(match[0].rstrip(".,").replace("−", "-"))
    except NumberError:
        return None
