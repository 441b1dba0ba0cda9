"""Import, export, copies and the edit dialog, as the platform does them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from lxml import etree

LESSON = ("integra_lesson", "m06-u03-leccion")
PRACTICE = ("integra_practice", "m06-u03-practica")
MODULE = ("integra_module", "m06")

pytestmark = pytest.mark.lms


@pytest.fixture
def module(element: Any) -> etree._Element:
    return element("integra_module", url_name="m06", module_key="m06")


def canonical(xml: str) -> str:
    node = etree.fromstring(xml)
    node.attrib.pop("xblock-family", None)
    return etree.canonicalize(etree.tostring(node, encoding="unicode"))


@pytest.mark.parametrize("place", [LESSON, PRACTICE])
def test_import_and_export_give_back_the_source_again_and_again(
    make_world: Any, lesson: Any, practice: Any, place: Any
) -> None:
    source = etree.tostring(lesson if place == LESSON else practice, encoding="unicode")
    first = make_world(lesson, practice).export(*place)
    second = make_world(etree.fromstring(first)).export(*place)

    assert canonical(first) == canonical(source)
    assert second == first


def test_one_bad_part_is_named_and_the_rest_survives(make_world: Any, lesson: Any, practice: Any) -> None:
    lesson.set("minutes", "treinta y seis")
    etree.SubElement(lesson, "section", kind="dance", title="x").text = "y"
    etree.SubElement(practice, "item", key="roto", kind="single")
    practice.append(copy.deepcopy(practice[0]))

    world = make_world(lesson, practice)

    assert world.lost == []
    problems = {
        place[1]: [m.text for m in world.block(*place).validate().messages] for place in (LESSON, PRACTICE)
    }
    assert [text.split(":")[0] for text in problems["m06-u03-leccion"]] == ["minutes", "section 7"]
    assert [text.split(":")[0] for text in problems["m06-u03-practica"]] == ["item roto", "item m06-u03-q1"]
    assert len(world.block(*PRACTICE).items) == 2


def test_a_pasted_block_is_imported_again(make_world: Any, practice: Any) -> None:
    from standin.course import as_pasted

    world = make_world(as_pasted(practice))

    assert world.lost == []
    assert len(world.block(*PRACTICE).items) == 2


class _Store:
    def __init__(self) -> None:
        self.updated: list[tuple[Any, Any]] = []

    def update_item(self, block: Any, user_id: Any) -> None:
        self.updated.append((block, user_id))


@pytest.mark.parametrize("hook", ["studio_post_duplicate", "studio_post_paste"])
@pytest.mark.parametrize(
    ("place", "field"), [(LESSON, "unit_key"), (PRACTICE, "unit_key"), (MODULE, "module_key")]
)
def test_a_copy_forgets_which_place_of_the_course_it_is(
    make_world: Any, lesson: Any, practice: Any, module: Any, hook: str, place: Any, field: str
) -> None:
    block = make_world(lesson, practice, module).block(*place)
    assert getattr(block, field)
    store = _Store()

    assert getattr(block, hook)(store, None) is False

    assert getattr(block, field) == ""
    assert store.updated == [(block, None)]
    assert field in block.validate().messages[0].text


def test_a_module_key_that_is_not_the_url_name_is_reported(make_world: Any, element: Any) -> None:
    block = make_world(element("integra_module", url_name="m06", module_key="m04")).block(*MODULE)
    assert "m06" in block.validate().messages[0].text


def test_the_maximum_is_collected_at_publish_time(make_world: Any, module: Any) -> None:
    assert make_world(module).max_scores == {"m06": 1}


# --- the edit dialog ---------------------------------------------------------------------------------------


def read_form(world: Any, people: Any, place: Any) -> dict[str, Any]:
    html = world.in_studio(people["aurora"], is_editing=True).render(*place).html
    form = etree.HTML(html)
    return {
        "display_name": form.xpath("//input[@name='display_name']")[0].get("value"),
        "content": form.xpath("//textarea[@name='content']")[0].text,
    }


def submit(world: Any, people: Any, place: Any, form: dict[str, Any]) -> Any:
    return world.in_studio(people["aurora"], is_editing=True).handle(*place, "studio_submit", form)


@pytest.mark.parametrize("place", [LESSON, PRACTICE, MODULE])
def test_saving_what_the_dialog_shows_changes_nothing(
    make_world: Any, people: Any, lesson: Any, practice: Any, module: Any, place: Any
) -> None:
    world = make_world(lesson, practice, module)
    before = {name: getattr(world.block(*place), name) for name in world.block(*place).get_editable()}

    answer = submit(world, people, place, read_form(world, people, place))

    assert answer == (200, {"saved": True})
    assert {name: getattr(world.block(*place), name) for name in before} == before


def test_a_changed_text_is_saved_and_shown(make_world: Any, people: Any, lesson: Any) -> None:
    world = make_world(lesson)
    form = read_form(world, people, LESSON)
    form["content"] = form["content"].replace("Escoge un producto", "Escoge un servicio")
    form["display_name"] = " Costos "

    assert submit(world, people, LESSON, form).status == 200
    html = world.in_studio(people["aurora"]).render(*LESSON).html
    assert "Escoge un servicio" in html
    assert ">Costos</h2>" in html


@pytest.mark.parametrize(
    "content",
    [
        "a: [",
        "- una lista",
        "[" * 5000,
        "a: &x [1]\nb: *x",
        "unit_key: m06-u03",
        "{unit_key: m06-u03, shows_all: false, items: [], extra: 1}",
        "{unit_key: m06-u03, shows_all: false, items: texto}",
        "{unit_key: m06-u03, shows_all: false, items: [{key: a}]}",
        "{unit_key: m06-u03, shows_all: false, items: [[1]]}",
        "!!python/object/apply:os.system ['true']",
        "1: 2",
    ],
)
def test_bad_content_is_refused_with_a_sentence_and_nothing_changes(
    make_world: Any, people: Any, practice: Any, content: str
) -> None:
    world = make_world(practice)
    before = world.export(*PRACTICE)

    answer = submit(world, people, PRACTICE, {"display_name": "x", "content": content})

    assert (answer.status, answer.json["code"]) == (400, "content_invalid")
    assert answer.json["message"]
    assert world.export(*PRACTICE) == before


@pytest.mark.parametrize("place", [LESSON, PRACTICE])
def test_a_learner_cannot_edit_the_course(
    make_world: Any, people: Any, lesson: Any, practice: Any, place: Any
) -> None:
    world = make_world(lesson, practice)
    form = read_form(world, people, place)
    before = world.export(*place)

    answer = world.as_learner(people["ana"]).handle(*place, "studio_submit", {**form, "display_name": "mío"})

    assert (answer.status, answer.json["code"]) == (403, "not_studio")
    assert world.export(*place) == before
