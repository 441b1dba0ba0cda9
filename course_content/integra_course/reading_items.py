"""Reading questions: the rules one question must keep by itself, and its numbers recomputed."""

from __future__ import annotations

from integra_course.markup import to_html
from integra_course.model import SourceItem
from integra_course.reading_item_parts import KINDS, READERS, STARTS_WITH_NUMBER, Use
from integra_course.schema import FORM, OUTCOME, Fields
from integra_grading.errors import GradingError
from integra_grading.items import Item

__all__ = ["LEVELS", "STARTS_WITH_NUMBER", "Use", "read_item"]

LEVELS = ("recordar", "comprender", "aplicar", "analizar", "decidir")


def read_item(fields: Fields, use: Use) -> SourceItem | None:
    """Return the question in ``fields``, or None after noting what is wrong with it."""
    key = fields.slug("clave")
    kind = fields.choice("tipo", KINDS)
    outcome = fields.slug("resultado", OUTCOME)
    level = fields.choice("nivel", {level: level for level in LEVELS})
    stem_text = fields.text("pregunta", max_length=1200)
    stem = to_html(stem_text, fields.text_place_of("pregunta"), fields.problems)
    form = twin = stratum = ""
    if use is Use.TEST:
        form = fields.slug("forma", FORM)
    if use in (Use.BYPASS, Use.CLOSING):
        stratum = fields.slug("estrato", OUTCOME)
    if use is not Use.PRACTICE:
        twin = fields.slug("gemela")
    parts = READERS[kind](fields, use)
    if not fields.finish():
        return None
    try:
        item = Item(
            key=key,
            kind=kind,
            outcome=outcome,
            level=level,
            stem=stem,
            form=form or None,
            twin=twin or None,
            stratum=stratum or None,
            **parts.values,
        )
    except GradingError as error:
        fields.problems.refuse(
            fields.place, "bad_item", f"La pregunta no está completa ({error.code}: {error.message})"
        )
        return None
    return SourceItem(
        place=fields.place,
        item=item,
        errors=parts.errors,
        option_texts=parts.texts,
        stem_text=stem_text,
        is_calculation=parts.is_calculation,
    )
