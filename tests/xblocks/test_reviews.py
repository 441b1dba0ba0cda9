"""What was hard in an earlier practice comes back in a later one, in both runtimes and on a phone."""

from __future__ import annotations

import copy
import json
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree
from playwright.sync_api import expect

from integra_gradebook import api
from integra_grading.manifest import manifest_digest

from .test_browser import browser, open_phone, show_unit  # noqa: F401 - fixtures

EARLIER = ("integra_practice", "m06-u03-practica")
LATER = ("integra_practice", "m06-u04-practica")


@pytest.fixture
def rules(make_manifest: Any) -> dict[str, Any]:
    """The small course with one more unit in its module 6."""
    raw = copy.deepcopy(make_manifest())
    del raw["digest"]
    units = raw["modules"][1]["units"]
    practice = {"key": LATER[1], "items": ["m06-u04-q1"]}
    units.append({**units[0], "key": "m06-u04", "title": "Fijar el precio", "practices": [practice]})
    raw["modules"][1]["minutes"] = sum(unit["minutes"] for unit in units)
    return {**raw, "digest": manifest_digest(raw)}


@pytest.fixture
def later(element: Any, twin_items: Any) -> etree._Element:
    from dataclasses import replace

    item = replace(twin_items[0], key="m06-u04-q1", form=None, twin=None)
    return element(
        "integra_practice", items=(item,), url_name=LATER[1], display_name="Práctica", unit_key="m06-u04"
    )


@pytest.fixture
def world(make_world: Any, practice: Any, later: Any, rules: Any) -> Any:
    world = make_world(practice, later, is_registered=False)
    api.register_course(world.course_key, rules)
    return world


def send(visit: Any, place: tuple[str, str], handler: str, key: str, response: Any) -> Any:
    body = {"uuid": str(uuid4()), "item_key": key, "response": response}
    return visit.handle(*place, handler, body)


@pytest.mark.django_db
def test_it_comes_back_without_its_key_and_goes_when_it_was_right(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    assert "Para que no se te olvide" not in visit.render(*LATER).html
    send(visit, EARLIER, "answer", "m06-u03-q1", {"option": "a"})

    page = visit.render(*LATER)
    whole = page.html + json.dumps(page.init_args, ensure_ascii=False)
    assert 'data-item="m06-u03-q1"' in page.html
    for secret in ("Falta restar", "Bien &amp; completo", "correct", "no_resto"):
        assert secret not in whole
    assert "m06-u03-q1" not in world.as_learner(people["beto"]).render(*LATER).html

    wrong = send(visit, LATER, "answer_review", "m06-u03-q1", {"option": "c"})
    assert (wrong.status, wrong.json) == (
        200,
        {"item_key": "m06-u03-q1", "is_right": False, "feedback": "Sobra."},
    )
    assert 'data-item="m06-u03-q1"' in visit.render(*LATER).html
    right = send(visit, LATER, "answer_review", "m06-u03-q1", {"option": "b"})
    assert (right.json["is_right"], right.json["feedback"]) == (True, "Bien & completo.")
    assert "m06-u03-q1" not in visit.render(*LATER).html


@pytest.mark.django_db
def test_only_what_this_learner_answered_can_be_answered_again(
    world: Any, people: Any, count_rows: Any
) -> None:
    visit = world.as_learner(people["ana"])
    send(visit, EARLIER, "answer", "m06-u03-q1", {"option": "a"})
    before = count_rows()

    for key in ("m06-u03-q2", "m06-u04-q1", "pp-1-a", ""):
        refused = send(visit, LATER, "answer_review", key, {"option": "b"})
        assert (refused.status, refused.json["code"]) == (400, "item_unknown")
    assert count_rows() == before


@pytest.mark.aula
@pytest.mark.django_db(transaction=True)
def test_on_a_phone_it_is_answered_below_the_practice_and_waits_without_signal(
    show_unit: Any,  # noqa: F811
    open_phone: Any,  # noqa: F811
    world: Any,
    later: Any,
    rules: Any,
    people: Any,
) -> None:
    send(world.as_learner(people["ana"]), EARLIER, "answer", "m06-u03-q1", {"option": "a"})
    path = show_unit(later)
    api.register_course(world.course_key, rules)
    page = open_phone(people["ana"], path)
    review = page.locator("[data-integra=review]")
    expect(page.get_by_role("heading", name="Para que no se te olvide")).to_be_visible()

    page.context.set_offline(True)
    review.get_by_text("Lo justo").click()
    review.get_by_role("button", name="Comprobar").click()
    expect(review.get_by_text("Verás la respuesta cuando haya señal.")).to_be_visible()
    page.context.set_offline(False)

    expect(review.get_by_text("¡Correcto!Bien & completo.")).to_be_visible()
    expect(page.get_by_text("0 de 1 listas")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.errors == []
