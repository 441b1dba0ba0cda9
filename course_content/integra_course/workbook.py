"""The participant's workbook as one HTML document: lessons, questions to answer by hand, and a sheet per deliverable.

The same sources as on the phone. Of the practice the right answers stand at the end; of tests and evaluations there is
nothing at all in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from lxml import etree
from lxml import html as lxml_html
from lxml.builder import ElementMaker

from integra_course.model import Course, Deliverable, Module, SourceItem, Unit
from integra_course.paths import describe_before, describe_paths
from integra_grading.item_view import ShownItem, show_item
from integra_grading.items import Item, presentation

# The stubs of lxml know nothing of lxml.html.
Element: TypeAlias = Any

# lxml.html's own builder knows the elements of HTML 5 from its version 6 on only.
E: Any = ElementMaker(makeelement=lxml_html.html_parser.makeelement)
SEED = "cuaderno"
_LINES = {"prediction": 2, "activity": 4}
_TABLE_ROWS = 8
_TEXT_LINES = 2


@dataclass(frozen=True, slots=True)
class Chapter:
    """One part of the workbook: ``level`` 2 belongs to the part of level 1 before it; ``kind`` is for its look."""

    key: str
    title: str
    level: int
    body: tuple[Element, ...]
    kind: str = ""


def _class(name: str) -> dict[str, str]:
    return {"class": name}


def build_chapters(course: Course) -> tuple[Chapter, ...]:
    """Return the whole workbook in reading order."""
    places = {unit.key for unit in course.units()} | {module.key for module in course.modules}
    places |= {module.deliverable.key for module in course.modules if module.deliverable}

    def prose(html: str) -> list[Element]:
        return _parse(html, places)

    chapters = [
        Chapter("como-se-usa", "Cómo usar este cuaderno", 1, (*_how_to(), *prose(describe_paths(course))))
    ]
    for module in course.modules:
        chapters.append(Chapter(module.key, module.title, 1, tuple(_module(course, module))))
        for unit in module.units:
            chapters.append(Chapter(unit.key, unit.title, 2, tuple(_unit(unit, prose))))
        if module.deliverable is not None:
            title = f"Entregable: {module.deliverable.title}"
            chapters.append(
                Chapter(
                    module.deliverable.key, title, 2, tuple(_sheet(module.deliverable)), "hoja-entregable"
                )
            )
    chapters.append(Chapter("respuestas", "Respuestas de las prácticas", 1, tuple(_answers(course))))
    return tuple(chapters)


def _how_to() -> Iterator[Element]:
    yield E.p(
        "Este cuaderno tiene todo el curso para leer y trabajar sin conexión. Escribe en él: es tuyo. No pongas tu "
        "nombre completo, números de documento ni datos de otras personas."
    )
    yield E.ol(
        E.li("Responde la pregunta inicial antes de leer. No importa si te equivocas."),
        E.li("Lee el texto y sigue el ejemplo con lápiz y calculadora."),
        E.li("Haz la actividad con tus propios números. Si no sabes un valor, pon tu mejor cálculo y una E."),
        E.li("Responde las preguntas y compáralas con las respuestas del final."),
        E.li("Cuando tengas señal, pasa tu entregable al aula o dáselo a quien te acompaña."),
    )
    yield E.p(
        "Las pruebas y las evaluaciones no están aquí: se hacen en el aula, o en la hoja que te dé tu grupo."
    )


def _module(course: Course, module: Module) -> Iterator[Element]:
    units = "1 unidad" if len(module.units) == 1 else f"{len(module.units)} unidades"
    yield E.p(_class("datos"), f"{module.minutes} minutos · {units}")
    if before := describe_before(course, module):
        yield E.p(before)
    yield E.p("Al terminar podrás:")
    yield E.ul(*(E.li(outcome.text) for outcome in module.outcomes))
    if module.legal_review is not None and module.legal_review.is_pending:
        yield E.p(
            _class("aviso"), "Pendiente de revisión legal. Antes de decidir, confirma en la fuente oficial."
        )


def _unit(unit: Unit, prose: Callable[[str], list[Element]]) -> Iterator[Element]:
    yield E.p(_class("datos"), f"{unit.minutes} minutos")
    for section in unit.sections:
        yield E.h3(section.title)
        yield from prose(section.html)
        if section.kind in _LINES:
            yield from _lines(_LINES[section.kind])
    if unit.terms:
        yield E.h3("Palabras de esta lección")
        parts = []
        for term in unit.terms:
            parts += [E.dt(term.word), E.dd(term.definition)]
        yield E.dl(*parts)
    if unit.practice_items:
        yield E.h3("Comprueba lo que aprendiste")
        yield E.ol(_class("preguntas"), *(_question(each, prose) for each in unit.practice_items))


def _question(each: SourceItem, prose: Callable[[str], list[Element]]) -> Element:
    shown = show_item(each.item, presentation(each.item, SEED))
    return E.li(*prose(shown.stem), *_fields(shown, prose))


def _fields(shown: ShownItem, prose: Callable[[str], list[Element]]) -> Iterator[Element]:
    """Yield what is to be marked or filled in by hand, from whatever parts the question has."""
    if shown.targets:
        yield E.ul(
            _class("grupos"),
            *(E.li(f"{letter}) ", *_inline(part.text, prose)) for letter, part in _lettered(shown.targets)),
        )
    if shown.options:
        # Steps and rows get a letter or a number; options get a mark.
        blank = "____ " if shown.targets or str(shown.kind) == "ordering" else ""
        parts = (
            E.li(blank, *_inline(part.text, prose))
            if blank
            else E.li(f"{letter}) ", *_inline(part.text, prose))
            for letter, part in _lettered(shown.options)
        )
        yield E.ul(_class("opciones"), *parts)
    if shown.rows:
        yield _grid(shown, prose)
    if not shown.options and not shown.rows:
        yield E.p(_class("renglon"), f"Respuesta: ______________ {shown.unit}".rstrip())


def _grid(shown: ShownItem, prose: Callable[[str], list[Element]]) -> Element:
    head = E.tr(E.td(), *(E.th(*_inline(column.text, prose), scope="col") for column in shown.columns))
    rows = [
        E.tr(
            E.th(*_inline(row.label, prose), scope="row"),
            *(E.td("_______" if cell.is_asked else cell.text) for cell in row.cells),
        )
        for row in shown.rows
    ]
    return E.table(E.thead(head), E.tbody(*rows))


def _sheet(deliverable: Deliverable) -> Iterator[Element]:
    """Yield the paper twin of a deliverable's form."""
    definition = deliverable.definition
    if definition.get("intro"):
        yield E.p(definition["intro"])
    yield E.p(_class("renglon"), "Mi código: ______________  Fecha: ______________")
    for section in definition["sections"]:
        yield E.h3(section["title"])
        if section.get("help"):
            yield E.p(_class("datos"), section["help"])
        for field in section["fields"]:
            yield from _sheet_field(field)
    if definition.get("self_check"):
        yield E.h3("Antes de entregar")
        yield E.ul(_class("casillas"), *(E.li(f"☐ {check['text']}") for check in definition["self_check"]))


