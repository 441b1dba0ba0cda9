"""Reading a lesson: one Markdown file, one part per ``## Título {.tipo}`` heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from integra_course.facts import Facts
from integra_course.markup import to_html
from integra_course.model import Section
from integra_course.problems import Place, Problems
from integra_course.source import read_text

KINDS = {
    "objetivos": "objectives",
    "pregunta": "prediction",
    "texto": "text",
    "ejemplo": "example",
    "actividad": "activity",
    "cierre": "closing",
}
HEADING = re.compile(r"## +(.*?)(?: *\{\.([^}]*)\})? *")


def read_lesson(path: Path, file: str, problems: Problems, facts: Facts) -> tuple[Section, ...]:
    """Return the parts of a lesson in order, noting what is missing or in the wrong place."""
    text = read_text(path, file, problems, facts)
    if text is None:
        return ()
    sections = tuple(_read_sections(text, file, problems))
    if not problems.has_errors_in(file):
        _check_order(sections, file, problems)
    return sections


def _read_sections(text: str, file: str, problems: Problems) -> Iterator[Section]:
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    first_line = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if not starts or first_line < starts[0]:
        problems.refuse(
            Place(file, first_line + 1),
            "text_before_heading",
            "Empieza con un título: «## Al terminar podrás {.objetivos}».",
        )
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        section = _read_section(lines, start, end, file, problems)
        if section is not None:
            yield section


def _read_section(lines: list[str], start: int, end: int, file: str, problems: Problems) -> Section | None:
    place = Place(file, start + 1)
    heading = HEADING.fullmatch(lines[start])
    title, written = (heading[1], heading[2]) if heading else ("", None)
    if not title or "{" in title:
        problems.refuse(place, "bad_heading", "El título no se entiende. Escribe «## Título {.texto}».")
        return None
    if written not in KINDS:
        problems.refuse(
            place,
            "section_kind",
            f"Falta decir qué parte es. Termina el título con una de: {_written_kinds()}.",
        )
        return None
    markdown = "\n".join(lines[start + 1 : end])
    if not markdown.strip():
        problems.refuse(place, "empty", "Esta parte está vacía. Escribe su texto o borra el título.")
        return None
    html = to_html(markdown, Place(file, start + 2), problems)
    return Section(place, KINDS[written], title, html, markdown)


def _check_order(sections: tuple[Section, ...], file: str, problems: Problems) -> None:
    kinds = [section.kind for section in sections]
    for written, kind in KINDS.items():
        count = kinds.count(kind)
        if not count:
            problems.refuse(Place(file), "section_missing", f"Falta una parte {{.{written}}}. Agrégala.")
        elif count > 1 and kind in ("objectives", "prediction", "closing"):
            place = [section.place for section in sections if section.kind == kind][1]
            problems.refuse(place, "section_twice", f"Ya hay una parte {{.{written}}}. Deja solo una.")
    if kinds[:2] != ["objectives", "prediction"] or kinds[-1] != "closing":
        problems.refuse(
            sections[0].place if sections else Place(file),
            "section_order",
            "El orden es: {.objetivos}, {.pregunta}, textos, ejemplo y actividad, y al final {.cierre}.",
        )


def _written_kinds() -> str:
    return ", ".join(f"{{.{written}}}" for written in KINDS)
