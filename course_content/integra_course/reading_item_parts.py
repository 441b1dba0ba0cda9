"""Reading the parts of questions, kind by kind: options, numbers, steps, pairs and tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from integra_course.markup import to_inline_html
from integra_course.problems import Place
from integra_course.schema import NAME, Fields
from integra_grading.arithmetic import calculate, parse_formula
from integra_grading.errors import FormulaError, GradingError, NumberError
from integra_grading.item_parts import (
    Cell,
    Column,
    Feedback,
    ItemKind,
    NumericAnswer,
    Option,
    Row,
    Slip,
    Target,
)
from integra_grading.numbers import format_decimal, parse_decimal

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
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a kind adds to its item, and what the checks of banks need to know of it."""

    values: dict[str, Any]
    errors: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_calculation: bool = False


@dataclass(frozen=True, slots=True)
class _SourceOption:
    place: Place
    option: Option
    text: str
    number: Decimal | None
    is_calculated: bool


def _read_single(fields: Fields, use: Use) -> Parts:
    return _parts_of(_read_options(fields, use, most_correct=1))


def _read_multiple(fields: Fields, use: Use) -> Parts:
    return _parts_of(_read_options(fields, use, most_correct=12), feedback=_read_whole_feedback(fields, use))


def _parts_of(options: tuple[_SourceOption, ...], **values: Any) -> Parts:
    return Parts(
        values={"options": tuple(option.option for option in options), **values},
        errors=tuple(option.option.error or "" for option in options),
        texts=tuple(option.text for option in options),
        is_calculation=bool(options) and all(each.is_calculated for each in options),
    )


