"""Items as XML elements: one reader and one writer for the compiler and the blocks.

Works on anything shaped like ``xml.etree.ElementTree`` (lxml too), so that neither side needs the other's
parser. Stems, options and feedback are text: sanitised HTML inside CDATA or escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from integra_grading.errors import ItemError
from integra_grading.items import Item

_ITEM_ATTRIBUTES = ("key", "kind", "outcome", "level", "form", "twin", "stratum")
_ANSWER_ATTRIBUTES = ("value", "absolute", "relative", "unit")


class Element(Protocol):
    """The part of an XML element used here."""

    @property
    def tag(self) -> Any: ...
    @property
    def attrib(self) -> Any: ...
    @property
    def text(self) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


def read_item(element: Element) -> Item:
    """Return the item of an ``<item>`` element.

    Raises:
        ItemError: ``wrong_tag``, ``unknown_attribute``, ``unknown_element``, ``duplicate_element``,
            ``markup_not_text`` (HTML that is neither escaped nor CDATA), or a code of ``Item.from_dict``.
    """
    if element.tag != "item":
        raise ItemError("wrong_tag", _name(element), "An <item> is expected.")
    raw: dict[str, Any] = _attributes(element, _ITEM_ATTRIBUTES)
    for child in _elements(element):
        if child.tag == "stem":
            _set_once(raw, "stem", _text(child))
        elif child.tag == "answer":
            _set_once(raw, "answer", _read_answer(child))
        elif child.tag == "feedback":
            when = _attributes(child, ("when",)).get("when", "")
            _set_once(raw.setdefault("feedback", {}), when, _text(child))
        elif child.tag in _LISTS:
            name, read = _LISTS[child.tag]
            raw.setdefault(name, []).append(read(child))
        else:
            raise ItemError("unknown_element", _name(child), "An <item> has no such element.")
    return Item.from_dict(raw)


def write_item(parent: Any, item: Item, make_child: Callable[[Any, str], Any]) -> Any:
    """Append ``item`` to ``parent`` as an ``<item>`` element and return it.

    Args:
        parent: The element it goes into.
        item: The item.
        make_child: ``xml.etree.ElementTree.SubElement`` or ``lxml.etree.SubElement``.

    Invariants: ``read_item(write_item(parent, item, make_child)) == item``.
    """
    raw = item.to_dict()
    element = make_child(parent, "item")
    _set_attributes(element, raw, _ITEM_ATTRIBUTES)
    make_child(element, "stem").text = raw["stem"]
    for option in raw.get("options", ()):
        _write_option(element, option, make_child)
    for name in ("target", "column"):
        for part in raw.get(f"{name}s", ()):
            child = make_child(element, name)
            child.set("key", part["key"])
            child.text = part["text"]
    for row in raw.get("rows", ()):
        _write_row(element, row, make_child)
    if "answer" in raw:
        _write_answer(make_child(element, "answer"), raw["answer"], make_child)
    if item.feedback is not None:
        for when, text in (("correct", item.feedback.correct), ("wrong", item.feedback.wrong)):
            child = make_child(element, "feedback")
            child.set("when", when)
            child.text = text
    return element


def _read_option(element: Element) -> dict[str, Any]:
    raw: dict[str, Any] = _attributes(element, ("key", "correct", "error", "target"))
    if "correct" in raw:
        if raw["correct"] not in ("true", "false"):
            raise ItemError("wrong_form", "option.correct", "true or false is expected.")
        raw["correct"] = raw["correct"] == "true"
    for child in _elements(element):
        if child.tag not in ("text", "feedback"):
            raise ItemError("unknown_element", _name(child), "An <option> has a <text> and a <feedback>.")
        _set_once(raw, child.tag, _text(child))
    return raw


def _write_option(parent: Any, raw: dict[str, Any], make_child: Callable[[Any, str], Any]) -> None:
    element = make_child(parent, "option")
    _set_attributes(element, raw, ("key", "error", "target"))
    if raw.get("correct"):
        element.set("correct", "true")
    make_child(element, "text").text = raw["text"]
    if "feedback" in raw:
        make_child(element, "feedback").text = raw["feedback"]


def _read_labelled(element: Element) -> dict[str, Any]:
    return {**_attributes(element, ("key",)), "text": _text(element)}


def _read_row(element: Element) -> dict[str, Any]:
    raw: dict[str, Any] = {**_attributes(element, ("key",)), "cells": []}
    for child in _elements(element):
        if child.tag == "label":
            _set_once(raw, "label", _text(child))
        elif child.tag == "cell":
            raw["cells"].append(_read_cell(child))
        else:
            raise ItemError("unknown_element", _name(child), "A <row> has a <label> and its <cell>s.")
    return raw


def _read_cell(element: Element) -> dict[str, Any]:
    raw: dict[str, Any] = _attributes(element, ("column",))
    for child in _elements(element):
        if child.tag == "text":
            _set_once(raw, "text", _text(child))
        elif child.tag == "answer":
            _set_once(raw, "answer", _read_answer(child))
        else:
            raise ItemError("unknown_element", _name(child), "A <cell> has a <text> or an <answer>.")
    return raw


def _write_row(parent: Any, raw: dict[str, Any], make_child: Callable[[Any, str], Any]) -> None:
    element = make_child(parent, "row")
    element.set("key", raw["key"])
    make_child(element, "label").text = raw["label"]
    for cell in raw["cells"]:
        child = make_child(element, "cell")
        child.set("column", cell["column"])
        if "text" in cell:
            make_child(child, "text").text = cell["text"]
        if "answer" in cell:
            _write_answer(make_child(child, "answer"), cell["answer"], make_child)


def _read_answer(element: Element) -> dict[str, Any]:
    raw: dict[str, Any] = _attributes(element, _ANSWER_ATTRIBUTES)
    for child in _elements(element):
        if child.tag != "slip":
            raise ItemError("unknown_element", _name(child), "An <answer> has only <slip>s.")
        slip = {**_attributes(child, ("value", "error")), "feedback": _text(child)}
        raw.setdefault("slips", []).append(slip)
    return raw


def _write_answer(element: Any, raw: dict[str, Any], make_child: Callable[[Any, str], Any]) -> None:
    _set_attributes(element, raw, _ANSWER_ATTRIBUTES)
    for slip in raw.get("slips", ()):
        child = make_child(element, "slip")
        _set_attributes(child, slip, ("value", "error"))
        child.text = slip.get("feedback", "")


def _elements(element: Element) -> Iterator[Element]:
    """The child elements: comments and processing instructions of lxml have a function as tag."""
    return (child for child in element if isinstance(child.tag, str))


def _text(element: Element) -> str:
    for child in _elements(element):
        raise ItemError("markup_not_text", _name(child), "HTML stands here as escaped text or CDATA.")
    return element.text or ""


def _attributes(element: Element, known: Iterable[str]) -> dict[str, str]:
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    for name in attributes:
        if name not in known:
            raise ItemError("unknown_attribute", _name(element), "An attribute this element does not have.")
    return attributes


def _set_attributes(element: Any, raw: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if name in raw:
            element.set(name, raw[name])


def _set_once(raw: dict[str, Any], key: str, value: object) -> None:
    if key in raw:
        raise ItemError("duplicate_element", key, "The element stands here twice.")
    raw[key] = value


def _name(element: Element) -> str:
    return element.tag[:64] if isinstance(element.tag, str) else ""


# The elements of an item that may stand several times: the name of their list, and their reader.
_LISTS: dict[str, tuple[str, Callable[[Element], dict[str, Any]]]] = {
    "option": ("options", _read_option),
    "target": ("targets", _read_labelled),
    "column": ("columns", _read_labelled),
    "row": ("rows", _read_row),
}
