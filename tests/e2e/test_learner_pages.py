"""The learner's pages in the service as somebody with a borrowed phone walks through them, with and without scripts."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from e2e.backstage import list_codes, make_link, sign_in_with_factor
from e2e.inspector import Inspector
from e2e.visitor import PHONE, Demo, Visitor
from playwright.sync_api import Browser, Page, expect

Visit = Callable[..., Visitor]
NAME, CORRECTED = "Yuleisy Inventada Peña", "Yuleisy Inventada Peñafiel"


@pytest.fixture
def graduate(visit: Visit, demo: Demo) -> Visitor:
    """Somebody with a certificate, handed over by the classroom."""
    visitor = visit()
    visitor.page.goto(make_link(demo, list_codes(demo, "ciudad-b", is_certified=True)[0]))
    return visitor


def press(page: Page, name: str | re.Pattern[str], role: str = "button") -> None:
    with page.expect_navigation():
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]  # a button or a link


def test_every_page_of_the_learner_is_for_everybody(
    graduate: Visitor, demo: Demo, inspector: Inspector
) -> None:
    """axe at two widths, no page wider than the phone, and pictures to look at."""
    page = graduate.page

    def look(name: str) -> None:
        inspector.look(graduate, name)
        graduate.picture(f"learner-{name}")

    look("my-page")
    page.get_by_text("Más formatos").click()
    look("my-page-formats")
    share = str(page.get_by_role("link", name="WhatsApp").get_attribute("href"))
    (message,) = parse_qs(urlsplit(share).query)["text"]
    assert "/c/" in message
    assert "Inventada" not in message
    press(page, "Mis permisos", "link")
    look("permissions")
    press(page, re.compile("Retirar este permiso.*Certificado"))
    look("permission-withdraw")
    press(page, "Sí, retirarlo")
    look("permission-withdrawn")
    press(page, "Volver", "link")
    look("my-page-hidden")
    press(page, "Mostrarlo otra vez", "link")
    press(page, re.compile("Dar este permiso.*Certificado"))
    press(page, "Volver", "link")
    press(page, "Corregir mi nombre", "link")
    look("name-after-issue")
    page.fill("#name", CORRECTED)
    press(page, "Ver cómo quedará")
    look("name-consequences")
    press(page, "Sí, hacerlo de nuevo con este nombre")
    look("my-page-version-2")
    press(page, re.compile("Mis datos"), "link")
    look("my-data")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Descargar todo").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        held = json.loads(archive.read("mis-datos.json"))
        readable = archive.read("mis-datos.html").decode()
    assert held["people"][0]["name"] == CORRECTED
    assert CORRECTED in readable
    page.get_by_label("Resultados del curso").check()
    press(page, "Pedir la corrección")
    press(page, "Pedir que no se usen")
    look("my-data-problem")
    page.goto(f"{demo.service}/mi/datos/")
    press(page, "Quiero que borren mis datos", "link")
    look("erasure")
    press(page, "Pedir que borren mis datos")
    look("erasure-problem")
    page.get_by_label(re.compile("Entendí")).check()
    press(page, "Pedir que borren mis datos")
    look("my-data-requests")
    page.goto(f"{demo.service}/mi/")
    look("my-page-erasure")
    page.goto(f"{demo.service}/mi/datos/")
    press(page, re.compile("Retirar la solicitud.*Borrar todo"))
    expect(page.get_by_text("Retiraste tu solicitud.")).to_be_visible()
    page.goto(f"{demo.service}/mi/aviso/")
    look("notice")


def test_after_leaving_the_back_button_shows_nothing(graduate: Visitor, demo: Demo) -> None:
    page = graduate.page
    page.goto(f"{demo.service}/mi/datos/")
    code = page.locator(".code").first.inner_text()
    press(page, "Salir")
    expect(page.get_by_role("heading", name="Saliste")).to_be_visible()

    for _ in range(3):
        page.go_back()
        page.wait_for_load_state()
        assert code not in page.content()
    page.goto(f"{demo.service}/mi/")
    assert code not in page.content()


def test_without_scripts_everything_can_be_done(chromium: Browser, demo: Demo) -> None:
    context = chromium.new_context(viewport=PHONE, locale="es-EC", java_script_enabled=False)
    page = context.new_page()
    page.goto(make_link(demo, list_codes(demo, "ciudad-b")[-1]))
    press(page, "Leer y decidir", "link")
    page.locator("input[name=certificado][value=si]").check()
    page.locator("input[name=busqueda_por_nombre][value=no]").check()
    press(page, "Guardar mis respuestas")
    press(page, "Escribir mi nombre", "link")
    page.fill("#name", NAME)
    press(page, "Ver cómo quedará")
    press(page, "Sí, este es mi nombre")
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    press(page, "Corregir mi nombre", "link")
    page.fill("#name", CORRECTED)
    press(page, "Ver cómo quedará")
    press(page, "Sí, este es mi nombre")
    press(page, re.compile("Mis datos"), "link")
    press(page, "Quiero que borren mis datos", "link")
    page.get_by_label(re.compile("Entendí")).check()
    press(page, "Pedir que borren mis datos")
    press(page, re.compile("Retirar la solicitud"))
    press(page, "Salir")
    context.close()


def test_an_officer_answers_what_was_asked(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    learner, officer = visit(), visit()
    code = list_codes(demo, "ciudad-a")[-2]
    learner.page.goto(make_link(demo, code))
    learner.page.goto(f"{demo.service}/mi/datos/borrar/")
    learner.page.get_by_label(re.compile("Entendí")).check()
    press(learner.page, "Pedir que borren mis datos")

    sign_in_with_factor(officer, "officer_a")
    page = officer.page
    page.goto(f"{demo.service}/consola/solicitudes/")
    inspector.look(officer, "requests")
    officer.picture("officer-requests")
    press(page, "Borrar todo", "link")
    expect(page.get_by_text(code)).to_be_visible()
    inspector.look(officer, "request")
    officer.picture("officer-request")
    press(page, "Borrar ahora")
    inspector.look(officer, "request with a problem")
    press(page, "Rechazar la solicitud")
    page.get_by_label("Se conversó").check()
    press(page, "Rechazar la solicitud")
    officer.picture("officer-answered")
    learner.page.goto(f"{demo.service}/mi/datos/")
    expect(learner.page.get_by_text("Se conversó")).to_be_visible()