def _read_options(fields: Fields, use: Use, *, most_correct: int) -> tuple[_SourceOption, ...]:
    groups = fields.groups("opciones")
    options = tuple(
        option
        for group in groups
        if (option := _read_option(group, use, only_wrong_answer=most_correct > 1)) is not None
    )
    if len(options) != len(groups) or not groups:
        return options
    least = 3 if use is Use.PRACTICE else 4
    if len(options) < least or (use is not Use.PRACTICE and len(options) > least):
        fields.refuse(
            "opciones", "option_count", f"Hay {len(options)} opciones y aquí van {least}. Agrega o quita."
        )
    correct = sum(option.option.is_correct for option in options)
    if not 1 <= correct <= most_correct:
        where = "una sola" if most_correct == 1 else "una o más"
        fields.refuse(
            "opciones",
            "not_one_correct" if most_correct == 1 else "none_correct",
            f"Hay {correct} opciones correctas. Pon «correcta: si» en {where}.",
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


def _read_option(fields: Fields, use: Use, *, only_wrong_answer: bool) -> _SourceOption | None:
    key = fields.slug("clave", re.compile(r"[a-z]"))
    text = fields.text("texto", max_length=300)
    html = to_inline_html(text, fields.text_place_of("texto"), fields.problems)
    is_correct = fields.flag("correcta")
    error = fields.slug("error", NAME, is_required=False)
    # Where several may be right, the question as a whole confirms; only a wrong mark has something of its own to say.
    needs_answer = use is Use.PRACTICE and not (is_correct and only_wrong_answer)
    feedback = _read_feedback(fields, "respuesta", is_required=needs_answer)
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


def _read_numeric(fields: Fields, use: Use) -> Parts:
    inner = fields.group("respuesta")
    if inner is None:
        return Parts({})
    answer = _read_number(inner, needs_formula=True)
    # Tests say nothing, so they need none.
    is_practice = use is Use.PRACTICE
    correct = _read_feedback(inner, "si_acierta", is_required=is_practice)
    wrong = _read_feedback(inner, "si_falla", is_required=is_practice)
    feedback = Feedback(correct=correct, wrong=wrong) if correct or wrong else None
    if not inner.finish() or answer is None:
        return Parts({})
    return Parts(
        {"answer": answer, "feedback": feedback},
        errors=tuple(slip.error for slip in answer.slips),
        is_calculation=True,
    )


def _read_number(fields: Fields, *, needs_formula: bool) -> NumericAnswer | None:
    """Return a number with its distances and the wrong numbers that named errors lead to."""
    number = _read_typed(fields, "valor")
    absolute = fields.decimal("tolerancia", is_required=False) or Decimal(0)
    relative = fields.decimal("tolerancia_relativa", is_required=False) or Decimal(0)
    unit = fields.text("unidad", max_length=40, is_required=needs_formula)
    formula = fields.text("calcula", max_length=200, is_required=needs_formula)
    slips = tuple(_read_slip(group) for group in fields.groups("errores", is_required=False))
    if formula and number is not None:
        _check_formula(fields, formula, number)
    if absolute < 0:
        fields.refuse("tolerancia", "out_of_range", "La tolerancia no puede ser negativa. Escribe 0 o más.")
    if not 0 <= relative <= 1:
        fields.refuse(
            "tolerancia_relativa", "out_of_range", "Escribe una parte de 0 a 1: 0.05 es el cinco por ciento."
        )
    if not fields.is_good() or number is None:
        return None
    try:
        return NumericAnswer(
            value=number,
            absolute=absolute,
            relative=relative,
            unit=unit,
            slips=tuple(slip for slip in slips if slip is not None),
        )
    except GradingError as error:
        fields.refuse("errores", "bad_slip", _SLIP_PROBLEMS[error.code])
        return None


_SLIP_PROBLEMS = {
    "slip_is_right": "Un valor de «errores» está dentro de la tolerancia: contaría como correcto. Cámbialo.",
    "duplicate_slip": "Dos errores llevan al mismo número. Deja uno.",
}


def _read_slip(fields: Fields) -> Slip | None:
    number = _read_typed(fields, "valor")
    error = fields.slug("error", NAME)
    feedback = _read_feedback(fields, "respuesta", is_required=False)
    formula = fields.text("calcula", max_length=200)
    if formula and number is not None:
        _check_formula(fields, formula, number)
    if not fields.finish() or number is None:
        return None
    return Slip(value=number, error=error, feedback=feedback)


def _read_typed(fields: Fields, key: str) -> Decimal | None:
    typed = fields.text(key, max_length=24)
    try:
        return parse_decimal(typed) if typed else None
    except NumberError:
        fields.refuse(
            key,
            "not_number",
            f'«{typed}» no es un número. Escríbelo como en la lección: "1.013" o "0,45".',
        )
        return None


def _read_ordering(fields: Fields, use: Use) -> Parts:
    steps = tuple(_read_step(group, use) for group in fields.groups("pasos"))
    if steps and len(steps) < 3:
        fields.refuse("pasos", "option_count", "Para ordenar hacen falta al menos 3 pasos. Agrega.")
    _check_keys(fields, "pasos", [option.key for option, _ in steps])
    return Parts(
        {"options": tuple(option for option, _ in steps), "feedback": _read_whole_feedback(fields, use)},
        texts=tuple(text for _, text in steps),
    )


def _read_step(fields: Fields, use: Use) -> tuple[Option, str]:
    key = fields.slug("clave")
    text = fields.text("texto", max_length=300)
    html = to_inline_html(text, fields.text_place_of("texto"), fields.problems)
    feedback = _read_feedback(fields, "respuesta", is_required=False)
    fields.finish()
    return Option(key=key, text=html, feedback=feedback), text


def _read_matching(fields: Fields, use: Use) -> Parts:
    targets = tuple(_read_target(group) for group in fields.groups("destinos"))
    known = {target.key for target, _ in targets}
    rows = tuple(_read_pair(group, known) for group in fields.groups("parejas"))
    for key, parts, least in (("destinos", targets, 2), ("parejas", rows, 2)):
        if parts and len(parts) < least:
            fields.refuse(key, "option_count", f"Aquí hacen falta al menos {least}. Agrega.")
    _check_keys(fields, "parejas", [target.key for target, _ in targets] + [row.key for row, _ in rows])
    return Parts(
        {
            "options": tuple(option for option, _ in rows),
            "targets": tuple(target for target, _ in targets),
            "feedback": _read_whole_feedback(fields, use),
        },
        errors=tuple(option.error or "" for option, _ in rows),
        texts=tuple(text for _, text in (*rows, *targets)),
    )


def _read_target(fields: Fields) -> tuple[Target, str]:
    key = fields.slug("clave")
    text = fields.text("texto", max_length=200)
    html = to_inline_html(text, fields.text_place_of("texto"), fields.problems)
    fields.finish()
    return Target(key=key, text=html), text


def _read_pair(fields: Fields, known: set[str]) -> tuple[Option, str]:
    key = fields.slug("clave")
    text = fields.text("texto", max_length=300)
    html = to_inline_html(text, fields.text_place_of("texto"), fields.problems)
    target = fields.slug("va_con")
    if target and target not in known:
        fields.refuse(
            "va_con", "unknown_target", f"«{target}» no está en «destinos». Hay: {', '.join(sorted(known))}."
        )
    error = fields.slug("error", NAME)
    feedback = _read_feedback(fields, "respuesta", is_required=False)
    fields.finish()
    return Option(key=key, text=html, target=target, error=error or None, feedback=feedback), text


def _read_grid(fields: Fields, use: Use) -> Parts:
    columns = tuple(_read_target(group) for group in fields.groups("columnas"))
    known = {column.key for column, _ in columns}
    rows = tuple(_read_row(group, known) for group in fields.groups("filas"))
    _check_keys(fields, "columnas", [column.key for column, _ in columns])
    _check_keys(fields, "filas", [row.key for row in rows if row is not None])
    answers = [
        cell.answer for row in rows if row is not None for cell in row.cells if cell.answer is not None
    ]
    if rows and fields.is_good() and not answers:
        fields.refuse("filas", "nothing_asked", "Ninguna casilla pide un número. Pon «valor» en una o más.")
    return Parts(
        {
            "columns": tuple(Column(key=column.key, text=column.text) for column, _ in columns),
            "rows": tuple(row for row in rows if row is not None),
            "feedback": _read_whole_feedback(fields, use),
        },
        errors=tuple(slip.error for answer in answers for slip in answer.slips),
        texts=tuple(text for _, text in columns),
        is_calculation=True,
    )


def _read_row(fields: Fields, known: set[str]) -> Row | None:
    key = fields.slug("clave")
    text = fields.text("texto", max_length=200)
    html = to_inline_html(text, fields.text_place_of("texto"), fields.problems)
    cells = tuple(_read_cell(group, known) for group in fields.groups("casillas"))
    _check_keys(fields, "casillas", [cell.column for cell in cells if cell is not None])
    if not fields.finish():
        return None
    return Row(key=key, label=html, cells=tuple(cell for cell in cells if cell is not None))


def _read_cell(fields: Fields, known: set[str]) -> Cell | None:
    column = fields.slug("columna")
    if column and column not in known:
        fields.refuse(
            "columna", "unknown_column", f"«{column}» no está en «columnas». Hay: {', '.join(sorted(known))}."
        )
    if fields.has("texto") == fields.has("valor"):
        fields.refuse(
            "columna", "cell_content", "La casilla lleva «texto» si está dada o «valor» si se pregunta."
        )
        return None
    text = fields.text("texto", max_length=200, is_required=False)
    answer = _read_number(fields, needs_formula=False) if fields.has("valor") else None
    if not fields.finish():
        return None
    return Cell(column=column, text=text, answer=answer)


def _read_whole_feedback(fields: Fields, use: Use) -> Feedback | None:
    """Return what the question says as a whole; tests say nothing, so they need none."""
    inner = fields.group("respuesta", is_required=use is Use.PRACTICE)
    if inner is None:
        return None
    correct = _read_feedback(inner, "si_acierta", is_required=True)
    wrong = _read_feedback(inner, "si_falla", is_required=True)
    return Feedback(correct=correct, wrong=wrong) if inner.finish() else None


def _check_keys(fields: Fields, at: str, keys: list[str]) -> None:
    for key in sorted({key for key in keys if key and keys.count(key) > 1}):
        fields.refuse(at, "duplicate_key", f"La clave «{key}» está dos veces. Usa otra.")


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


# How an author writes each kind, and what reads it.
KINDS: dict[str, ItemKind] = {
    "opcion": ItemKind.SINGLE,
    "varias": ItemKind.MULTIPLE,
    "numero": ItemKind.NUMERIC,
    "ordenar": ItemKind.ORDERING,
    "emparejar": ItemKind.MATCHING,
    "tabla": ItemKind.GRID,
}
READERS: dict[ItemKind, Callable[[Fields, Use], Parts]] = {
    ItemKind.SINGLE: _read_single,
    ItemKind.MULTIPLE: _read_multiple,
    ItemKind.NUMERIC: _read_numeric,
    ItemKind.ORDERING: _read_ordering,
    ItemKind.MATCHING: _read_matching,
    ItemKind.GRID: _read_grid,
}
