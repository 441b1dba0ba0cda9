"""What people do in the classroom and in the service, one function per thing done, seen from the page alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from e2e.visitor import Visitor
from playwright.sync_api import Locator, expect

COST_SHEET = {
    "producto": "Empanadas",
    "unidad": "empanadas",
    "precio": "1,00",
    "justificacion": "Cuesta 0,55, otras venden a 1,00 y mis clientes valoran que estén calientes.",
    "dias": "25",
    "ventas_hoy": "30",
    "precio_prueba": "1,10",
    "fuente": "Mi cuaderno, semana del 2 de noviembre.",
    "decision": "Subir a 1,10 porque el punto de equilibrio baja a 737 al mes.",
    "accion": "Probar el precio nuevo con diez clientes.",
    "accion_fecha": "lunes 30 de noviembre",
    "accion_indicador": "Ventas de la semana: al menos 180 empanadas.",
}
FIXED = [("Arriendo del puesto", "60"), ("Transporte", "24"), ("Celular y cocina", "21"), ("Mi pago", "300")]
VARIABLE = [("Masa", "0,18"), ("Relleno", "0,22"), ("Aceite y gas", "0,10"), ("Funda", "0,05")]


def read_lesson(visitor: Visitor, url_name: str) -> None:
    """Read to the end and say so."""
    visitor.open_place(url_name)
    page = visitor.page
    page.click("[data-integra=finish]")
    expect(page.locator("[data-integra=done]")).to_be_visible()


def practise(visitor: Visitor, url_name: str, *, first_wrong: bool = False) -> None:
    """Answer every question right once; ``first_wrong`` tries a wrong option of the first one before."""
    visitor.open_place(url_name)
    items = visitor.page.locator("[data-integra=item]")
    for index in range(items.count()):
        item = items.nth(index)
        if not item.is_visible():
            visitor.page.click("[data-integra=following]")
        right = visitor.demo.right_answers[str(item.get_attribute("data-item"))]
        if first_wrong and index == 0:
            item.locator(f"input[type=radio]:not([value={right}])").first.check()
            item.locator("[data-integra=check]").click()
            expect(item.locator("[data-integra=feedback]")).not_to_be_empty()
        item.locator(f"input[type=radio][value={right}]").check()
        item.locator("[data-integra=check]").click()
        expect(item.locator("[data-integra=tick]")).to_be_visible()
    expect(visitor.page.locator("[data-integra=complete]")).not_to_be_empty()


def take_sitting(visitor: Visitor, block: str, answer: Callable[[str], str | None]) -> None:
    """Start a test and send it; ``answer`` gives the right answer of an item, or None for "No lo sé"."""
    page = visitor.page
    root = page.locator(f"[data-block-type={block}]")
    root.locator("[data-integra=start]").click()
    root.locator("[data-integra=form]").wait_for()
    items = root.locator("[data-integra=item]")
    for index in range(items.count()):
        item = items.nth(index)
        expect(item).to_be_visible()
        give(item, answer(str(item.get_attribute("data-key"))))
        expect(root.locator("[data-integra=answered]")).to_contain_text(str(index + 1))
        root.locator("[data-integra=next]").click()
    root.locator("[data-integra=submit]").click()
    root.locator("[data-integra=form]").wait_for(state="detached")


def give(item: Locator, answer: str | None) -> None:
    if answer is None:
        item.locator("input[value=no_lo_se], [data-integra=unknown]").check()
    elif item.locator("[data-integra=number]").count():
        item.locator("[data-integra=number]").fill(answer)
        item.locator("[data-integra=number]").blur()
    else:
        item.locator(f"input[type=radio][value='{answer}']").check()


def fill_cost_sheet(visitor: Visitor, url_name: str) -> None:
    """Fill in the cost sheet of the lesson's example and send it."""
    visitor.open_place(url_name)
    page = visitor.page
    for table, rows in (("fijos", FIXED), ("variables", VARIABLE)):
        fields = page.locator(f"[data-table={table}] [data-integra=row]")
        while fields.count() < len(rows):
            page.click(f"[data-table={table}] [data-integra=add-row]")
        for index, (concept, amount) in enumerate(rows):
            fields.nth(index).locator("[data-column=concepto]").fill(concept)
            fields.nth(index).locator("[data-column=monto]").fill(amount)
    for key, value in COST_SHEET.items():
        page.fill(f"[data-field={key}]", value)
    for box in page.locator("[data-check]").all():
        box.check()
    expect(page.locator("[data-total=equilibrio_mes]")).to_contain_text("900")
    expect(page.locator("[data-total=equilibrio_dia]")).to_contain_text("36")
    page.click("[data-integra=submit]")
    expect(page.locator(".integra-deliverable")).to_contain_text("Versión 1")


def rate_next(visitor: Visitor, short_code: str, *, points: int = 2) -> None:
    """Open the waiting work of one learner and accept it with the same points on every criterion."""
    page = visitor.page
    page.locator("[data-integra=rows] li", has_text=short_code).get_by_role("button").click()
    criteria = page.locator("[data-integra=criteria]")
    criteria.locator(f"input[type=radio][value='{points}']").first.wait_for()
    for radio in criteria.locator(f"input[type=radio][value='{points}']").all():
        radio.check()
    page.click("[data-integra=accept]")
    expect(page.locator("[data-integra=queue]")).to_be_visible()


def read_code(visitor: Visitor) -> str:
    """Return the learner's short code from "mi avance"."""
    visitor.open_place("mi-avance")
    return visitor.page.locator(".integra-record-code strong").inner_text()


def get_certificate(visitor: Visitor, name: str) -> str:
    """Cross from "mi avance" into the service, consent, confirm the name; return the certificate's address."""
    page = visitor.page
    visitor.open_place("mi-avance")
    page.click("[data-integra=handover]")
    page.wait_for_url(f"{visitor.demo.service}/mi/**")
    page.goto(f"{visitor.demo.service}/mi/aviso/")
    page.check("input[name=certificado][value=si]")
    page.check("input[name=busqueda_por_nombre][value=no]")
    visitor.picture("notice")
    with page.expect_navigation():
        page.click("main form button[type=submit]")
    page.goto(f"{visitor.demo.service}/mi/nombre/")
    page.fill("#name", name)
    page.click("button[value=preview]")
    expect(page.locator(".diploma-name")).to_have_text(name)
    visitor.picture("name")
    with page.expect_navigation():
        page.click("button[value=confirm]")
    link = page.locator("a[href*='/c/']").first
    until(visitor, f"{visitor.demo.service}/mi/", lambda: link.count() > 0)
    return str(link.get_attribute("href"))


def until(visitor: Visitor, address: str, is_so: Callable[[], bool], seconds: int = 60) -> None:
    """Open the address again until what happens in other processes shows, as a person would."""
    deadline = time.monotonic() + seconds
    visitor.page.goto(address)
    while not is_so():
        assert time.monotonic() < deadline, f"{address} did not come to show it within {seconds} s"
        time.sleep(0.5)
        visitor.page.goto(address)
