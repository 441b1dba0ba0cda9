"""The course as OLX: path → bytes, the same bytes for the same sources on every machine.

Chapters, sequentials and verticals are pointer files; our own blocks stand inline in their vertical, because the
platform never follows a pointer to them (it would import an empty block in silence).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from integra_course.model import Bank, Closing, Course, Deliverable, Module, Practice, SourceItem, Unit
from integra_course.paths import describe_before, describe_paths
from integra_grading.items import bank_digest, item_digest
from integra_grading.olx import write_item

BLOCK_TYPES = (
    "integra_lesson",
    "integra_practice",
    "integra_test",
    "integra_bypass",
    "integra_deliverable",
    "integra_module",
    "integra_record",
    "integra_desk",
)
Element = etree._Element


@dataclass(frozen=True, slots=True)
class Page:
    """A vertical with its blocks."""

    url_name: str
    title: str
    blocks: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A sequential; ``graded_as`` is the key of its part of the grade."""

    url_name: str
    title: str
    pages: tuple[Page, ...]
    graded_as: str = ""
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter."""

    url_name: str
    title: str
    sections: tuple[Section, ...]
    is_hidden: bool = False


def digest_of(bank: Bank) -> str:
    """Return the digest of a bank."""
    return bank_digest((each.item.key, item_digest(each.item)) for each in bank.items)


def outline(course: Course) -> tuple[Chapter, ...]:
    """Return chapters, sections and pages in course order."""
    titles = course.titles
    return (
        Chapter(
            "inicio",
            titles["inicio"],
            (
                _single(
                    "inicio-prueba", titles["prueba_inicial"], _test(course, "pre", titles["prueba_inicial"])
                ),
                _single(
                    "inicio-avance",
                    titles["mi_avance"],
                    _block("integra_record", "mi-avance", titles["mi_avance"]),
                ),
            ),
        ),
        *(_module_chapter(course, module) for module in course.modules),
        Chapter(
            "cierre",
            titles["cierre"],
            (
                _single(
                    "cierre-prueba",
                    titles["prueba_final"],
                    _test(course, "post", titles["prueba_final"]),
                    graded_as="prueba_final",
                ),
                *(
                    _single(f"cierre-{each.area}-pagina", each.title, _closing(each))
                    for each in course.closings
                ),
                _single(
                    "cierre-avance",
                    titles["mi_avance"],
                    _block("integra_record", "mi-avance-final", titles["mi_avance"]),
                ),
            ),
        ),
        Chapter(
            "facilitacion",
            titles["facilitacion"],
            (
                _single(
                    "facilitacion-mesa",
                    titles["mesa"],
                    _block("integra_desk", "mesa", titles["mesa"]),
                    is_hidden=True,
                ),
            ),
            is_hidden=True,
        ),
    )


def url_names(course: Course) -> Iterator[tuple[str, str]]:
    """Yield tag and url_name of everything in the course."""
    for chapter in outline(course):
        yield "chapter", chapter.url_name
        for section in chapter.sections:
            yield "sequential", section.url_name
            for page in section.pages:
                yield "vertical", page.url_name
                for block in page.blocks:
                    yield str(block.tag), str(block.get("url_name"))


def compile_course(course: Course, static: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return every file of the OLX tree, by its path below the course folder."""
    info = course.info
    files = {
        "course.xml": _xml(_element("course", url_name=info.run, org=info.org, course=info.number)),
        "about/overview.html": (info.overview_html + describe_paths(course) + "\n").encode(),
        "about/short_description.html": (info.summary + "\n").encode(),
        f"policies/{info.run}/policy.json": _json({f"course/{info.run}": _policy(course)}),
    }
    chapters = outline(course)
    root = _element("course")
    graded: Counter[str] = Counter()
    for chapter in chapters:
        etree.SubElement(root, "chapter", url_name=chapter.url_name)
        files.update(_chapter_files(course, chapter, graded))
    files[f"course/{info.run}.xml"] = _xml(root)
    files[f"policies/{info.run}/grading_policy.json"] = _json(_grading_policy(course, graded))
    files.update({f"static/{name}": static[name] for name in course.static_files})
    return files


def _chapter_files(course: Course, chapter: Chapter, graded: Counter[str]) -> Iterator[tuple[str, bytes]]:
    types = {part.key: part.type for part in course.graded_parts}
    node = _element("chapter", display_name=chapter.title)
    if chapter.is_hidden:
        node.set("hide_from_toc", "true")
    for section in chapter.sections:
        etree.SubElement(node, "sequential", url_name=section.url_name)
        sequential = _element("sequential", display_name=section.title)
        if section.is_hidden:
            sequential.set("hide_from_toc", "true")
        if section.graded_as in types:
            graded[section.graded_as] += 1
            sequential.set("format", types[section.graded_as])
            sequential.set("graded", "true")
        for page in section.pages:
            etree.SubElement(sequential, "vertical", url_name=page.url_name)
            vertical = _element("vertical", display_name=page.title)
            vertical.extend(page.blocks)
            yield f"vertical/{page.url_name}.xml", _xml(vertical)
        yield f"sequential/{section.url_name}.xml", _xml(sequential)
    yield f"chapter/{chapter.url_name}.xml", _xml(node)


