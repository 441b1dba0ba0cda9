"""The compiled course as the classroom shows it: an outline read from OLX, and its blocks in the runtime.

Course, chapters, sequentials and verticals are the classroom's own business (the workbench has no such blocks); only
what stands inside a vertical becomes an XBlock.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from lxml import etree

from integra_aula.runtime import AulaRuntime

# Entities and network access are never needed in a course we compiled ourselves.
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)


@dataclass(frozen=True, slots=True)
class Unit:
    """One page of the classroom: a vertical."""

    key: str
    title: str
    block_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One line of the outline: a sequential."""

    key: str
    title: str
    units: tuple[Unit, ...]
    is_in_outline: bool


@dataclass(frozen=True, slots=True)
class Chapter:
    """One heading of the outline."""

    key: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """The whole course in its order."""

    title: str
    chapters: tuple[Chapter, ...]
    usage_by_url_name: dict[str, str]

    def units(self) -> Iterator[tuple[Chapter, Section, Unit]]:
        """Yield every page in course order."""
        for chapter in self.chapters:
            for section in chapter.sections:
                for unit in section.units:
                    yield chapter, section, unit

    def find_unit_key(self, url_name: str) -> str | None:
        """Return the page that shows ``url_name``: a page, a section, a chapter or a block inside one."""
        usage_id = self.usage_by_url_name.get(url_name)
        for chapter, section, unit in self.units():
            if url_name in (unit.key, section.key, chapter.key) or usage_id in unit.block_ids:
                return unit.key
        return None


def read_course(olx: Path) -> Course:
    """Parse the OLX tree at ``olx`` and load its blocks into the runtime's memory."""
    runtime = AulaRuntime(user=None)
    pointer = _parse(olx / "course.xml")
    run = pointer.get("url_name", "")
    policy = json.loads((olx / "policies" / run / "policy.json").read_text(encoding="utf-8"))
    root = _parse(olx / "course" / f"{run}.xml")
    usages: dict[str, str] = {}
    chapters = tuple(_read_chapter(olx, runtime, usages, node) for node in root.iterfind("chapter"))
    title = policy.get(f"course/{run}", {}).get("display_name") or root.get("display_name", "")
    return Course(title=title, chapters=chapters, usage_by_url_name=usages)


def _read_chapter(
    olx: Path, runtime: AulaRuntime, usages: dict[str, str], pointer: etree._Element
) -> Chapter:
    node = _follow(olx, pointer)
    sections = tuple(_read_section(olx, runtime, usages, child) for child in node.iterfind("sequential"))
    return Chapter(_name(pointer), node.get("display_name", ""), sections)


def _read_section(
    olx: Path, runtime: AulaRuntime, usages: dict[str, str], pointer: etree._Element
) -> Section:
    node = _follow(olx, pointer)
    units = tuple(_read_unit(olx, runtime, usages, child) for child in node.iterfind("vertical"))
    return Section(_name(pointer), node.get("display_name", ""), units, node.get("hide_from_toc") != "true")


def _read_unit(olx: Path, runtime: AulaRuntime, usages: dict[str, str], pointer: etree._Element) -> Unit:
    node = _follow(olx, pointer)
    block_ids = []
    for child in node:
        url_name = _name(child)
        usages[url_name] = runtime.load_block(child)
        block_ids.append(usages[url_name])
    return Unit(_name(pointer), node.get("display_name", ""), tuple(block_ids))


def _follow(olx: Path, pointer: etree._Element) -> etree._Element:
    """Return the element a pointer tag stands for; an element with content stands for itself."""
    if len(pointer):
        return pointer
    return _parse(olx / pointer.tag / f"{_name(pointer)}.xml")


def _name(node: etree._Element) -> str:
    name = node.get("url_name")
    if not name:
        raise ValueError(f"<{node.tag}> on line {node.sourceline} has no url_name; compile the course again.")
    return name


def _parse(path: Path) -> etree._Element:
    return etree.parse(str(path), PARSER).getroot()


_lock = threading.Lock()
_loaded: list[Course] = []


def get_course() -> Course:
    """Return the course, loading it once per process (the workbench keeps its ids in memory)."""
    with _lock:
        if not _loaded:
            _loaded.append(read_course(settings.ENVIRONMENT.build / "olx" / "course"))
        return _loaded[0]
