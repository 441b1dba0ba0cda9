"""Every kind of question on a phone: answered, kept without signal, found again, and scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from integra_gradebook import api
from integra_gradebook.models import AttemptResponse
from integra_grading.items import Item, bank_digest, item_digest
from integra_grading.manifest import manifest_digest

from .test_browser import PHONE, browser, open_phone, show_unit  # noqa: F401 - fixtures

pytestmark = [pytest.mark.aula, pytest.mark.django_db(transaction=True)]

WHOLE = {"correct": "Así es.", "wrong": "Mira otra vez."}
KINDS: dict[str, dict[str, Any]] = {
    "single": {
        "stem": "<p>¿Cuál es un costo fijo?</p>",
        "options": [
            {"key": "a", "text": "El arriendo", "correct": True, "feedback": "Así es."},
            {
                "key": "b",
                "text": "La harina",
                "feedback": "La harina sube con cada pan.",
                "error": "variable",
            },
        ],
    },
    "multiple": {
        "stem": "<p>¿Cuáles de estos gastos son fijos para Gloria?</p>",
        "options": [
            {"key": "a", "text": "El arriendo del local", "correct": True},
            {"key": "b", "text": "Las ligas de cada peinado", "error": "variable"},
            {"key": "c", "text": "Su propio pago de cada mes", "correct": True},
        ],
        "feedback": WHOLE,
    },
    "numeric": {
        "stem": "<p>Los costos fijos son $120 y el margen $0,40. ¿Cuántos jugos vende para no perder?</p>",
        "answer": {"value": "300", "unit": "jugos", "slips": [{"value": "120", "error": "no_divide"}]},
        "feedback": WHOLE,
    },
    "ordering": {
        "stem": "<p>Pon en orden los pasos para hallar tu punto de equilibrio.</p>",
        "options": [
            {"key": "a", "text": "Suma tus costos fijos del mes"},
            {"key": "b", "text": "Resta el costo variable del precio"},
            {"key": "c", "text": "Divide los fijos para ese margen"},
        ],
        "feedback": WHOLE,
    },
    "matching": {
        "stem": "<p>¿Qué tipo de costo es cada uno?</p>",
        "options": [
            {"key": "arriendo", "text": "Arriendo del puesto", "target": "fijo"},
            {"key": "harina", "text": "Harina y aceite", "target": "variable"},
        ],
        "targets": [{"key": "fijo", "text": "Costo fijo"}, {"key": "variable", "text": "Costo variable"}],
        "feedback": WHOLE,
    },
    "grid": {
        "stem": "<p>Completa la hoja de Yelitza.</p>",
        "columns": [
            {"key": "precio", "text": "Precio"},
            {"key": "variable", "text": "Costo variable"},
            {"key": "margen", "text": "Margen"},
        ],
        "rows": [
            {
                "key": key,
                "label": label,
                "cells": [
                    {"column": "precio", "text": price},
                    {"column": "variable", "text": cost},
                    {"column": "margen", "answer": {"value": margin, "unit": "USD"}},
                ],
            }
            for key, label, price, cost, margin in (
                ("pan", "Pan", "$0,20", "$0,12", "0.08"),
                ("jugo", "Jugo", "$1,00", "$0,60", "0.40"),
            )
        ],
        "feedback": WHOLE,
    },
}
ITEMS = tuple(
    Item.from_dict({"key": kind, "kind": kind, "outcome": "6.3", "level": "aplicar", **raw})
    for kind, raw in KINDS.items()
)


def give_right(fields: Locator, kind: str) -> None:
    """Answer a question as its key says."""
    if kind == "single":
        fields.get_by_label("El arriendo").check()
    elif kind == "multiple":
        fields.get_by_label("El arriendo").check()
        fields.get_by_label("Su propio pago").check()
    elif kind == "numeric":
        fields.get_by_label("Tu respuesta, en jugos").fill("300")
    elif kind == "ordering":
        for text in ("Suma tus", "Resta el", "Divide los"):
            step = fields.get_by_role("listitem").filter(has_text=text)
            while step.get_by_role("button", name="Bajar").is_enabled():
                step.get_by_role("button", name="Bajar").click()
    elif kind == "matching":
        fields.get_by_label("Arriendo del puesto").select_option(label="Costo fijo")
        fields.get_by_label("Harina y aceite").select_option(label="Costo variable")
    else:
        fields.get_by_role("textbox", name="Pan Margen").fill("0,08")
        fields.get_by_role("textbox", name="Jugo Margen").fill("$ 0,40")


def test_every_kind_is_practised_and_completes_the_practice(
    show_unit: Callable[..., str],  # noqa: F811
    open_phone: Callable[..., Page],  # noqa: F811
    element: Any,
    make_manifest: Any,
    people: Any,
    tmp_path: Any,
) -> None:
    practice = element(
        "integra_practice",
        items=ITEMS,
        url_name="m06-u03-practica",
        display_name="Práctica",
        unit_key="m06-u03",
    )
    path = show_unit(practice)
    register_items(make_manifest, practice_items=[item.key for item in ITEMS])
    page = open_phone(people["ana"], path)

    for number, kind in enumerate(KINDS):
        form = page.locator(f"[data-item={kind}]")
        expect(form).to_be_visible()
        page.screenshot(path=tmp_path / f"{kind}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        form.get_by_role("button", name="Comprobar").click()
        expect(form.locator("[data-integra=feedback]")).to_have_attribute("data-state", "empty")
        give_right(form, kind)
        form.get_by_role("button", name="Comprobar").click()
        expect(form.locator("[data-integra=feedback]")).to_contain_text("Así es.")
        if number < len(KINDS) - 1:
            page.locator("[data-integra=following]").click()

    expect(page.locator("[data-integra=complete]")).not_to_be_empty()
    assert page.errors == []


@pytest.fixture
def sitting(
    show_unit: Callable[..., str],  # noqa: F811
    element: Any,
    make_manifest: Any,
) -> str:
    """The path of a starting test with a question of every kind."""
    bank = [twin_of(item, form=form, suffix=form.lower()) for form in "AB" for item in ITEMS]
    digest = register_items(make_manifest, test_items=bank)
    about = {"bank_id": "prueba-demo", "bank_digest": digest, "bank_public": "true"}
    path = show_unit(
        element("integra_test", items=tuple(bank), url_name="prueba-inicial", kind="pre", **about)
    )
    register_items(make_manifest, test_items=bank)
    return path


def _begin(page: Page) -> None:
    page.locator("[data-integra=start]").click()
    page.locator("[data-integra=form]").wait_for()


def _go_to(page: Page, kind: str) -> Locator:
    item = page.locator(f"[data-integra=item][data-key^={kind}]")
    while not item.is_visible():
        page.locator("[data-integra=next]").click()
    return item


def _stored(kind: str) -> Any:
    return AttemptResponse.objects.get(item_key__startswith=kind).response


def test_answers_of_every_kind_survive_a_dead_signal_and_a_closed_page(
    sitting: str,
    open_phone: Callable[..., Page],  # noqa: F811
    people: Any,
) -> None:
    page = open_phone(people["ana"], sitting)
    _begin(page)

    page.context.set_offline(True)
    for number in range(len(ITEMS)):
        item = page.locator("[data-integra=item]").nth(number)
        expect(item).to_be_visible()
        give_right(item, str(item.get_attribute("data-key")).split("-")[0])
        page.locator("[data-integra=next]").click()
    expect(page.locator("[data-integra=status]")).to_contain_text("este teléfono")
    assert not AttemptResponse.objects.exclude(response=None).exists()

    page.context.set_offline(False)
    # All of them, not only the first: a page loaded between two receipts opens at a question.
    page.wait_for_function(
        "Object.keys(localStorage).every((key) => !key.includes('answers'))", timeout=20_000
    )
    page.reload()
    expect(page.locator("[data-integra=review]")).to_be_visible()
    page.locator("[data-integra=submit]").click()
    page.locator("[data-integra=form]").wait_for(state="detached")

    rows = AttemptResponse.objects.all()
    assert [(row.item_key.split("-")[0], row.points) for row in rows.order_by("item_key")] == [
        (kind, 1) for kind in sorted(KINDS)
    ]
    assert page.errors == []


def test_an_answer_that_is_taken_back_is_taken_back_on_the_server(
    sitting: str,
    open_phone: Callable[..., Page],  # noqa: F811
    people: Any,
) -> None:
    page = open_phone(people["ana"], sitting)
    _begin(page)
    marks = _go_to(page, "multiple").get_by_label("El arriendo")
    with page.expect_response("**/save_response/*"):
        marks.check()
    assert _stored("multiple") == {"options": ["a"]}
    with page.expect_response("**/save_response/*"):
        marks.uncheck()

    assert _stored("multiple") is None
    page.reload()
    expect(_go_to(page, "multiple").get_by_label("El arriendo")).not_to_be_checked()
    assert page.errors == []


def test_a_receipt_never_fills_what_the_learner_just_emptied(
    sitting: str,
    open_phone: Callable[..., Page],  # noqa: F811
    people: Any,
) -> None:
    page = open_phone(people["ana"], sitting)
    _begin(page)
    field = _go_to(page, "numeric").get_by_role("textbox")
    waiting: list[Any] = []
    page.route("**/save_response/*", lambda route: waiting.append(route), times=1)
    field.fill("12")
    field.blur()
    page.wait_for_timeout(200)
    field.fill("")
    with page.expect_response("**/save_response/*"):
        waiting[0].continue_()
    expect(field).to_have_value("")
    with page.expect_response("**/save_response/*"):
        field.press_sequentially("15")
        field.blur()
    page.wait_for_function("Object.keys(localStorage).every((key) => !key.includes('answers'))")
    assert _stored("numeric") == {"number": "15"}


def twin_of(item: Item, *, form: str, suffix: str) -> Item:
    return Item.from_dict({**item.to_dict(), "key": f"{item.key}-{suffix}", "form": form, "twin": item.key})


def register_items(
    make_manifest: Any, *, practice_items: list[str] | None = None, test_items: list[Item] | None = None
) -> str:
    """Register a manifest of these items' bank; returns its digest. The page shown last decides: call it after."""
    from integra_aula.runtime import AulaRuntime

    raw = make_manifest()
    digest = ""
    if practice_items:
        raw["modules"][1]["units"][0]["practices"][0]["items"] = practice_items
    if test_items:
        entries = [{"key": i.key, "digest": item_digest(i), "form": i.form} for i in test_items]
        digest = bank_digest((entry["key"], entry["digest"]) for entry in entries)
        raw["banks"][0].update(items=entries, digest=digest)
        for name in ("pre", "post"):
            raw["tests"][name]["max_score"] = len(ITEMS)
        raw["blueprint"] = [{"outcome": "6.3", "items": len(ITEMS)}]
    del raw["digest"]
    api.register_course(AulaRuntime(None).course_id, {**raw, "digest": manifest_digest(raw)})
    return digest
