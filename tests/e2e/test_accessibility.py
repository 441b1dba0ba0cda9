"""Every page as axe-core sees it, on a phone and on a desk; nothing is wider than the phone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyotp
from e2e.backstage import add_learner, list_codes, make_factor_link, make_link
from e2e.inspector import Inspector
from e2e.steps import fill_cost_sheet, take_sitting
from e2e.visitor import Demo, Visitor
from playwright.sync_api import expect

Visit = Callable[..., Visitor]


def test_every_page_of_the_classroom(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    learner = visit()
    learner.sign_in("learner")
    inspector.crawl(learner, f"{demo.classroom}/")
    assert inspector.seen_count >= 150


def test_where_a_facilitator_sees_more(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    facilitator = visit()
    facilitator.sign_in("facilitator")
    for place in ("facilitacion", "mi-avance", "prueba-inicial", "m06-evaluacion", "m06-hoja-de-costos"):
        facilitator.open_place(place)
        inspector.look(facilitator, f"facilitator, {place}")


def test_a_strangers_pages(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    stranger = visit()
    page = stranger.page
    for path in ("entrar/", "no-existe"):
        page.goto(f"{demo.classroom}/{path}")
        inspector.look(stranger)
    page.goto(f"{demo.classroom}/entrar/")
    page.fill("#id_username", "nadie")
    page.fill("#id_password", "nada")
    with page.expect_navigation():
        page.click("main button[type=submit]")
    inspector.look(stranger, "classroom, wrong password")

    for path in ("", "consola/entrar/", f"c/{demo.token}", "no-existe", "entrar/nada", "mi/"):
        page.goto(f"{demo.service}/{path}")
        inspector.look(stranger)
    for name in ("Rosa Inventada Ejemplo", "Otra Persona", ""):
        page.goto(f"{demo.service}/c/{demo.token}")
        page.fill("input[name=nombre]", name)
        with page.expect_navigation():
            page.evaluate("document.querySelector('main form').noValidate = true")
            page.click("main form button[type=submit]")
        inspector.look(stranger, f"name check of {name!r}")
    page.goto(f"{demo.service}/consola/entrar/")
    page.fill("input[name=username]", "nadie")
    page.fill("input[name=password]", "nada")
    with page.expect_navigation():
        page.click("main button[type=submit]")
    inspector.look(stranger, "console, wrong password")


def submit(visitor: Visitor, button: str = "main form button[type=submit]") -> None:
    with visitor.page.expect_navigation():
        visitor.page.eval_on_selector_all(
            "form", "forms => forms.forEach(form => { form.noValidate = true; })"
        )
        visitor.page.click(button)


def test_a_learners_pages_in_the_service(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    learner = visit()
    page = learner.page
    page.goto(make_link(demo, list_codes(demo, "ciudad-a")[-1]))
    inspector.look(learner, "learner, first time")
    page.goto(f"{demo.service}/mi/aviso/")
    inspector.look(learner)
    submit(learner)
    inspector.look(learner, "notice without an answer")
    page.check("input[name=certificado][value=si]")
    page.check("input[name=busqueda_por_nombre][value=no]")
    submit(learner)
    inspector.look(learner, "learner who agreed")
    page.goto(f"{demo.service}/mi/nombre/")
    inspector.look(learner)
    page.fill("#name", " ")
    submit(learner, "button[value=preview]")
    inspector.look(learner, "no name")
    # As long as a name may be.
    page.fill("#name", "María-José" + "ñ" * 140)
    submit(learner, "button[value=preview]")
    inspector.look(learner, "preview of the longest name")
    submit(learner, "header form button, nav form button")
    inspector.look(learner, "after leaving")

    graduate = visit()
    graduate.page.goto(make_link(demo, list_codes(demo, "ciudad-a", is_certified=True)[0]))
    inspector.look(graduate, "graduate")
    inspector.crawl(graduate, f"{demo.service}/mi/")
    graduate.page.goto(make_link(demo, list_codes(demo, "ciudad-a")[-1]))
    inspector.look(graduate, "link of somebody else")
    submit(graduate, "main form button")
    inspector.look(graduate, "entered as somebody else")


def test_the_console(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    staff = visit()
    staff.sign_in("staff_city_a")
    page = staff.page
    inspector.look(staff)
    code = list_codes(demo, "ciudad-a")[0]
    for query in ("Inventada", code, "nadie"):
        page.goto(f"{demo.service}/consola/")
        page.fill("input[name=query]", query)
        submit(staff)
        inspector.look(staff, f"search for {query}")
    page.goto(f"{demo.service}/consola/")
    page.fill("input[name=query]", code)
    submit(staff)
    with page.expect_navigation():
        page.locator("main a[href*='/consola/personas/']").first.click()
    person = page.url
    with page.expect_navigation():
        page.get_by_role("button", name="DEMO-2026").click()
    inspector.look(staff, "application, nothing known")
    application = page.url
    page.goto(f"{person}residencia/")
    submit(staff)
    inspector.look(staff, "residence with problems")
    page.select_option("select[name=zone]", index=1)
    page.fill("input[name=from_on]", "2025-03-01")
    page.select_option("select[name=evidence]", "contrato_arriendo")
    submit(staff)
    inspector.look(staff, "person after saving")
    page.goto(application)
    with page.expect_navigation():
        page.get_by_role("button", name="Proponer").click()
    inspector.look(staff, "application, proposed again")
    inspector.crawl(staff, person)
    page.goto(f"{demo.service}/consola/postulaciones/{'0' * 8}-0000-4000-8000-{'0' * 12}/")
    inspector.look(staff, "nothing there")


def test_the_second_factor(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    """As the demonstration announces it: the key typed into an authenticator opens what an operator keeps."""
    told = json.loads((demo.home / "demo.json").read_text(encoding="utf-8"))["accounts"]
    totp = pyotp.TOTP(next(account["totp_secret"] for account in told if account["role"] == "operator"))
    operator = visit()
    operator.sign_in("operator")
    page = operator.page
    inspector.look(operator, "home of an operator")
    page.goto(f"{demo.service}/consola/mi-cuenta/")
    with page.expect_navigation():
        page.get_by_role("link", name="Cambiar de teléfono").click()
    with page.expect_navigation():
        page.fill("#code", "000000")
        page.press("#code", "Enter")
    page.click("summary")
    inspector.look(operator, "factor, wrong code")
    with page.expect_navigation():
        page.fill("#code", totp.now())
        page.press("#code", "Enter")
    assert page.url == f"{demo.service}/consola/mi-cuenta/segundo-factor/"
    inspector.look(operator, "before changing the phone")
    page.goto(f"{demo.service}/consola/mi-cuenta/")
    with page.expect_navigation():
        page.get_by_role("button", name="Crear nuevos códigos").click()
    inspector.look(operator, "recovery codes")

    staff = visit()
    staff.sign_in("staff_city_b")
    page = staff.page
    page.goto(f"{demo.service}/consola/mi-cuenta/segundo-factor/")
    inspector.look(staff, "no link for a first phone")
    page.goto(make_factor_link(demo, "staff_city_b"))
    submit(staff)
    inspector.look(staff, "key for the phone")
    secret = page.inner_text("[data-role=secret]").replace(" ", "")
    with page.expect_navigation():
        page.fill("#code", "000000")
        page.press("#code", "Enter")
    inspector.look(staff, "key for the phone, wrong code")
    with page.expect_navigation():
        page.fill("#code", pyotp.TOTP(secret).now())
        page.press("#code", "Enter")
    assert page.locator(".codes li").count() == 10
    inspector.crawl(staff, f"{demo.service}/consola/mi-cuenta/")


def test_blocks_in_the_middle_of_work(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    """What only shows while somebody works: feedback, an open sitting, problems of a sheet, a rating."""
    add_learner(demo, "luzmila", "una-clave-de-prueba")
    demo.accounts["luzmila"] = ("luzmila", "una-clave-de-prueba")
    worker = visit()
    worker.sign_in("luzmila")
    page = worker.page

    worker.open_place("m04-u03-practica")
    item = page.locator("[data-integra=item]").first
    right = demo.right_answers[str(item.get_attribute("data-item"))]
    for choice in (f":not([value={right}])", f"[value={right}]"):
        item.locator(f"input[type=radio]{choice}").first.check()
        item.locator("[data-integra=check]").click()
        expect(item.locator("[data-integra=feedback]")).not_to_be_empty()
        inspector.look(worker, f"practice{choice}")

    worker.open_place("prueba-inicial")
    page.locator("[data-block-type=integra_test] [data-integra=start]").click()
    page.locator("[data-integra=form]").wait_for()
    inspector.look(worker, "open sitting")

    worker.open_place("m06-hoja-de-costos")
    page.click("[data-integra=submit]")
    inspector.look(worker, "sheet with problems")
    fill_cost_sheet(worker, "m06-hoja-de-costos")
    inspector.look(worker, "sheet sent")

    worker.open_place("m06-evaluacion")
    take_sitting(worker, "integra_bypass", demo.right_answers.get)
    inspector.look(worker, "exempted")
    worker.open_place("mi-avance")
    inspector.look(worker, "record with results")
    code = page.locator(".integra-record-code strong").inner_text()
    facilitator = visit()
    facilitator.sign_in("facilitator")
    facilitator.open_place("facilitacion")
    rows = facilitator.page.locator("[data-integra=rows] li", has_text=code)
    rows.first.wait_for()
    inspector.look(facilitator, "desk with work")
    rows.get_by_role("button").click()
    facilitator.page.locator("[data-integra=criteria] input[type=radio]").first.wait_for()
    inspector.look(facilitator, "rating")
    facilitator.page.click("[data-integra=return]")
    inspector.look(facilitator, "rating with problems")
