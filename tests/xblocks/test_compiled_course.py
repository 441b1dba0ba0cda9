"""The delivered course, block by block, in the real block classes: nothing is lost, dropped or complained about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from integra_course.diff_export import list_changes
from integra_course.manifest import build_manifest
from integra_course.model import Course
from integra_course.olx import compile_course
from integra_course.olx_check import ATTRIBUTES
from integra_course.problems import Problems
from integra_course.reading import Sources, read_course
from integra_gradebook import api

SOURCES = Path(__file__).parents[2] / "course_content" / "course"

pytestmark = pytest.mark.lms


@pytest.fixture(scope="module")
def delivered() -> Course:
    course = read_course(Sources(SOURCES), Problems())
    assert course is not None
    return course


@pytest.fixture(scope="module")
def compiled(delivered: Course) -> list[etree._Element]:
    """Every block of ours in the delivered course."""
    files = compile_course(delivered, dict.fromkeys(delivered.static_files, b""))
    return [
        block
        for path, content in sorted(files.items())
        if path.startswith("vertical/")
        for block in etree.fromstring(content)
    ]


def test_every_block_is_imported_without_a_complaint(
    make_world: Any, compiled: list[etree._Element], delivered: Course
) -> None:
    world = make_world(*compiled, is_registered=False)
    api.register_course(world.course_key, build_manifest(delivered))

    assert world.lost == []
    assert {str(node.tag) for node in compiled} == set(ATTRIBUTES)
    for node in compiled:
        block = world.block(str(node.tag), str(node.get("url_name")))
        assert [message.text for message in block.validate().messages] == []
        assert ATTRIBUTES[str(node.tag)] <= set(block.fields)


def test_import_and_export_keep_every_attribute_and_child(
    make_world: Any, compiled: list[etree._Element]
) -> None:
    world = make_world(*compiled)

    for node in compiled:
        place = (str(node.tag), str(node.get("url_name")))
        exported = etree.fromstring(world.export(*place))
        again = make_world(exported)
        assert again.export(*place) == world.export(*place)
        assert [child.attrib for child in exported] == [child.attrib for child in node]
        assert ["".join(child.itertext()).split() for child in exported] == [
            "".join(child.itertext()).split() for child in node
        ]


def test_what_comes_back_from_studio_untouched_has_no_differences(make_world: Any, delivered: Course) -> None:
    files = compile_course(delivered, dict.fromkeys(delivered.static_files, b""))
    exported = dict(files)
    for path, content in files.items():
        if path.startswith("vertical/"):
            page = etree.fromstring(content)
            world = make_world(*page, is_registered=False)
            for index, node in enumerate(etree.fromstring(content)):
                page[index:index] = [etree.fromstring(world.export(str(node.tag), str(node.get("url_name"))))]
            exported[path] = etree.tostring(page, encoding="utf-8")

    assert [str(change) for change in list_changes(files, exported)] == []