def _module_chapter(course: Course, module: Module) -> Chapter:
    titles = course.titles
    first = [_block("integra_module", module.key, titles["estado_del_modulo"], module_key=module.key)]
    if advice := describe_before(course, module):
        first[0].set("advice", advice)
    if module.bypass is not None:
        first.append(_bypass(module, module.bypass, titles["evaluacion_directa"]))
    sections = [
        Section(
            f"{module.key}-ruta",
            titles["modulo"],
            (Page(f"{module.key}-ruta-pagina", titles["modulo"], tuple(first)),),
            graded_as="modulos",
        )
    ]
    is_pending = module.legal_review is not None and module.legal_review.is_pending
    sections += [_unit_section(unit, titles, needs_review=is_pending) for unit in module.units]
    if module.deliverable is not None:
        sections.append(
            _single(
                f"{module.key}-entregable",
                f"{titles['entregable']}: {module.deliverable.title}",
                _deliverable(module, module.deliverable),
                graded_as="entregables",
            )
        )
    return Chapter(f"capitulo-{module.key}", module.title, tuple(sections))


def _unit_section(unit: Unit, titles: Mapping[str, str], *, needs_review: bool) -> Section:
    pages = [Page(f"{unit.key}-leer", titles["leccion"], (_lesson(unit, needs_review=needs_review),))]
    if unit.practice is not None:
        block = _practice(unit, unit.practice, titles["practica"])
        pages.append(Page(f"{unit.key}-practicar", titles["practica"], (block,)))
    return Section(unit.key, unit.title, tuple(pages))


def _single(
    url_name: str, title: str, block: Element, *, graded_as: str = "", is_hidden: bool = False
) -> Section:
    return Section(url_name, title, (Page(f"{url_name}-pagina", title, (block,)),), graded_as, is_hidden)


def _lesson(unit: Unit, *, needs_review: bool) -> Element:
    block = _block(
        "integra_lesson", f"{unit.key}-leccion", unit.title, unit_key=unit.key, minutes=str(unit.minutes)
    )
    if needs_review:
        block.set("needs_legal_review", "true")
    for section in unit.sections:
        node = etree.SubElement(block, "section", kind=section.kind, title=section.title)
        node.text = etree.CDATA(section.html)
    for term in unit.terms:
        etree.SubElement(block, "term", word=term.word).text = term.definition
    return block


def _practice(unit: Unit, practice: Practice, title: str) -> Element:
    block = _block("integra_practice", practice.key, title, unit_key=unit.key)
    return _with_items(block, practice.items)


def _test(course: Course, kind: str, title: str) -> Element:
    block = _block("integra_test", {"pre": "prueba-inicial", "post": "prueba-final"}[kind], title, kind=kind)
    block.set("form_items", str(sum(row.per_form for row in course.tests.blueprint)))
    return _with_items(_with_bank(block, course.tests.bank), course.tests.bank.items)


def _closing(closing: Closing) -> Element:
    block = _block("integra_test", f"cierre-{closing.area}", closing.title, kind="closing")
    block.set("form_items", str(closing.max_score))
    return _with_items(_with_bank(block, closing.bank), closing.bank.items)


def _bypass(module: Module, bank: Bank, title: str) -> Element:
    block = _block("integra_bypass", f"{module.key}-evaluacion", title, module_key=module.key)
    return _with_items(_with_bank(block, bank), bank.items)


def _deliverable(module: Module, deliverable: Deliverable) -> Element:
    return _block(
        "integra_deliverable",
        deliverable.key,
        deliverable.title,
        module_key=module.key,
        deliverable_key=deliverable.key,
        definition=json.dumps(deliverable.definition, ensure_ascii=False, sort_keys=True),
    )


def _with_bank(block: Element, bank: Bank) -> Element:
    block.set("bank_id", bank.key)
    block.set("bank_digest", digest_of(bank))
    block.set("bank_public", "true" if bank.is_public else "false")
    return block


def _with_items(block: Element, items: tuple[SourceItem, ...]) -> Element:
    make_child: Callable[[Any, str], Any] = etree.SubElement
    for each in items:
        write_item(block, each.item, make_child)
    return block


def _block(tag: str, url_name: str, display_name: str, **attributes: str) -> Element:
    return _element(tag, url_name=url_name, display_name=display_name, **attributes)


def _element(tag: str, **attributes: str) -> Element:
    return etree.Element(tag, attributes)


def _policy(course: Course) -> dict[str, Any]:
    info = course.info
    return {
        "advanced_modules": list(BLOCK_TYPES),
        # A weighted average cannot express the rules of the course, so the platform must not certify.
        "cert_html_view_enabled": False,
        "certificates": {"certificates": []},
        "course_image": info.image,
        "display_name": info.title,
        "end": info.end,
        "language": info.language,
        "mobile_available": True,
        "self_paced": True,
        "show_correctness": "never",
        "showanswer": "never",
        "start": info.start,
    }


def _grading_policy(course: Course, graded: Counter[str]) -> dict[str, Any]:
    return {
        "GRADER": [
            {
                "type": part.type,
                "short_label": part.short_label,
                "min_count": graded[part.key],
                "drop_count": 0,
                "weight": float(part.weight),
            }
            for part in course.graded_parts
        ],
        "GRADE_CUTOFFS": {"Pass": float(course.pass_mark)},
    }


def _xml(element: Element) -> bytes:
    return bytes(etree.tostring(element, encoding="utf-8", pretty_print=True))


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
