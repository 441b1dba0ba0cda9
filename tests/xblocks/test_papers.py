"""A test on paper and the support a facilitator grants, in both runtimes and in the browser."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree
from playwright.sync_api import expect

from integra_gradebook import api
from integra_gradebook.models import Attempt
from integra_grading.items import bank_digest, item_digest

from .test_browser import browser, open_phone, show_unit  # noqa: F401 - fixtures
from .test_item_fields import ITEMS, register_items, twin_of

POST = ("integra_test", "prueba-final")
DESK = ("integra_desk", "mesa")
LESSON = ("integra_lesson", "m06-u03-leccion")
SECRETS = ("Falta restar", "Bien &amp; completo", "no_resto", "correct", "feedback>")


@pytest.fixture
def test_block(element: Any, twin_items: Any) -> Any:
    digest = bank_digest((item.key, item_digest(item)) for item in twin_items)
    bank = {"bank_id": "prueba-demo", "bank_digest": digest}
    return element("integra_test", items=twin_items, url_name=POST[1], kind="post", form_items="8", **bank)


@pytest.fixture
def world(make_world: Any, lesson: Any, test_block: Any, element: Any) -> Any:
    return make_world(lesson, test_block, element("integra_desk", url_name=DESK[1]))


@pytest.fixture
def code(world: Any, people: Any) -> str:
    """Ana has a place; her code."""
    world.as_learner(people["ana"]).handle(*LESSON, "finish", {"uuid": str(uuid4())})
    return api.get_short_code(api.Learner(people["ana"].pk, world.course_key))


@pytest.fixture
def sofia(world: Any, people: Any, make_facilitator: Any, code: str) -> Any:
    place = api.find_place(api.Learner(people["ana"].pk, world.course_key))
    assert place is not None
    make_facilitator(people["sofia"], world, place.cohort_key, place.city_key)
    return world.as_learner(people["sofia"])


def start(visit: Any, code: str, uuid: str | None = None) -> Any:
    return visit.handle(*POST, "start_paper", {"uuid": uuid or str(uuid4()), "short_code": code})


@pytest.mark.django_db
def test_a_sheet_is_drawn_shown_without_its_key_and_typed_in(
    world: Any, people: Any, sofia: Any, code: str
) -> None:
    listed = sofia.handle(*POST, "list_papers", {}).json["rows"]
    assert [(row["short_code"], row["state"], row["may_have_sheet"]) for row in listed] == [(code, "", True)]

    sheet = start(sofia, code).json
    tree = etree.HTML(sheet["page"])
    keys = [str(key) for key in tree.xpath("//*[@data-integra='paper-item']/@data-key")]
    assert len(keys) == 8
    assert code in sheet["page"]
    assert "No escribas tu nombre" in sheet["page"]
    assert [secret for secret in SECRETS if secret in sheet["page"]] == []
    assert people["ana"].username not in sheet["page"]

    body = {
        "short_code": code,
        "attempt_uuid": sheet["attempt_uuid"],
        "responses": {key: {"option": "b"} for key in keys},
    }
    stored = sofia.handle(*POST, "submit_paper", body)
    assert (stored.status, stored.json["state"]) == (200, "submitted")
    attempt = Attempt.objects.get()
    assert (attempt.mode, attempt.score, attempt.entered_by_id) == ("paper", 8, people["sofia"].pk)
    assert "Alcanzaste la meta" in world.as_learner(people["ana"]).render(*POST).html


@pytest.mark.django_db
def test_the_learner_sees_that_the_test_is_on_paper(world: Any, people: Any, sofia: Any, code: str) -> None:
    start(sofia, code)

    html = world.as_learner(people["ana"]).render(*POST).html

    assert "Tu prueba está en papel." in html
    assert "Lo justo" not in html
    assert 'data-integra="start"' not in html


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["ana", "beto", "visitor", "not_enrolled"])
@pytest.mark.parametrize("handler", ["list_papers", "start_paper", "submit_paper", "take_back_paper"])
def test_to_anybody_else_there_is_nothing_here(
    world: Any, people: Any, sofia: Any, code: str, count_rows: Any, who: str, handler: str
) -> None:
    sheet = start(sofia, code).json
    visit = {"visitor": world.anonymous, "not_enrolled": lambda: world.not_enrolled(people["beto"])}.get(
        who, lambda: world.as_learner(people[who])
    )()
    bodies = {
        "list_papers": {},
        "start_paper": {"uuid": str(uuid4()), "short_code": code},
        "submit_paper": {"short_code": code, "attempt_uuid": sheet["attempt_uuid"], "responses": {}},
        "take_back_paper": {"short_code": code, "attempt_uuid": sheet["attempt_uuid"]},
    }
    before = count_rows()

    answer = visit.handle(*POST, handler, bodies[handler])

    assert answer.status in (403, 404)
    assert "Lo justo" not in json.dumps(answer.json or {})
    assert count_rows() == before
    if who in ("ana", "beto"):
        assert "en papel</h3>" not in visit.render(*POST).html


@pytest.mark.django_db
def test_a_sheet_taken_back_lets_the_learner_begin(world: Any, people: Any, sofia: Any, code: str) -> None:
    sheet = start(sofia, code).json
    body = {"short_code": code, "attempt_uuid": sheet["attempt_uuid"]}

    assert sofia.handle(*POST, "take_back_paper", body).status == 200

    ana = world.as_learner(people["ana"])
    assert 'data-integra="start"' in ana.render(*POST).html
    assert ana.handle(*POST, "start_attempt", {"uuid": str(uuid4())}).status == 200


@pytest.mark.django_db
def test_a_facilitator_of_another_city_finds_nobody(
    world: Any, people: Any, sofia: Any, code: str, make_facilitator: Any, count_rows: Any
) -> None:
    make_facilitator(people["aurora"], world)  # of Manta
    aurora = world.as_learner(people["aurora"])
    before = count_rows()

    assert aurora.handle(*POST, "list_papers", {}).json["rows"] == []
    answer = start(aurora, code)
    assert (answer.status, answer.json["code"]) == (404, "learner_unknown")
    granted = aurora.handle(*DESK, "set_accommodations", {"short_code": code, "accommodations": ["assisted"]})
    assert (granted.status, granted.json["code"]) == (404, "learner_unknown")
    assert count_rows() == before


@pytest.mark.django_db
def test_support_is_granted_on_the_desk_and_stands_on_the_next_attempt(
    world: Any, people: Any, sofia: Any, code: str
) -> None:
    body = {"short_code": code, "accommodations": ["extra_time", "assisted"]}
    assert sofia.handle(*DESK, "set_accommodations", body).json["accommodations"] == [
        "extra_time",
        "assisted",
    ]
    [row] = sofia.handle(*DESK, "list_roster", {}).json["rows"]
    assert row["accommodations"] == ["extra_time", "assisted"]

    world.as_learner(people["ana"]).handle(*POST, "start_attempt", {"uuid": str(uuid4())})

    attempt = Attempt.objects.get()
    assert (attempt.mode, attempt.accommodations) == ("assisted", ["extra_time", "assisted"])
    bad = sofia.handle(*DESK, "set_accommodations", {"short_code": code, "accommodations": ["answers"]})
    assert (bad.status, bad.json["code"]) == (400, "accommodation_unknown")


@pytest.mark.aula
@pytest.mark.django_db(transaction=True)
def test_a_facilitator_types_a_sheet_in_on_a_phone(
    show_unit: Any,  # noqa: F811
    open_phone: Any,  # noqa: F811
    world: Any,
    sofia: Any,
    code: str,
    people: Any,
    test_block: Any,
    find_barriers: Any,
) -> None:
    page = open_phone(people["sofia"], show_unit(test_block))
    page.get_by_role("button", name="Ver a mi grupo").click()
    page.get_by_role("button", name="Hoja de papel").click()
    items = page.locator("[data-integra=paper-item]")
    expect(items).to_have_count(8)
    assert find_barriers(page, "body") == []
    for number in range(7):
        items.nth(number).get_by_text("Lo justo").click()
    page.context.set_offline(True)
    page.get_by_role("button", name="Registrar la hoja").click()
    expect(page.get_by_text("1 de 8 están sin respuesta.")).to_be_visible()
    page.get_by_role("button", name="Registrar la hoja").click()
    expect(page.get_by_text("No hay señal. Lo que escribiste se guarda aquí")).to_be_visible()

    page.context.set_offline(False)
    page.reload()
    page.get_by_role("button", name="Ver a mi grupo").click()
    page.get_by_role("button", name="Hoja de papel").click()
    expect(page.locator("[data-integra=paper-item] input:checked")).to_have_count(7)
    page.get_by_role("button", name="Registrar la hoja").click()
    page.get_by_role("button", name="Registrar la hoja").click()

    expect(page.get_by_text("Listo, la hoja quedó registrada. Gracias.")).to_be_visible()
    assert (Attempt.objects.get().score, Attempt.objects.get().mode) == (7, "paper")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.errors == []


@pytest.mark.aula
@pytest.mark.django_db(transaction=True)
def test_every_kind_can_be_answered_with_a_pen(
    show_unit: Any,  # noqa: F811
    open_phone: Any,  # noqa: F811
    element: Any,
    lesson: Any,
    make_world: Any,
    make_manifest: Any,
    people: Any,
    make_facilitator: Any,
    tmp_path: Any,
) -> None:
    items = [twin_of(item, form=form, suffix=form.lower()) for form in "AB" for item in ITEMS]
    digest = register_items(make_manifest, test_items=items)
    bank = {"bank_id": "prueba-demo", "bank_digest": digest}
    test = element("integra_test", items=tuple(items), url_name=POST[1], kind="post", **bank)
    world = make_world(lesson, test)
    world.as_learner(people["ana"]).handle(*LESSON, "finish", {"uuid": str(uuid4())})
    learner = api.Learner(people["ana"].pk, world.course_key)
    place = api.find_place(learner)
    make_facilitator(people["sofia"], world, place.cohort_key, place.city_key)
    path = show_unit(test)
    register_items(make_manifest, test_items=items)
    page = open_phone(people["sofia"], path)
    page.get_by_role("button", name="Ver a mi grupo").click()
    with page.expect_response("**/start_paper/*") as started:
        page.get_by_role("button", name="Hoja de papel").click()

    sheet = page.context.new_page()
    sheet.goto(page.url)
    sheet.set_content(started.value.json()["page"])
    sheet.emulate_media(media="print")
    sheet.screenshot(path=tmp_path / "sheet.png", full_page=True)

    matching = sheet.locator("[data-key^=matching][data-integra=paper-item]")
    expect(matching).to_contain_text("Arriendo del puesto")
    # Mixed for this learner: the letters are in order, what they stand for is not.
    letters = [line.split(" ", 1) for line in matching.locator(".integra-paper-letters li").all_inner_texts()]
    assert [letter for letter, _ in letters] == ["A", "B"]
    assert {text for _, text in letters} == {"Costo fijo", "Costo variable"}
    expect(matching.locator("select").first).to_be_hidden()
    expect(matching.locator(".integra-paper-line").first).to_be_visible()
    ordering = sheet.locator("[data-key^=ordering][data-integra=paper-item]")
    expect(ordering.get_by_text("Escribe un número en cada cuadro")).to_be_visible()
    expect(ordering.get_by_text("Sube o baja")).to_be_hidden()
    expect(ordering.get_by_role("button").first).to_be_hidden()
    box = ordering.locator(".integra-step").first.evaluate(
        "(step) => getComputedStyle(step, '::before').width"
    )
    assert box != "auto"
