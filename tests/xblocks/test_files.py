"""What the package's files must keep to, whatever block they belong to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from standin.weighing import BUDGET, weigh

import integra_xblocks

ROOT = Path(integra_xblocks.__file__).parent
SCRIPTS = sorted(ROOT.glob("public/**/*.js"))
STYLES = sorted(ROOT.glob("public/**/*.css"))
TEMPLATES = sorted(ROOT.glob("templates/**/*.html"))
MODULES = sorted(ROOT.glob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_set_text_and_never_markup(path: Path) -> None:
    source = path.read_text("utf-8")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        ".html(",
        "eval(",
        "new Function",
        "createContextualFragment",
        "//cdn",
    ):
        assert forbidden not in source


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_every_class_of_a_stylesheet_is_ours_and_nothing_is_fetched(path: Path) -> None:
    source = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
    selectors = re.findall(r"(?:^|[}{])([^{}@]*)(?=\{)", source)
    classes = {name for selector in selectors for name in re.findall(r"\.([a-zA-Z][\w-]*)", selector)}
    assert {name for name in classes if name != "integra" and not name.startswith("integra-")} == set()
    assert "@import" not in source
    assert "url(" not in source


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_have_no_inline_code_no_fixed_id_and_keep_escaping(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|\|safe|autoescape|javascript:", source)
    assert re.findall(r'\bid="(?!\{\{ (?:element|field)_id \}\})[^"]*"', source) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_sanitiser_trusts_markup(path: Path) -> None:
    source = path.read_text("utf-8")
    if path.name != "sanitiser.py":
        assert not re.search(r"mark_safe|SafeString|format_html|__html__", source)


@pytest.mark.parametrize(
    "place",
    [
        ("integra_lesson", "m06-u03-leccion"),
        ("integra_practice", "m06-u03-practica"),
        ("integra_module", "m06"),
        ("integra_record", "avance"),
    ],
    ids=lambda place: place[0],
)
def test_a_block_weighs_at_most_15_kilobytes(
    make_world: Any, people: Any, element: Any, lesson: Any, practice: Any, place: Any
) -> None:
    module = element("integra_module", url_name="m06", module_key="m06")
    world = make_world(lesson, practice, module, element("integra_record", url_name="avance"))
    page = world.as_learner(people["ana"]).render(*place)
    weight, files = weigh(page)

    print(f"{place[0]}: {weight} bytes gzip, {files} files")  # noqa: T201 - the figure is asked for
    assert files >= 2
    assert weight <= BUDGET
