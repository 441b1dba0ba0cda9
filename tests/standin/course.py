"""Imports OLX with the importer's rules and keeps the course's content."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from lxml import etree
from opaque_keys.edx.locator import CourseLocator

from standin.blocks import BUILT_IN

log = logging.getLogger("standin.importer")
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=False)
UPSTREAM = "{http://code.edx.org/xblock/option}upstream"


@dataclass(frozen=True)
class LostBlock:
    """A block that raised while it was parsed: the importer leaves it out and reports success."""

    block_type: str
    url_name: str
    error: Exception


class Course:
    """One imported course: its key, its content fields and what the import lost."""

    def __init__(self, olx):
        root = read_tree(olx)
        self.key = CourseLocator(
            root.get("org", "INTEGRA"), root.get("course", "CAP40"), root.get("url_name", "standin")
        )
        self.root = root
        self.content = {}
        self.lost = []
        self.usage_keys = {}
        self.root_key = None

    def usage_key(self, block_type, url_name):
        return self.key.make_usage_key(block_type, url_name)

    # The identifier interface of XBlock: a definition and its one usage share the key.
    def create_definition(self, block_type, slug=None):
        return self.key.make_usage_key(block_type, slug)

    def create_usage(self, def_id):
        return def_id

    def get_definition_id(self, usage_id):
        return usage_id

    def get_block_type(self, def_id):
        return def_id.block_type


def read_tree(olx):
    """Return the course's root element from text, an element, or the folder of an OLX tree.

    Built-in blocks are followed through pointer tags. A pure XBlock's pointer is taken literally, as the
    platform does: the block comes up with its defaults.
    """
    if isinstance(olx, Path):
        root = etree.parse(str(olx / "course.xml"), PARSER).getroot()
        return _follow(root, olx)
    root = etree.fromstring(olx, PARSER) if isinstance(olx, str | bytes) else olx
    if root.tag == "course":
        return root
    return _wrap(root)


def as_pasted(element):
    """Return a copy as Studio's clipboard leaves it: one attribute and one child more."""
    copy = etree.fromstring(etree.tostring(element), PARSER)
    copy.set("copied_from_block", f"block-v1:X+Y+Z+type@{element.tag}+block@{element.get('url_name')}")
    etree.SubElement(copy, UPSTREAM, nsmap={None: "http://code.edx.org/xblock/option"}).set("none", "true")
    return copy


def slug_of(node):
    """Return ``url_name``; without one, a digest of the content, so that an edit makes it another block."""
    name = node.get("url_name")
    return name if name is not None else hashlib.sha1(etree.tostring(node)).hexdigest()[:12]  # noqa: S324 - a name


def _wrap(element):
    """Put one block, or one unit, into the smallest course that holds it."""
    levels = ("course", "chapter", "sequential", "vertical")
    depth = levels.index(element.tag) if element.tag in levels else len(levels)
    for tag in reversed(levels[:depth]):
        parent = etree.Element(tag, url_name="standin")
        parent.append(element)
        element = parent
    return element


def _follow(node, folder):
    if node.tag in BUILT_IN and not len(node) and node.get("url_name"):
        target = folder / node.tag / f"{node.get('url_name')}.xml"
        if target.exists():
            found = etree.parse(str(target), PARSER).getroot()
            for name, value in node.attrib.items():
                found.set(name, value)
            node = found
    if node.tag == "html" and node.get("filename"):
        node.text = (folder / "html" / f"{node.get('filename')}.html").read_text(encoding="utf-8")
        return node
    if node.tag in BUILT_IN:
        for child in [c for c in node if isinstance(c.tag, str)]:
            node.replace(child, _follow(child, folder))
    return node
