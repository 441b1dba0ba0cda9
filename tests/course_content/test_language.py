"""Words the course does not use, exceptions that need a reason, and what makes a lesson hard to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from integra_course.language import check_language
from integra_course.olx import compile_course
from integra_course.problems import Problems


def check(text: str) -> tuple[str, list[tuple[str, int, bool]]]:
    problems = Problems()
    cleaned = check_language(text, "leccion.md", problems)
    return cleaned, [(each.code, each.place.line, each.is_warning) for each in problems]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Las personas ilegales no pueden.", "forbidden_word"),
        ("Llegó una ola de migrantes.", "forbidden_word"),
        ("La señorita Rosa vende pan.", "forbidden_word"),
        ("Pregunta a l@s vecin@s.", "gender_mark"),
        ("Para todxs.", "gender_mark"),
        ("Todxs ganan.", "gender_mark"),
        ("Cada vecinx opina.", "gender_mark"),
        ("Con este plan ganarás más.", "money_promise"),
        ("Es dinero fácil.", "money_promise"),
    ],
)
def test_what_a_text_does_not_say_is_refused_with_its_line(line: str, code: str) -> None:
    assert check(f"Uno.\n{line}\nTres.")[1] == [(code, 2, False)]


@pytest.mark.parametrize(
    "line",
    [
        "Escribe a ayuda@ejemplo.org o a ana@correo.ec.",
        "La carga del celular cuesta 12 dólares.",
        "Existe una regla para exs y box: mide el texto.",
        "Vende las empanadas a 1 dólar. Gana quien anota.",
        "Groucho Marx era actor.",
        "La legalidad del contrato se revisa antes de firmar.",
    ],
)
def test_what_only_looks_like_it_is_left_alone(line: str) -> None:
    assert check(line)[1] == []


def test_officialese_is_a_warning_with_the_plain_word() -> None:
    problems = Problems()
    check_language("Debes efectuar el pago con la finalidad de inscribirte.", "x.md", problems)
    assert sorted(problem.message for problem in problems) == [
        "«con la finalidad de»: Usa una palabra común: «para».",
        "«efectuar»: Usa una palabra común: «hacer».",
    ]
    assert all(problem.is_warning for problem in problems)


def test_an_exception_needs_a_reason_and_leaves_no_trace() -> None:
    text, found = check("Nadie es ilegal. {permite:forbidden_word cita de la Constitución, art. 40}\nFin.")
    assert (text, found) == ("Nadie es ilegal.\nFin.", [])


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("Nadie es ilegal. {permite:forbidden_word}", {"waiver_without_reason"}),
        ("Nadie es ilegal. {permite:forbidden_word cita}", {"waiver_without_reason"}),
        ("Nadie es ilegal. {permite:otra_regla porque la ley lo dice}", {"unknown_waiver", "forbidden_word"}),
        ("Nadie es ilegal. {permite:money_promise porque la ley lo dice}", {"forbidden_word"}),
    ],
)
def test_an_exception_that_says_nothing_is_refused(line: str, codes: set[str]) -> None:
    assert {code for code, _, _ in check(line)[1]} == codes


def test_the_delivered_course_keeps_to_it(course_root: Path, load: Callable) -> None:
    codes = {problem.code for problem in load(course_root)[1]}
    assert codes.isdisjoint({"forbidden_word", "gender_mark", "money_promise", "hard_word"})


def test_a_warning_with_a_reason_on_its_line_is_not_said(mini_copy: Path, load: Callable) -> None:
    path = next(mini_copy.rglob("unidad.yaml"))
    text = path.read_text("utf-8").rstrip("\n")
    more = "".join(f"\n  - {{palabra: palabra{n}, definicion: Algo.}}" for n in range(4))
    reason = "glosario: # {permite:many_terms son palabras de todos los días}"
    path.write_text(text.replace("glosario:", reason) + more + "\n", "utf-8")
    assert "many_terms" not in {problem.code for problem in load(mini_copy)[1]}


def replace_lesson(root: Path, text: str) -> None:
    path = next(root.rglob("leccion.md"))
    before, _, after = path.read_text("utf-8").partition("{.texto}\n")
    path.write_text(f"{before}{{.texto}}\n\n{text}\n\n{after.lstrip()}", "utf-8")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" ".join(["La casa es grande y el pan es bueno."] * 9), "long_paragraph"),
        ("\n\n".join([" ".join(["pan"] * 22) + "."] * 30), "long_sentences"),
        ("\n\n".join(["El pan es bueno."] * 300), "long_lesson"),
    ],
)
def test_what_makes_a_lesson_hard_is_said(mini_copy: Path, load: Callable, text: str, code: str) -> None:
    replace_lesson(mini_copy, text)
    assert code in {problem.code for problem in load(mini_copy)[1] if problem.is_warning}


def test_more_than_three_new_words_are_said(mini_copy: Path, load: Callable) -> None:
    path = next(mini_copy.rglob("unidad.yaml"))
    more = "".join(f"\n  - {{palabra: palabra{n}, definicion: Algo.}}" for n in range(4))
    path.write_text(path.read_text("utf-8").rstrip("\n") + more + "\n", "utf-8")
    assert "many_terms" in {problem.code for problem in load(mini_copy)[1]}


@pytest.mark.parametrize(
    ("written", "is_marked"),
    [
        ("revision_legal: {estado: pendiente}", True),
        ('revision_legal: {estado: firmada, por: "Ab. Paz", fecha: "2026-05-02"}', False),
        ("", False),
    ],
)
def test_lessons_about_law_say_that_nobody_has_signed_them_yet(
    mini_copy: Path, load: Callable, written: str, is_marked: bool
) -> None:
    path = next(mini_copy.rglob("modulo.yaml"))
    path.write_text(f"{path.read_text('utf-8')}{written}\n", "utf-8")

    course, problems = load(mini_copy)

    assert [str(problem) for problem in problems if not problem.is_warning] == []
    files = compile_course(course, dict.fromkeys(course.static_files, b""))
    lessons = [
        node
        for name, text in files.items()
        if name.startswith("vertical/")
        for node in etree.fromstring(text).iter("integra_lesson")
    ]
    assert {node.get("needs_legal_review") == "true" for node in lessons} == {is_marked}


def test_a_signature_has_a_name_and_a_date(mini_copy: Path, load: Callable) -> None:
    path = next(mini_copy.rglob("modulo.yaml"))
    path.write_text(f"{path.read_text('utf-8')}revision_legal: {{estado: firmada, fecha: ayer}}\n", "utf-8")
    assert {"missing_key", "bad_date"} <= {problem.code for problem in load(mini_copy)[1]}
