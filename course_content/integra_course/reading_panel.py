"""Reading the record of a panel that fixed a cut: who judged, and what they thought of each question."""

from __future__ import annotations

from typing import Any

from integra_course.schema import FORM, NAME, Fields
from integra_grading.cut_scores import Panel
from integra_grading.errors import ManifestError

_PROBLEMS = {
    "too_few_judges": "Un panel tiene al menos dos jueces. Agrega los que faltan.",
    "duplicate_key": "Dos jueces tienen la misma clave. Cambia una.",
    "rating_missing": "Cada juez estima todas las preguntas. Completa las que faltan.",
    "wrong_form": "Las preguntas se nombran por su clave: pp-01-a. Corrige las que tienen otros signos.",
    "wrong_length": "Un panel tiene hasta 50 jueces, y cada juez estima de 1 a 200 preguntas.",
}


def read_panel(fields: Fields) -> Panel | None:
    """Return the panel, or None where something of it was refused."""
    held_on = fields.day("fecha")
    form = fields.slug("forma", FORM)
    judges = [_read_judge(group) for group in fields.groups("jueces")]
    if not fields.finish() or held_on is None:
        return None
    try:
        return Panel.from_dict({"held_on": held_on.isoformat(), "form": form, "judges": judges})
    except ManifestError as error:
        fields.refuse("jueces", error.code, _PROBLEMS.get(error.code, _PROBLEMS["wrong_form"]))
        return None


def _read_judge(fields: Fields) -> dict[str, Any]:
    key = fields.slug("clave", NAME)
    expertise = fields.text("experiencia", max_length=80)
    ratings = fields.table("estimaciones", lambda inner, name: inner.integer(name, 0, 100))
    fields.finish()
    return {
        "key": key,
        "expertise": expertise,
        "ratings": [{"item": item, "percent": percent} for item, percent in ratings.items()],
    }
