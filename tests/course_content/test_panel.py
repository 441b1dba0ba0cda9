"""A cut that a panel fixed: computed by the compiler, written into the manifest, refused where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integra_course.manifest import build_manifest
from integra_grading.manifest import parse_manifest

PANEL = """\
fecha: {day}
forma: {form}
jueces:
  - clave: j01
    experiencia: contadora municipal
    estimaciones: {{{ratings}}}
  - clave: {second}
    experiencia: egresada del programa
    estimaciones: {{p1-a: 40, p2-a: 70}}
"""


def write_panel(
    root: Path,
    *,
    day: str = "2026-05-20",
    form: str = "A",
    ratings: str = "p1-a: 60, p2-a: 80",
    second: str = "j02",
    keep: str = "",
) -> None:
    (root / "paneles").mkdir()
    text = PANEL.format(day=day, form=form, ratings=ratings, second=second)
    (root / "paneles" / "prueba.yaml").write_text(text, "utf-8")
    course = root / "course.yaml"
    old = "final: {minutos: 5, corte: 1, "
    content = course.read_text("utf-8")
    assert old in content
    course.write_text(
        content.replace(old, f"final: {{minutos: 5, {keep}panel: paneles/prueba.yaml, "), "utf-8"
    )


def test_the_cut_is_what_the_panel_gave_and_the_manifest_says_how_sure_it_was(
    mini_copy: Path, load: Callable
) -> None:
    write_panel(mini_copy)

    course, problems = load(mini_copy)

    assert [str(problem) for problem in problems if not problem.is_warning] == []
    manifest = build_manifest(course)
    # Judges' cuts 1.40 and 1.10: mean 1.25, standard error 0.15.
    assert manifest["tests"]["post"]["cut"] == 2
    assert manifest["tests"]["post"]["panel"] == {
        "points": 2,
        "items": 2,
        "judges": 2,
        "mean_millipoints": 1250,
        "error_millipoints": 150,
        "held_on": "2026-05-20",
    }
    assert not parse_manifest(manifest).tests.post.is_provisional


def test_without_a_panel_the_cut_is_provisional(mini_copy: Path, load: Callable) -> None:
    manifest = build_manifest(load(mini_copy)[0])
    assert "panel" not in manifest["tests"]["post"]
    assert parse_manifest(manifest).tests.post.is_provisional


@pytest.mark.parametrize(
    ("changes", "code", "file"),
    [
        ({"keep": "corte: 1, "}, "cut_twice", "course.yaml"),
        ({"ratings": "p1-a: 60"}, "rating_missing", "paneles/prueba.yaml"),
        ({"ratings": "p1-a: 60, p2-b: 80"}, "rating_missing", "paneles/prueba.yaml"),
        ({"ratings": "p1-a: 60, p2-a: 101"}, "out_of_range", "paneles/prueba.yaml"),
        ({"ratings": "p1-a: 60, p2-a: mucho"}, "not_integer", "paneles/prueba.yaml"),
        ({"second": "j01"}, "duplicate_key", "paneles/prueba.yaml"),
        ({"form": "B"}, "panel_items", "course.yaml"),
        ({"day": "2026-02-30"}, "bad_date", "paneles/prueba.yaml"),
        ({"day": "20260520"}, "bad_date", "paneles/prueba.yaml"),
        ({"ratings": "p1 a: 60, p2-a: 80"}, "wrong_form", "paneles/prueba.yaml"),
        ({"form": "A\nlugar: aquí"}, "unknown_key", "paneles/prueba.yaml"),
    ],
)
def test_a_panel_that_does_not_fit_is_refused_where_it_stands(
    mini_copy: Path, load: Callable, changes: dict[str, str], code: str, file: str
) -> None:
    write_panel(mini_copy, **changes)

    _, problems = load(mini_copy)

    found = {(problem.code, problem.place.file) for problem in problems if not problem.is_warning}
    assert (code, file) in found


def test_one_judge_is_no_panel_and_a_missing_file_is_named(mini_copy: Path, load: Callable) -> None:
    write_panel(mini_copy)
    path = mini_copy / "paneles" / "prueba.yaml"
    path.write_text(path.read_text("utf-8").split("  - clave: j02")[0], "utf-8")
    assert "too_few_judges" in {problem.code for problem in load(mini_copy)[1]}
    path.unlink()
    assert "file_missing" in {problem.code for problem in load(mini_copy)[1]}
