"""The whole chain, from a lesson on a phone to a certificate anyone can verify and a proposal anyone can understand."""

from __future__ import annotations

import io
from collections.abc import Callable

from e2e.steps import (
    fill_cost_sheet,
    get_certificate,
    practise,
    rate_next,
    read_code,
    read_lesson,
    take_sitting,
    until,
)
from e2e.visitor import Visitor
from playwright.sync_api import Page, expect
from pypdf import PdfReader

Visit = Callable[..., Visitor]
NAME = "Marisela del Carmen Ñañez"
DESKTOP = {"width": 1280, "height": 800}


def know(visitor: Visitor) -> Callable[[str], str | None]:
    return visitor.demo.right_answers.get


def know_nothing(_item_key: str) -> None:
    return None


def open_desk(visitor: Visitor) -> None:
    visitor.open_place("mi-avance")
    visitor.page.click("a[href*='/jump_to_id/facilitacion']")
    expect(visitor.page.locator("[data-integra=queue-title]")).to_be_visible()


def read_paper(visitor: Visitor, address: str) -> str:
    """Return what is printed on the PDF at this address, as this visitor gets it."""
    body = visitor.context.request.get(address).body()
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


def check_name(page: Page, address: str, name: str) -> str:
    """Type a name into the verification page without any script's help and return what it answers."""
    page.goto(address)
    page.fill("input[name=nombre]", name)
    with page.expect_navigation():
        page.click("main form button[type=submit]")
    return page.locator("main").inner_text()


def test_a_learner_begins_with_the_test_and_practises(visit: Visit) -> None:
    learner = visit()
    learner.sign_in("learner")
    learner.open_place("prueba-inicial")
    take_sitting(learner, "integra_test", know_nothing)
    learner.picture("pre-test-taken")

    read_lesson(learner, "m04-u03-leccion")
    practise(learner, "m04-u03-practica", first_wrong=True)
    learner.picture("practice-complete")


def test_a_learner_who_follows_the_course_gets_a_certificate(visit: Visit) -> None:
    learner = visit()
    learner.sign_in("learner_finishing")
    read_lesson(learner, "m06-u03-leccion")
    practise(learner, "m06-u03-practica")
    fill_cost_sheet(learner, "m06-hoja-de-costos")
    learner.picture("cost-sheet-sent")
    code = read_code(learner)

    facilitator = visit(DESKTOP)
    facilitator.sign_in("facilitator")
    open_desk(facilitator)
    facilitator.picture("desk")
    rate_next(facilitator, code)

    learner.open_place("prueba-final")
    take_sitting(learner, "integra_test", know(learner))
    expect(learner.page.locator(".integra-sitting-score")).to_contain_text("40 de 40")
    learner.picture("post-test-result")

    address = get_certificate(learner, NAME)

    until(
        learner,
        f"{learner.demo.classroom}/jump_to_id/mi-avance",
        lambda: learner.page.locator(f"a[href='{address}']").count() > 0,
    )
    learner.picture("record-with-certificate")

    stranger = visit()
    stranger.page.goto(address)
    expect(stranger.page.locator("main")).to_contain_text("Válido")
    expect(stranger.page.locator("main")).not_to_contain_text("Marisela")
    stranger.picture("verification")
    assert NAME in read_paper(learner, f"{address.replace('/c/', '/mi/certificado/')}.pdf")
    assert "Marisela" not in read_paper(stranger, f"{address}.pdf")
    assert "no coincide" not in check_name(stranger.page, address, NAME).lower()
    assert "coincide" in check_name(stranger.page, address, f"  {NAME.upper()} ").lower()
    assert "no coincide" in check_name(stranger.page, address, NAME.replace("Ñañez", "Núñez")).lower()
    stranger.picture("verification-of-an-edited-name")


