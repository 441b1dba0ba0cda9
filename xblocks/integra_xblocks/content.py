"""Content that stands in child elements of the OLX: items, lesson sections and glossary terms.

Readers never raise: an exception while parsing would make the block vanish from its unit while the import
reports success. They return what can be read and a sentence per thing that cannot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree

from integra_grading.errors import GradingError
from integra_grading.items import Item
from integra_grading.olx import read_item, write_item
from integra_xblocks.messages import N_, get_author_message

SECTION_KINDS = ("objectives", "prediction", "text", "example", "activity", "closing")


@dataclass(frozen=True, slots=True)
class Problem:
    """What an author must mend: its place among the edited values, that place's name, and an English sentence."""

    path: tuple[str | int, ...]
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def read_items(elements: Iterable[etree._Element]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the JSON form of every ``<item>`` that can be read, and the problems."""
    items: list[dict[str, Any]] = []
    problems: list[str] = []
    for element in elements:
        if element.tag != "item":
            continue
        try:
            item = read_item(element).to_dict()
        except GradingError as error:
            problems.append(f"item {element.get('key', '?')}: {error}")
            continue
        if any(item["key"] == other["key"] for other in items):
            problems.append(f"item {item['key']}: this key stands twice")
        else:
            items.append(item)
    return items, problems


def write_items(node: etree._Element, items: Iterable[Mapping[str, Any]]) -> None:
    """Append ``items`` to ``node``; what ``read_items`` reads back is equal."""
    for raw in items:
        write_item(node, Item.from_dict(dict(raw)), etree.SubElement)


def check_items(raw_items: Iterable[Any], path: str = "items") -> list[Problem]:
    """Return a problem per item that is not well formed or whose key stands twice."""
    problems = []
    seen: set[str] = set()
    for index, raw in enumerate(raw_items):
        try:
            item = Item.from_dict(raw)
        except GradingError as error:
            key = raw.get("key") if isinstance(raw, dict) else None
            name = key if isinstance(key, str) and key else f"item {index + 1}"
            problems.append(describe_error(error, (path, index), name))
            continue
        if item.key in seen:
            problems.append(Problem((path, index, "key"), item.key, N_("This key stands twice.")))
        seen.add(item.key)
    return problems


def describe_error(error: GradingError, path: tuple[str | int, ...], name: str) -> Problem:
    """Return a refusal of the pure core as a problem of the value at ``path``, which people call ``name``."""
    where = f"{name} · {error.field}" if error.field else name
    steps = re.findall(r"[^.\[\]]+", error.field)
    return Problem((*path, *steps), where, get_author_message(error.code) or error.message)


def parse_items(raw_items: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Return the items of their JSON forms; a process parses one content once.

    Raises:
        ItemError: An item that cannot be read.
    """
    return _parse_items(json.dumps(raw_items, default=dict))


@lru_cache(maxsize=128)
def _parse_items(text: str) -> tuple[Item, ...]:
    return tuple(Item.from_dict(raw) for raw in json.loads(text))


def read_sections(
    elements: Iterable[etree._Element],
) -> tuple[list[dict[str, str]], list[dict[str, str]], list[str]]:
    """Return the sections and the terms of a lesson, and the problems."""
    sections: list[dict[str, str]] = []
    terms: list[dict[str, str]] = []
    problems: list[str] = []
    for element in elements:
        if len(element):
            problems.append(f"line {element.sourceline}: HTML stands here as escaped text or CDATA")
            continue
        text = (element.text or "").strip()
        if element.tag == "section":
            sections.append(
                {"kind": element.get("kind", ""), "title": element.get("title", ""), "html": text}
            )
        elif element.tag == "term":
            terms.append({"word": element.get("word", ""), "definition": text})
    checked = [*check_sections(sections), *check_terms(terms)]
    return sections, terms, problems + [str(problem) for problem in checked]


def write_sections(
    node: etree._Element, sections: Iterable[Mapping[str, str]], terms: Iterable[Mapping[str, str]]
) -> None:
    """Append sections and terms to ``node``; what ``read_sections`` reads back is equal."""
    for section in sections:
        element = etree.SubElement(node, "section", kind=section["kind"])
        if section["title"]:
            element.set("title", section["title"])
        element.text = _readable(section["html"])
    for term in terms:
        etree.SubElement(node, "term", word=term["word"]).text = term["definition"]


def check_sections(sections: Iterable[Any]) -> list[Problem]:
    """Return a problem per section that is not well formed."""
    problems = []
    for index, section in enumerate(sections):
        path, where = ("sections", index), f"section {index + 1}"
        if not _has_texts(section, ("kind", "title", "html")):
            message = N_("kind, title and html are expected, all of them texts")
            problems.append(Problem(path, where, message))
        elif section["kind"] not in SECTION_KINDS:
            message = N_("the kind is one of objectives, prediction, text, example, activity, closing")
            problems.append(Problem((*path, "kind"), where, message))
    return problems


def check_terms(terms: Iterable[Any]) -> list[Problem]:
    """Return a problem per glossary term that is not well formed."""
    return [
        Problem(
            ("terms", index), f"term {index + 1}", N_("word and definition are expected, both of them texts")
        )
        for index, term in enumerate(terms)
        if not _has_texts(term, ("word", "definition")) or not term["word"]
    ]


def _has_texts(value: Any, names: tuple[str, ...]) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(names)
        and all(isinstance(value[name], str) for name in names)
    )


def _readable(html: str) -> Any:
    # Authors read the exported file: CDATA keeps the markup legible. Its own end mark cannot stand inside.
    return html if "]]>" in html else etree.CDATA(html)
