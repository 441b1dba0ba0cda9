"""Facts of the country: one file says them, lessons refer to them, and what is old is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from integra_course.facts import list_old
from integra_course.olx import compile_course
from integra_course.report import build_report

FACTS = """\
hechos:
  - clave: sbu
    valor: "{value}"
    texto: Salario básico unificado.
    desde: "2026-01-01"
    revisado: "{checked_on}"
    fuente: Ministerio del Trabajo
"""
AGAIN = """\
  - clave: sbu
    valor: "1"
    texto: Otro
    desde: "2026-01-01"
    revisado: "2026-01-01"
    fuente: Otra
"""


def write_facts(root: Path, *, value: str = "482", checked_on: str = "2026-03-31", more: str = "") -> None:
    (root / "hechos").mkdir(exist_ok=True)
    (root / "hechos" / "trabajo.yaml").write_text(
        FACTS.format(value=value, checked_on=checked_on) + more, "utf-8"
    )


def refer(root: Path, text: str) -> tuple[str, int]:
    """Put a sentence at the end of a lesson's closing; return file and line of it."""
    path = next(root.rglob("leccion.md"))
    content = path.read_text("utf-8").rstrip("\n")
    path.write_text(f"{content}\n\n{text}\n", "utf-8")
    return str(path.relative_to(root)), content.count("\n") + 3


def errors(problems) -> list[str]:
    return [problem.code for problem in problems if not problem.is_warning]


def test_a_lesson_shows_the_value_and_the_report_the_day_it_was_checked(
    mini_copy: Path, load: Callable
) -> None:
    write_facts(mini_copy)
    refer(mini_copy, "El salario básico es de {hecho:sbu} dólares.")

    course, problems = load(mini_copy)

    assert errors(problems) == []
    pages = b"".join(compile_course(course, dict.fromkeys(course.static_files, b"")).values()).decode()
    assert "El salario básico es de 482 dólares." in pages
    assert build_report(course)["facts"] == [{"key": "sbu", "checked_on": "2026-03-31"}]


def test_a_changed_fact_changes_questions_too(mini_copy: Path, load: Callable) -> None:
    write_facts(mini_copy, value="500")
    path = next(mini_copy.rglob("practica.yaml"))
    text = path.read_text("utf-8")
    old = next(
        line for line in text.split("\n") if "pregunta: " in line and line.rstrip().endswith(("?", '?"'))
    )
    new = old.replace("pregunta: ", 'pregunta: "Con {hecho:sbu}: ').replace(
        '"Con {hecho:sbu}: "', '"Con {hecho:sbu}: '
    )
    path.write_text(text.replace(old, new if new.rstrip().endswith('"') else new + '"'), "utf-8")

    course, problems = load(mini_copy)

    assert errors(problems) == []
    assert any("Con 500:" in each.stem_text for unit in course.units() for each in unit.practice_items)


def test_an_unknown_fact_is_named_with_its_line_and_what_there_is(mini_copy: Path, load: Callable) -> None:
    write_facts(mini_copy)
    file, line = refer(mini_copy, "Son {hecho:sbv} dólares.")

    _, problems = load(mini_copy)

    [problem] = [each for each in problems if each.code == "unknown_fact"]
    assert (problem.place.file, problem.place.line) == (file, line)
    assert "sbu" in problem.message


def test_a_fact_that_no_text_uses_is_said(mini_copy: Path, load: Callable) -> None:
    write_facts(mini_copy)
    _, problems = load(mini_copy)
    assert [problem.code for problem in problems if problem.place.file.startswith("hechos/")] == [
        "unused_fact"
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"checked_on": "31/03/2026"}, "bad_date"),
        ({"checked_on": "2026-02-30"}, "bad_date"),
        ({"value": "482: hoy"}, "bad_value"),
        ({"value": "**482**"}, "bad_value"),
        (
            {"more": AGAIN},
            "duplicate_key",
        ),
        ({"more": "    nota: x\n"}, "unknown_key"),
    ],
)
def test_a_fact_that_is_not_well_formed_is_refused(
    mini_copy: Path, load: Callable, changes: dict[str, str], code: str
) -> None:
    write_facts(mini_copy, **changes)
    refer(mini_copy, "Son {hecho:sbu} dólares.")
    assert code in errors(load(mini_copy)[1])


def test_what_nobody_checked_for_a_year_is_listed(mini_copy: Path, load: Callable) -> None:
    write_facts(mini_copy, checked_on="2026-03-31")
    refer(mini_copy, "Son {hecho:sbu} dólares.")
    facts = load(mini_copy)[0].facts
    assert list_old(facts, date(2027, 3, 31)) == []
    assert [fact.key for fact in list_old(facts, date(2027, 4, 1))] == ["sbu"]


def test_a_unit_without_minutes_of_practice_has_no_practice(mini_copy: Path, load: Callable) -> None:
    path = next(mini_copy.rglob("unidad.yaml"))
    text = path.read_text("utf-8")
    folder = path.parent
    lines = [line for line in text.split("\n") if not line.startswith("practica:")]
    minutes = next(line for line in lines if line.startswith("minutos_por_tipo"))
    number = int(minutes.split("practica: ")[1].split(",")[0])
    changed = minutes.replace(f"practica: {number}", "practica: 0").replace(
        "entregable: 0", f"entregable: {number}"
    )
    assert changed != minutes
    path.write_text("\n".join(lines).replace(minutes, changed), "utf-8")

    course, problems = load(mini_copy)

    own = [
        problem.code
        for problem in problems
        if problem.place.file.startswith(str(folder.relative_to(mini_copy)))
    ]
    assert own == []
    unit = next(unit for unit in course.units() if unit.practice is None)
    assert not any(
        name.startswith(f"vertical/{unit.key}-practicar")
        for name in compile_course(course, dict.fromkeys(course.static_files, b""))
    )
    path.write_text("\n".join([*lines, "practica: practica.yaml"]).replace(minutes, changed), "utf-8")
    assert "no_minutes" in errors(load(mini_copy)[1])
