"""Reading the record of a panel that fixed a cut: who judged, and what they thought of each question."""

from __future__ import annotations

import re

from integra_course.schema import NAME, Fields
from integra_grading.cut_scores import ItemRating, Judge, Panel
from integra_grading.errors import GradingError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PROBLEMS = {
    "too_few_judges": "Un panel tiene al menos dos jueces. Agrega los que faltan.",
    "duplicate_key": "Dos jueces tienen la misma clave. Cambia una.",
    "rating_missing": "Cada juez estima todas las preguntas. Completa las que faltan.",
}


def read_panel(fields: Fields) -> Panel | None:
    """Return the panel, or None where something of it was refused."""
    held_on = fields.text("fecha", max_length=10)
    if held_on and not _DAY.fullmatch(held_on):
        fields.refuse("fecha", "bad_date", "Escribe la fecha así: 2026-05-20.")
    form = fields.text("forma", max_length=8)
    judges = tuple(_read_judge(group) for group in fields.groups("jueces"))
    if not fields.finish():
        return None
    try:
        return Panel(held_on=held_on, form=form, judges=judges)
    except GradingError as error:
        fields.refuse("jueces", error.code, _PROBLEMS[error.code])
        return None


def _read_judge(fields: Fields) -> Judge:
    key = fields.slug("clave", NAME)
    expertise = fields.text("experiencia", max_length=80)
    ratings = fields.table("estimaciones", lambda inner, name: inner.integer(name, 0, 100))
    fields.finish()
    return Judge(
        key=key,
        expertise=expertise,
        ratings=tuple(ItemRating(item=item, percent=percent) for item, percent in ratings.items()),
    )