def _sheet_field(field: dict[str, Any]) -> Iterator[Element]:
    kind, label = field["kind"], field["label"]
    if kind == "table":
        columns = field["columns"]
        # A table's fields share one line of headings.
        head = E.tr(*(E.th(column["label"], scope="col") for column in columns))
        rows = [
            E.tr(*(E.td(" ") for _ in columns))
            for _ in range(min(_TABLE_ROWS, field.get("max_rows", _TABLE_ROWS)))
        ]
        yield E.table(_class("hoja"), E.caption(label), E.thead(head), E.tbody(*rows))
        if field.get("examples"):
            yield E.p(_class("datos"), f"Por ejemplo: {', '.join(field['examples'])}.")
    elif kind == "text" and field.get("max_length", 0) > 120:
        yield E.p(label)
        yield from _lines(_TEXT_LINES)
    elif kind == "flag":
        yield E.p(_class("renglon"), f"☐ {label}")
    else:
        mark = "$ " if kind == "money" or field.get("format") == "money" else ""
        yield E.p(
            _class("renglon total" if kind == "computed" else "renglon"), f"{label}: {mark}______________"
        )


def _answers(course: Course) -> Iterator[Element]:
    for unit in course.units():
        if unit.practice_items:
            yield E.p(E.strong(unit.title))
            yield E.ol(*(E.li(_answer(each.item)) for each in unit.practice_items))