def test_a_learner_who_knows_is_exempted_and_the_fund_explains_itself(visit: Visit) -> None:
    learner = visit()
    learner.sign_in("learner_evaluation")
    learner.open_place("m06-evaluacion")
    take_sitting(learner, "integra_bypass", know(learner))
    learner.picture("exempted")
    code = read_code(learner)

    staff = visit(DESKTOP)
    staff.sign_in("staff_city_a")
    find(staff, code)
    staff.picture("console-person")
    with staff.page.expect_navigation():
        staff.page.get_by_role("button", name="DEMO-2026").click()
    application = staff.page.url
    assert outcome(staff, application) == "En revisión por una persona"  # residence unknown
    staff.picture("application-review")

    add_residence(staff, code, "2026-08-31")
    assert outcome(staff, application) == "Falta algo de la persona"  # cost sheet missing
    staff.picture("application-waits")

    fill_cost_sheet(learner, "m06-hoja-de-costos")
    facilitator = visit()
    facilitator.sign_in("facilitator")
    open_desk(facilitator)
    rate_next(facilitator, code)
    facilitator.picture("desk-phone")
    learner.open_place("prueba-final")
    take_sitting(learner, "integra_test", know(learner))
    address = get_certificate(learner, "Ronald Antonio Pérez")

    stranger = visit()
    stranger.page.goto(address)
    body = stranger.page.locator("main").inner_text()
    assert "Formación, 220 minutos" in body
    modules = {line["name"]: str(line["value"]) for line in read_results(stranger, address)}
    by_evaluation = [name for name, value in modules.items() if not value.startswith("Formación")]
    assert by_evaluation == ["Costos, precio y punto de equilibrio"]
    # An exempted module counts no minutes.
    assert "240" not in modules[by_evaluation[0]]
    stranger.picture("verification-by-evaluation")

    until(
        staff, application, lambda: read_outcome(staff) == "No elegible por ahora"
    )  # certified, four months
    expect(staff.page.locator("[data-rule=residencia]")).to_contain_text("4 meses")
    expect(staff.page.locator("[data-rule=residencia]")).to_contain_text("28 de febrero de 2027")
    staff.picture("application-not-yet")

    correct_residence(staff, code, "2025-03-01")
    assert outcome(staff, application) == "Elegible"
    staff.picture("application-eligible")

    other_city = visit(DESKTOP)
    other_city.sign_in("staff_city_b")
    find(other_city, code)
    expect(other_city.page.locator("main")).not_to_contain_text(code)
    assert other_city.page.goto(application).status == 404


def find(staff: Visitor, code: str) -> None:
    staff.page.goto(f"{staff.demo.service}/consola/")
    staff.page.fill("input[name=query]", code)
    with staff.page.expect_navigation():
        staff.page.click("main form button[type=submit]")
    link = staff.page.locator("main a[href*='/consola/personas/']").first
    if link.count():
        with staff.page.expect_navigation():
            link.click()


def outcome(staff: Visitor, application: str) -> str:
    staff.page.goto(application)
    return read_outcome(staff)


def read_outcome(staff: Visitor) -> str:
    return staff.page.locator("[data-role=outcome]").inner_text()


def add_residence(staff: Visitor, code: str, day: str) -> None:
    find(staff, code)
    staff.page.click("a[href$='/residencia/']")
    staff.page.select_option("select[name=zone]", index=1)
    staff.page.fill("input[name=from_on]", day)
    staff.page.select_option("select[name=evidence]", "contrato_arriendo")
    with staff.page.expect_navigation():
        staff.page.click("main form button[type=submit]")


def correct_residence(staff: Visitor, code: str, day: str) -> None:
    find(staff, code)
    staff.page.locator("main a[href*='/residencia/']:not([href$='/residencia/'])").first.click()
    staff.page.fill("input[name=from_on]", day)
    staff.page.fill("[name=reason]", "La fecha estaba mal leída.")
    with staff.page.expect_navigation():
        staff.page.click("main form button[type=submit]")


def read_results(visitor: Visitor, address: str) -> list[dict[str, object]]:
    """Return the modules as the signed document names them."""
    document = visitor.context.request.get(f"{address}.json").json()
    results = {result["resultDescription"]: result for result in document["credentialSubject"]["result"]}
    described = document["credentialSubject"]["achievement"]["resultDescription"]
    return [{"name": entry["name"], **results[entry["id"]]} for entry in described]
