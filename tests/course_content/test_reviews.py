"""What readers of the course found is kept beside it, and still agrees with the questions of today."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from integra_course.model import Course
from integra_grading.items import Item, ItemKind, parse_response, score_response

# What became of each stands in the folder's README.
DISAGREEING = {"r82-2b", "r54-2b", "cl125-3b", "m07-u02-q1"}


@pytest.fixture
def reviews(course_root: Path) -> Path:
    return course_root.parent / "reviews"


def as_response(item: Item, answer: str) -> dict[str, object]:
    """Return a written answer in the shape a browser sends: option keys with a space between them, or a number."""
    match item.kind:
        case ItemKind.SINGLE:
            return {"option": answer}
        case ItemKind.MULTIPLE:
            return {"options": answer.split()}
        case ItemKind.ORDERING:
            return {"order": answer.split()}
        case _:
            return {"number": answer}


def test_who_solves_the_questions_blind_finds_the_same_answers(delivered: Course, reviews: Path) -> None:
    items = {each.item.key: each.item for each in delivered.items()}
    with (reviews / "respuestas-a-ciegas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    points = {
        key: score_response(
            items[key], parse_response(items[key], as_response(items[key], answer), False)
        ).points
        for key, answer in ((row["pregunta"], row["respuesta"]) for row in rows)
    }

    assert len(points) == len(rows) >= 950
    assert {key for key, point in points.items() if point != 1} == DISAGREEING


def test_every_module_has_the_note_of_its_reader(delivered: Course, reviews: Path) -> None:
    for module in delivered.modules:
        note = (reviews / f"{module.key}.md").read_text(encoding="utf-8")
        assert note.startswith("# Revisión del módulo"), module.key
        assert "## Qué se cambió" in note, module.key