def _answer(item: Item) -> str:
    """Return what counts as right, in the letters and words of the printed question."""
    shown = show_item(item, presentation(item, SEED))
    letters = {part.key: letter for letter, part in _lettered(shown.options)}
    if item.answer is not None:
        return f"{_number(item.answer.value)} {item.answer.unit}".strip()
    if item.targets:
        groups = {part.key: letter for letter, part in _lettered(shown.targets)}
        return ", ".join(groups[item_option.target or ""] for item_option in _in_shown_order(item, shown))
    right = [letters[option.key] for option in item.options if option.is_correct]
    if right:
        return ", ".join(sorted(right))
    if item.options:
        places = {option.key: str(number) for number, option in enumerate(item.options, start=1)}
        return ", ".join(places[part.key] for part in shown.options)
    asked = (cell.answer for row in item.rows for cell in row.cells if cell.answer is not None)
    return "; ".join(_number(answer.value) for answer in asked)


def _in_shown_order(item: Item, shown: ShownItem) -> list[Any]:
    by_key = {option.key: option for option in item.options}
    return [by_key[part.key] for part in shown.options]


def _number(value: Any) -> str:
    """Return a number as it is written in Spanish: 1.012,5."""
    return f"{value:,f}".replace(",", "·").replace(".", ",").replace("·", ".")


def _lettered(parts: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return zip("abcdefghijklmnopqrstuvwxyz", parts, strict=False)


def _lines(count: int) -> Iterator[Element]:
    for _ in range(count):
        yield E.p(_class("linea"), "\u00a0")


def _inline(html: str, prose: Callable[[str], list[Element]]) -> list[Any]:
    """Return a text's content without the paragraph around it."""
    parts: list[Any] = []
    for block in prose(html):
        if block.tag == "p":
            parts += [block.text or "", *block]
        else:
            parts.append(block)
    return parts


def _parse(html: str, places: set[str]) -> list[Element]:
    """Return safe HTML of the sources as elements; a link into the course leads within the workbook, or nowhere."""
    parsed = lxml_html.fragments_fromstring(html)
    blocks: list[Element] = [
        E.p(part) if isinstance(part, str) else part
        for part in parsed
        if not isinstance(part, str) or part.strip()
    ]
    for block in blocks:
        block.tail = None
        for link in list(block.iter("a")):
            target = (link.get("href") or "").rpartition("/jump_to_id/")
            if not target[1]:
                continue
            if target[2] in places:
                link.set("href", f"#{target[2]}")
            else:
                link.drop_tag()
    return blocks


def to_html(course: Course, chapters: Iterable[Chapter], style: str) -> str:
    """Return the workbook as one document for the printer."""
    listed = list(chapters)
    entries = [
        E.li(_class(f"nivel{chapter.level}"), E.a(chapter.title, href=f"#{chapter.key}"))
        for chapter in listed
    ]
    parts: list[Element] = [
        E.section(
            _class("portada"),
            E.p(_class("datos"), "Cuaderno de trabajo"),
            E.h1(course.info.title),
            E.p(course.info.summary),
            E.p(_class("datos"), "Textos: CC BY-SA 4.0"),
        ),
        E.nav(E.h1("Contenido"), E.ol(_class("contenido"), *entries)),
    ]
    for chapter in listed:
        heading = E.h1(chapter.title) if chapter.level == 1 else E.h2(chapter.title)
        parts.append(
            E.section(
                _class(f"nivel{chapter.level} {chapter.kind}".strip()),
                heading,
                *chapter.body,
                id=chapter.key,
            )
        )
    document = E.html(
        E.head(E.meta(charset="utf-8"), E.title(f"{course.info.title}. Cuaderno de trabajo"), E.style(style)),
        E.body(*parts),
        lang="es",
    )
    return "<!doctype html>\n" + etree.tostring(document, encoding="unicode", method="html")
