"""The deliverable's form, drafts, versions and ratings, in both runtimes."""

from __future__ import annotations

import copy
import json
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from integra_gradebook import api

SHEET = ("integra_deliverable", "m06-hoja-de-costos")
DESK = ("integra_desk", "mesa")
DEFINITION: dict[str, Any] = {
    "key": "m06-hoja-de-costos",
    "version": 1,
    "title": "Hoja de costos",
    "intro": "Con tus números.",
    "sections": [
        {
            "key": "fijos",
            "title": "Costos fijos",
            "fields": [
                {
                    "key": "fijos",
                    "kind": "table",
                    "label": "Costos fijos",
                    "min_rows": 1,
                    "max_rows": 3,
                    "columns": [
                        {"key": "concepto", "kind": "text", "label": "Concepto"},
                        {"key": "monto", "kind": "money", "label": "Dólares"},
                        {"key": "estimado", "kind": "flag", "label": "E"},
                    ],
                    "examples": ["Arriendo", "Transporte"],
                },
                {
                    "key": "total",
                    "kind": "computed",
                    "label": "Total",
                    "format": "money",
                    "formula": "suma(fijos.monto)",
                },
                {"key": "precio", "kind": "money", "label": "Precio", "required": True},
                {
                    "key": "unidades",
                    "kind": "computed",
                    "label": "Unidades",
                    "format": "units",
                    "formula": "techo(total / precio)",
                    "needs": "precio > 0",
                    "otherwise": "Falta un precio.",
                },
                {"key": "razon", "kind": "text", "label": "¿Por qué?", "max_length": 600, "required": True},
            ],
        }
    ],
    "self_check": [{"key": "mi-pago", "text": "¿Está tu pago?"}],
}
DOCUMENT: dict[str, Any] = {
    "values": {
        "fijos": [
            {"concepto": "Arriendo <b>caro</b>", "monto": "60", "estimado": True},
            {"concepto": "Mi pago", "monto": "1.345,50", "estimado": False},
        ],
        "precio": "1,50",
        "razon": "Lo averigüé.\nDos veces. 🙂",
    },
    "self_check": ["mi-pago"],
}
RATING = {"datos_propios": 2, "procedimiento": 2, "decision": 1, "accion": 1}


@pytest.fixture
def block(element: Any) -> Any:
    return element(
        "integra_deliverable",
        url_name="m06-hoja-de-costos",
        module_key="m06",
        deliverable_key="m06-hoja-de-costos",
        definition=json.dumps(DEFINITION, ensure_ascii=False),
    )


@pytest.fixture
def world(make_world: Any, block: Any, element: Any) -> Any:
    return make_world(block, element("integra_desk", url_name="mesa"))


@pytest.fixture
def visit(world: Any, people: Any) -> Any:
    return world.as_learner(people["ana"])


def save(visit: Any, document: Any, revision: int) -> Any:
    return visit.handle(*SHEET, "save_draft", {"document": document, "revision": revision})


def submit(visit: Any, document: Any = DOCUMENT, uuid: str | None = None) -> Any:
    body = {"uuid": uuid or str(uuid4()), "document": document}
    return visit.handle(*SHEET, "submit_deliverable", body)


def rate(world: Any, people: Any, make_facilitator: Any, outcome: str, comments: dict[str, str]) -> None:
    make_facilitator(people["sofia"], world, *place_of(world, people["ana"]))
    desk = world.as_learner(people["sofia"])
    uuid = desk.handle(*DESK, "list_queue", {}).json["rows"][0]["submission_uuid"]
    assert desk.handle(*DESK, "claim_submission", {"submission_uuid": uuid}).status == 200
    body = {
        "uuid": str(uuid4()),
        "submission_uuid": uuid,
        "levels": RATING,
        "comments": comments,
        "outcome": outcome,
    }
    answer = desk.handle(*DESK, "rate_submission", body)
    assert answer.status == 200, answer.json


def place_of(world: Any, user: Any) -> tuple[str, str]:
    place = api.find_place(api.Learner(user.pk, world.course_key))
    assert place is not None
    return place.cohort_key, place.city_key


