"""Two officers with a browser each: from the register to a revocation that took both; axe-core sees every page."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing

from e2e.backstage import sign_in_with_factor
from e2e.inspector import Inspector
from e2e.visitor import Demo, Visitor
from playwright.sync_api import expect

Visit = Callable[..., Visitor]


def press(visitor: Visitor, name: str) -> None:
    with visitor.page.expect_navigation():
        visitor.page.locator("main").get_by_role("button", name=name).first.click()


def follow(visitor: Visitor, name: str) -> None:
    with visitor.page.expect_navigation():
        visitor.page.locator("main").get_by_role("link", name=name).first.click()


def test_two_officers_revoke_a_certificate(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    first, second = visit(), visit()
    sign_in_with_factor(first, "officer_a")
    sign_in_with_factor(second, "officer_a2")
    page = first.page
    inspector.look(first, "what waits")

    register = f"{demo.service}/consola/certificados/"
    for query in ("", "?estado=suspended", "?desde=2026-02-01&hasta=2026-01-01"):
        page.goto(register + query)
        inspector.look(first, f"register {query}")
    page.goto(register)
    follow(first, "Rosa Inventada Ejemplo")
    certificate = page.url
    inspector.look(first, "certificate")
    follow(first, "Suspender")
    inspector.look(first, "suspending")
    press(first, "Sí, hacerlo ahora")
    assert page.locator("[data-role=state]").inner_text() == "Suspendido"
    follow(first, "Levantar la suspensión")
    press(first, "Sí, hacerlo ahora")
    assert page.locator("[data-role=state]").inner_text() == "Válido"

    follow(first, "Anular")
    press(first, "Continuar")
    inspector.look(first, "revoking without a reason")
    page.check("input[value=holder_request]")
    press(first, "Continuar")
    inspector.look(first, "revoking, last question")
    press(first, "Sí, pedirlo")
    inspector.look(first, "certificate that waits")
    assert page.get_by_role("link", name="Leer y decidir").count() == 0

    second.page.goto(f"{demo.service}/consola/")
    follow(second, "pedido espera a una segunda persona")
    follow(second, "Rosa Inventada Ejemplo")
    follow(second, "Leer y decidir")
    inspector.look(second, "deciding")
    press(second, "Aprobar y hacerlo ahora")
    assert second.page.locator("[data-role=state]").inner_text() == "Anulado"
    inspector.look(second, "revoked certificate")
    page.goto(certificate)
    assert page.locator("[data-role=state]").inner_text() == "Anulado"


def test_rules_issues_and_keys(visit: Visit, demo: Demo, inspector: Inspector) -> None:
    first, second = visit(), visit()
    sign_in_with_factor(first, "officer_a2")
    sign_in_with_factor(second, "officer_a")
    first.page.goto(f"{demo.service}/consola/politicas/")
    inspector.look(first, "rules")
    press(first, "Proponer esta versión")
    inspector.look(first, "proposed")
    second.page.goto(f"{demo.service}/consola/politicas/")
    inspector.look(second, "to approve")
    press(second, "Aprobar esta versión")
    inspector.look(second, "approved")
    page = first.page
    page.goto(f"{demo.service}/consola/emisiones/")
    inspector.look(first, "issues")
    press(first, "Empezar")
    inspector.look(first, "one issue")
    assert page.locator("progress").get_attribute("value") == "100"
    page.goto(f"{demo.service}/consola/emisiones/")
    inspector.look(first, "issues so far")
    page.goto(f"{demo.service}/consola/llaves/")
    inspector.look(first, "keys")


def test_an_open_issue_is_followed_with_and_without_scripts(
    visit: Visit,
    demo: Demo,
    inspector: Inspector,
) -> None:
    """Somebody else works on it: the page learns of it by itself, and by its link where no script runs."""
    run = uuid.uuid4()
    write(
        demo,
        "INSERT INTO credentials_run (uuid, kind, city_id, total_count, done_count, made_count, failed_count, cursor,"
        " started_by, started_at) SELECT ?, 'issue', id, 4, 1, 1, 0, 0, 'system', '2026-11-01 10:00:00'"
        " FROM people_city WHERE key = 'ciudad-a'",
        run.hex,
    )
    officer = visit()
    sign_in_with_factor(officer, "officer_a")
    page = officer.page
    page.goto(f"{demo.service}/consola/emisiones/{run}/")
    inspector.look(officer, "open issue")
    expect(page.locator("[data-run]")).to_contain_text("Revisadas 1 de 4 personas")
    write(demo, "UPDATE credentials_run SET done_count = 3, failed_count = 1 WHERE uuid = ?", run.hex)
    expect(page.locator("[data-run]")).to_contain_text("Revisadas 3 de 4 personas", timeout=20_000)
    expect(page.locator("[data-run]")).to_contain_text("1 falló")

    page.route("**/follow-run.js", lambda route: route.abort())
    page.reload()
    write(demo, "UPDATE credentials_run SET done_count = 4 WHERE uuid = ?", run.hex)
    follow(officer, "Ver cuánto avanzó")
    expect(page.locator("[data-run]")).to_contain_text("Revisadas 4 de 4 personas")
    page.unroute("**/follow-run.js")
    page.reload()
    write(demo, "UPDATE credentials_run SET finished_at = '2026-11-01 11:00:00' WHERE uuid = ?", run.hex)
    expect(page.locator("[data-run]")).to_contain_text("Terminada", timeout=20_000)
    inspector.look(officer, "finished issue with a failure")


def write(demo: Demo, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(demo.home / "service.sqlite3", timeout=30)) as database, database:
        database.execute(statement, values)
