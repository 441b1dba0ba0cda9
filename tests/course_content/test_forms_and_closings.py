"""Further forms, levels of the blueprint and closing forms: compiled where they fit, refused where they do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from integra_course.manifest import build_manifest
from integra_course.olx import url_names

CLOSING = """
cierres:
  - area: {area}
    banco: cierre
    titulo: Cierre del área
    minutos: 25
    corte: {cut}
    intentos: 2
    horas_de_espera: 48
"""


def write_closing(
    root: Path,
    *,
    area: str = "base",
    cut: int = 17,
    per_form: int = 24,
    outcome: str = "1.2",
    varied: bool = True,
) -> None:
    """Give the course a closing form over its one area, of sums that are written by counting."""
    lines = ["clave: cierre", "estratos:", f'  - {{clave: "{outcome}", por_forma: {per_form}}}', "preguntas:"]
    for pair in range(per_form):
        for letter, more in (("a", 30), ("b", 60)):
            number = pair + 1
            lines += [
                f"  - clave: c{number}-{letter}",
                "    tipo: numero",
                f"    gemela: c{number}",
                f'    estrato: "{outcome}"',
                f'    resultado: "{outcome}"',
                "    nivel: aplicar",
                f"    pregunta: ¿Cuánto es {number} más {more} en la caja {chr(97 + pair) if varied else 'a'}?",
                (
                    f'    respuesta: {{valor: "{number + more}", calcula: {number} + {more}, unidad: panes,'
                    ' si_acierta: "Sumaste bien.", si_falla: "Suma otra vez."}'
                ),
            ]
    (root / "banks" / "cierre.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    with (root / "course.yaml").open("a", encoding="utf-8") as file:
        file.write(CLOSING.format(area=area, cut=cut))


def codes(problems) -> list[str]:
    return [problem.code for problem in problems if not problem.is_warning]


@pytest.fixture
def area(mini_root: Path, load: Callable) -> str:
    course, _ = load(mini_root)
    return course.areas[0].key


def test_a_bank_that_only_changes_numbers_is_refused(mini_copy: Path, load: Callable, area: str) -> None:
    write_closing(mini_copy, area=area, varied=False)
    assert "too_much_alike" in codes(load(mini_copy)[1])


def test_a_closing_form_stands_in_manifest_and_course(mini_copy: Path, load: Callable, area: str) -> None:
    write_closing(mini_copy, area=area)
    course, problems = load(mini_copy)
    assert codes(problems) == []
    manifest = build_manifest(course)
    assert manifest["closing"] == [
        {
            "area": area,
            "bank": "cierre",
            "cut": 17,
            "max_attempts": 2,
            "max_score": 24,
            "minutes": 25,
            "wait_hours": 48,
        }
    ]
    assert ("integra_test", f"cierre-{area}") in set(url_names(course))
    assert "panes" not in json.dumps(manifest)


def list_titles(loaded: tuple) -> list[str | None]:
    course, problems = loaded
    assert problems.error_count() == 0
    return [area.get("title") for area in build_manifest(course)["areas"]]


def test_an_area_has_the_title_its_author_gave_it(mini_copy: Path, load: Callable, area: str) -> None:
    assert list_titles(load(mini_copy)) == [None]
    path = mini_copy / "course.yaml"
    entry = f"  - clave: {area}\n"
    text = path.read_text("utf-8")
    assert text.count(entry) == 1
    path.write_text(text.replace(entry, f"{entry}    titulo: De la idea al negocio\n"), "utf-8")

    assert list_titles(load(mini_copy)) == ["De la idea al negocio"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"per_form": 23}, "closing_too_short"),
        ({"cut": 25}, "out_of_range"),
        ({"area": "ninguna"}, "unknown_area"),
        ({"outcome": "9.9"}, "outcome_not_taught"),
    ],
)
def test_a_closing_form_that_does_not_fit_is_refused(
    mini_copy: Path, load: Callable, area: str, changes: dict, code: str
) -> None:
    write_closing(mini_copy, **{"area": area, **changes})
    _, problems = load(mini_copy)
    assert code in codes(problems)


def edit(root: Path, old: str, new: str) -> None:
    path = root / "course.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_further_form_without_its_questions_is_refused(mini_copy: Path, load: Callable) -> None:
    edit(mini_copy, "  formas: [A, B]\n", "  formas: [A, B]\n  formas_siguientes: [C]\n")
    _, problems = load(mini_copy)
    assert set(codes(problems)) == {"blueprint_mismatch", "twin_missing"}


def test_a_form_named_twice_is_refused(mini_copy: Path, load: Callable) -> None:
    edit(mini_copy, "  formas: [A, B]\n", "  formas: [A, B]\n  formas_siguientes: [B]\n")
    _, problems = load(mini_copy)
    assert codes(problems) == ["form_twice"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("[{modulo: m01, niveles: [comprender, aplicar], preguntas: 2}]", []),
        ("[{modulo: m01, niveles: [comprender], preguntas: 2}]", ["blueprint_mismatch"]),
        ("[{modulo: m09, niveles: [aplicar], preguntas: 0}]", ["unknown_module"]),
        ("[{modulo: m01, niveles: [pensar], preguntas: 2}]", ["bad_choice"]),
    ],
)
def test_levels_of_the_blueprint_are_counted_in_every_form(
    mini_copy: Path, load: Callable, rows: str, expected: list[str]
) -> None:
    edit(mini_copy, "  formas: [A, B]\n", f"  formas: [A, B]\n  niveles: {rows}\n")
    _, problems = load(mini_copy)
    assert set(expected) <= set(codes(problems))
    assert bool(codes(problems)) == bool(expected)