def changed(**values: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["values"].update(values)
    return document


# --- drafts ----------------------------------------------------------------------------------------------


def test_a_draft_comes_back_as_it_was_typed_and_as_text(visit: Any) -> None:
    unfinished = changed(precio="dos", razon="<script>alert(1)</script>")

    answer = save(visit, unfinished, 0)
    page = visit.render(*SHEET)

    assert (answer.status, answer.json) == (200, {"revision": 1})
    assert page.init_args["revision"] == 1
    tree = etree.HTML(page.html)
    assert tree.xpath("//*[@data-field='precio']/@value") == ["dos"]
    assert tree.xpath("//textarea[@data-field='razon']/text()") == ["<script>alert(1)</script>"]
    assert tree.xpath("//ul//*[@data-column='concepto']/@value") == ["Arriendo <b>caro</b>", "Mi pago"]
    assert tree.xpath("//ul//*[@data-column='estimado']/@checked") == ["checked"]
    assert tree.xpath("//*[@data-check='mi-pago']/@checked") == ["checked"]
    assert "<script>alert" not in page.html


def test_the_later_of_two_tabs_is_told_and_nothing_is_lost(visit: Any) -> None:
    save(visit, changed(precio="1"), 0)
    save(visit, changed(precio="2"), 1)

    late = save(visit, changed(precio="3"), 1)
    loaded = visit.handle(*SHEET, "load_draft", {})

    assert (late.status, late.json["code"]) == (409, "draft_conflict")
    assert loaded.json == {"document": changed(precio="2"), "revision": 2}
    assert save(visit, changed(precio="3"), 2).json == {"revision": 3}


def test_without_a_draft_there_is_an_empty_one_to_load(visit: Any) -> None:
    answer = visit.handle(*SHEET, "load_draft", {})
    assert answer.json == {"document": {"values": {}, "self_check": []}, "revision": 0}


@pytest.mark.parametrize(
    "document",
    [{"values": []}, {"values": {"precio": 1}}, {"values": {"a": [1]}}, {"score": 8, "values": {}}],
)
def test_a_draft_of_another_shape_is_refused(visit: Any, count_rows: Any, document: Any) -> None:
    save(visit, DOCUMENT, 0)
    rows = count_rows()

    answer = save(visit, document, 1)

    assert (answer.status, answer.json["code"]) == (400, "document_invalid")
    assert count_rows() == rows
    assert visit.handle(*SHEET, "load_draft", {}).json == {"document": DOCUMENT, "revision": 1}


# --- sending ---------------------------------------------------------------------------------------------


def test_everything_to_mend_is_named_at_once_and_no_version_is_made(visit: Any, count_rows: Any) -> None:
    save(visit, DOCUMENT, 0)
    rows = count_rows()
    wrong = changed(precio="1,555", razon=" ", fijos=[{"concepto": "", "monto": "x", "estimado": False}])

    answer = submit(visit, wrong)

    assert (answer.status, answer.json["code"]) == (400, "document_invalid")
    problems = [(one["code"], one["field"], one["row"]) for one in answer.json["problems"]]
    assert problems == [
        ("missing", "fijos.concepto", 0),
        ("not_a_number", "fijos.monto", 0),
        ("too_many_decimals", "precio", None),
        ("missing", "razon", None),
    ]
    assert all(one["message"] for one in answer.json["problems"])
    assert count_rows() == rows


def test_sending_gives_a_receipt_that_stays_on_the_page(visit: Any) -> None:
    uuid = str(uuid4())
    answer = submit(visit, uuid=uuid)
    page = visit.render(*SHEET)

    assert (answer.json["state"], answer.json["number"]) == ("submitted", 1)
    assert answer.json["receipt"] == uuid[:8].upper()
    assert answer.json["receipt"] in page.html
    assert "Recibimos tu trabajo." in page.html
    assert "Ver o corregir lo que enviaste" in page.html
    assert etree.HTML(page.html).xpath("//*[@data-field='precio']/@value") == ["1,50"]


def test_sending_twice_is_sending_once(visit: Any, count_rows: Any) -> None:
    uuid = str(uuid4())
    first = submit(visit, uuid=uuid)
    rows = count_rows()

    assert submit(visit, uuid=uuid) == first
    assert count_rows() == rows


def test_until_somebody_rates_it_a_work_can_be_corrected(visit: Any) -> None:
    submit(visit)
    save(visit, changed(precio="2"), visit.render(*SHEET).init_args["revision"])
    unsent = visit.render(*SHEET).html

    second = submit(visit, changed(precio="2"))
    html = visit.render(*SHEET).html

    assert "Tienes cambios sin enviar" in unsent
    assert (second.json["state"], second.json["number"]) == ("submitted", 2)
    assert "reemplazado por uno más nuevo" in html
    assert etree.HTML(html).xpath("//*[@data-field='precio']/@value") == ["2"]


def test_the_receipt_of_another_is_no_name_for_my_work(
    world: Any, visit: Any, people: Any, count_rows: Any
) -> None:
    uuid = str(uuid4())
    submit(visit, uuid=uuid)
    beto = world.as_learner(people["beto"])
    save(beto, DOCUMENT, 0)
    rows = count_rows()

    answer = submit(beto, uuid=uuid)

    assert (answer.status, answer.json["code"]) == (409, "uuid_reused")
    assert count_rows() == rows


def test_a_returned_work_shows_why_and_can_be_sent_again(
    world: Any, visit: Any, people: Any, make_facilitator: Any
) -> None:
    submit(visit)
    rate(
        world,
        people,
        make_facilitator,
        "returned",
        {"accion": "Pon una fecha & un <b>paso</b>.", "": "¡Vas bien!"},
    )
    page = visit.render(*SHEET)

    for text in (
        "vuelve a ti para que lo mejores",
        "Pon una fecha &amp; un &lt;b&gt;paso",
        "¡Vas bien!",
        "Nivel 1",
    ):
        assert text in page.html
    assert etree.HTML(page.html).xpath("//*[@data-field='precio']/@value") == ["1,50"]
    assert page.init_args["isEditable"] is True
    assert save(visit, changed(precio="2"), page.init_args["revision"]).status == 200

    second = submit(visit, changed(precio="2"))

    assert (second.json["state"], second.json["number"]) == ("submitted", 2)
    assert "Versión 1" in visit.render(*SHEET).html


def test_an_accepted_work_shows_its_levels_and_is_closed(
    world: Any, visit: Any, people: Any, make_facilitator: Any
) -> None:
    submit(visit)
    rate(world, people, make_facilitator, "accepted", {})
    html = visit.render(*SHEET).html

    assert "Tu trabajo fue aceptado." in html
    assert "2 de 2" in html
    assert 'data-integra="submit"' not in html
    assert etree.HTML(html).xpath("//*[@data-field='precio'][@readonly]/@value") == ["1,50"]
    again = submit(visit)
    assert (again.status, again.json["code"]) == (409, "already_accepted")


# --- the platform ----------------------------------------------------------------------------------------


def test_the_page_carries_the_formulas_for_calculating_without_signal(visit: Any) -> None:
    fields = {field["key"]: field for field in visit.render(*SHEET).init_args["fields"]}

    assert fields["total"]["formula"] == ["suma", "fijos", "monto"]
    assert fields["unidades"]["formula"] == ["techo", ["/", ["name", "total"], ["name", "precio"]]]
    assert fields["unidades"]["needs"] == [">", ["name", "precio"], ["number", "0"]]


@pytest.mark.lms
def test_the_platform_may_show_accepted_or_not(world: Any) -> None:
    assert world.max_scores["m06-hoja-de-costos"] == 1


@pytest.mark.lms
def test_import_and_export_give_back_the_source(make_world: Any, block: Any) -> None:
    source = dict(block.attrib)
    exported = etree.fromstring(make_world(block).export(*SHEET))
    exported.attrib.pop("xblock-family", None)

    assert json.loads(exported.attrib.pop("definition")) == json.loads(source.pop("definition"))
    assert dict(exported.attrib) == source
    assert len(exported) == 0


@pytest.mark.parametrize("definition", ["{", "[]", "{}", json.dumps({**DEFINITION, "sections": []})])
def test_a_broken_definition_loses_neither_block_nor_page(
    make_world: Any, block: Any, people: Any, definition: str
) -> None:
    block.set("definition", definition)
    world = make_world(block)
    visit = world.as_learner(people["ana"])

    page = visit.render(*SHEET)
    answer = submit(visit)

    assert world.blocks()[-1][0] == "integra_deliverable" or SHEET in world.blocks()
    assert 'role="alert"' in page.html
    assert (answer.status, answer.json["code"]) == (400, "definition_invalid")


@pytest.mark.lms
def test_a_broken_definition_is_named_to_the_author(make_world: Any, block: Any) -> None:
    block.set("definition", json.dumps({**DEFINITION, "sections": []}))
    problems = make_world(block).block(*SHEET).list_problems()
    assert [problem.split(":")[0] for problem in problems] == ["definition · sections"]


@pytest.mark.lms
def test_a_copy_belongs_to_no_module_until_its_author_says_which(make_world: Any, block: Any) -> None:
    copied = make_world(block).block(*SHEET)

    class Store:
        def update_item(self, item: Any, user: Any) -> None:
            item.save()

    copied.studio_post_duplicate(Store(), copied)

    assert (copied.module_key, copied.deliverable_key) == ("", "")
