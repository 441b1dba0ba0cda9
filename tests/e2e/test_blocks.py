"""What the assessed blocks do on a phone whose signal comes and goes, in a classroom with nothing beside it."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from e2e.conftest import free_port
from e2e.visitor import PHONE, ROOT
from playwright.sync_api import Browser, BrowserContext, Page, expect
from standin.weighing import drop_questions

AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "una-clave-larga-de-prueba"
MOST_BYTES = 15_000
SHEET_STATUS = ".integra-deliverable > .integra-status"
COURSE_PLACES = {
    "integra_lesson": "m06-u03-leccion",
    "integra_practice": "m06-u03-practica",
    "integra_test": "prueba-inicial",
    "integra_bypass": "m06-evaluacion",
    "integra_deliverable": "m06-hoja-de-costos",
    "integra_module": "m04",
    "integra_record": "mi-avance",
    "integra_desk": "facilitacion",
}
ANSWERS = {
    "producto": "Empanadas",
    "unidad": "empanadas",
    "precio": "1,00",
    "justificacion": "Mis clientes pagan eso.",
    "dias": "25",
    "ventas_hoy": "30",
    "precio_prueba": "1,30",
    "fuente": "Mi cuaderno, 12 de noviembre",
    "decision": "Subo a 1,20 para cubrir mi pago",
    "accion": "Probar el precio",
    "accion_fecha": "lunes 30",
    "accion_indicador": "36 al día",
}


class Classroom:
    """A running classroom and the phones in front of it."""

    def __init__(self, address: str, environment: dict[str, str], home: Path, browser: Browser) -> None:
        self.address = address
        self._environment = environment
        self._home = home
        self._browser = browser
        self._numbers = count(1)

    def call(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "integra_aula", *arguments]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)

    def sign_in(self, role: str = "learner") -> Page:
        """Give a phone to somebody new."""
        name = f"{role}{next(self._numbers)}"
        person = {"role": role, "username": name, "password": PASSWORD, "name": name, "route": "training"}
        accounts = self._home / f"{name}.json"
        accounts.write_text(json.dumps([{**person, "city": "ciudad-a", "cohort": "cohorte-a"}]), "utf-8")
        self.call("integra_aula_demo", str(accounts))
        context = self._browser.new_context(viewport=PHONE, locale="es-EC")
        page = context.new_page()
        page.goto(f"{self.address}/entrar/")
        page.fill("#id_username", name)
        page.fill("#id_password", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(f"{self.address}/")
        return page

    def open(self, page: Page, place: str) -> None:
        page.goto(f"{self.address}/jump_to_id/{place}")


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Classroom]:
    home = tmp_path_factory.mktemp("classroom")
    port = free_port()
    environment = {
        **os.environ,
        "INTEGRA_DEMO": "1",
        "INTEGRA_HOME": str(home),
        "INTEGRA_BUILD": str(home / "build"),
        "INTEGRA_AULA_SECRET_KEY": "only-for-tests-" * 3,
        "INTEGRA_SOURCE": "aula-demo",
        "INTEGRA_SERVICE_URL": "http://localhost:9",
        "INTEGRA_WEBHOOK_SECRET": "whsec_b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHM=",
        "INTEGRA_HANDOVER_SECRET": "only-for-tests-only-for-tests-only-for-tests",
        "INTEGRA_PULL_SECRET": "only-for-tests-too-only-for-tests-too-only",
    }
    build = [sys.executable, "-m", "integra_course", "build", "--output", str(home / "build")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    classroom = Classroom(f"http://localhost:{port}", environment, home, chromium)
    classroom.call("migrate", "--run-syncdb")
    classroom.call("collectstatic", "--noinput")
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--threads", "8", "-b", f"127.0.0.1:{port}", "integra_aula.wsgi"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until_up(f"{classroom.address}/salud/")
    yield classroom
    server.terminate()
    server.wait(20)


def wait_until_up(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(address)  # noqa: S310 - our own process
        except urllib.error.URLError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"{address} did not answer")


@pytest.fixture
def learner(classroom: Classroom) -> Iterator[Page]:
    page = classroom.sign_in()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.context.close()
    assert errors == []


def set_signal(context: BrowserContext, is_on: bool) -> None:
    context.set_offline(not is_on)


def kept_on_phone(page: Page) -> dict[str, str]:
    return dict(page.evaluate("({ ...localStorage })"))


def check_with_axe(page: Page) -> None:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
    assert found == []


# --- a test whose signal drops ---------------------------------------------------------------------------


def start(classroom: Classroom, page: Page, place: str = "prueba-inicial") -> None:
    classroom.open(page, place)
    page.click("[data-integra=start]")
    page.locator("[data-integra=form]").wait_for()


def answer(page: Page, option: int) -> None:
    page.locator("[data-integra=item]:visible label").nth(option).click()


def test_answers_without_signal_wait_on_the_phone_and_questions_never_do(
    classroom: Classroom, learner: Page
) -> None:
    start(classroom, learner)
    check_with_axe(learner)
    status = learner.locator(".integra-sitting > .integra-status")
    answer(learner, 0)
    expect(status).to_have_text("Enviado.")
    assert kept_on_phone(learner) == {}

    set_signal(learner.context, False)
    texts = []
    for option in (1, 2, 3):
        learner.click("[data-integra=next]")
        texts.append(learner.locator("[data-integra=item]:visible .integra-sitting-stem").inner_text())
        answer(learner, option)
    expect(status).to_have_text("Guardado en este teléfono. Se enviará cuando haya señal.")
    kept = json.dumps(kept_on_phone(learner), ensure_ascii=False)
    assert kept.count("item_key") == 3
    assert not any(text[:20] in kept for text in texts)

    set_signal(learner.context, True)
    expect(status).to_have_text("Enviado.", timeout=15_000)
    learner.wait_for_function("localStorage.length === 0")
    learner.reload()
    expect(learner.locator("[data-integra=answered]")).to_have_text("4 de 40 respondidas")
    expect(learner.locator("[data-integra=item]:visible [data-integra=heading]")).to_have_text(
        "Pregunta 5 de 40"
    )


def test_an_answer_of_a_closed_page_is_sent_when_it_opens_again(classroom: Classroom, learner: Page) -> None:
    start(classroom, learner)
    context = learner.context
    set_signal(context, False)
    answer(learner, 0)
    learner.close()
    set_signal(context, True)

    again = context.new_page()
    classroom.open(again, "prueba-inicial")

    expect(again.locator("[data-integra=answered]")).to_have_text("1 de 40 respondidas")
    again.wait_for_function("localStorage.length === 0")
    other_phone = context.new_page()
    classroom.open(other_phone, "prueba-inicial")
    expect(other_phone.locator("[data-integra=answered]")).to_have_text("1 de 40 respondidas")


def test_the_last_answer_of_two_tabs_counts_and_both_end_together(
    classroom: Classroom, learner: Page
) -> None:
    start(classroom, learner)
    second = learner.context.new_page()
    classroom.open(second, "prueba-inicial")
    answer(learner, 0)
    expect(learner.locator(".integra-sitting > .integra-status")).to_have_text("Enviado.")
    answer(second, 1)
    expect(second.locator(".integra-sitting > .integra-status")).to_have_text("Enviado.")

    second.click("[data-integra=open-review]")
    check_with_axe(second)
    second.click("[data-integra=submit]")
    expect(second.locator(".integra-sitting-result")).to_contain_text("Gracias")
    answer(learner, 2)

    expect(learner.locator(".integra-sitting-result")).to_contain_text("Gracias")


def test_pressing_send_without_signal_sends_when_it_is_back(classroom: Classroom, learner: Page) -> None:
    start(classroom, learner)
    answer(learner, 0)
    learner.click("[data-integra=open-review]")
    expect(learner.locator("[data-integra=review-line]")).to_contain_text("Faltan 39 preguntas")
    set_signal(learner.context, False)
    learner.click("[data-integra=submit]")
    expect(learner.locator(".integra-sitting > .integra-status")).to_contain_text("No hay señal")

    set_signal(learner.context, True)

    expect(learner.locator(".integra-sitting-result")).to_contain_text("Gracias", timeout=20_000)
    expect(learner.locator("[data-integra=title]")).to_be_focused()
    assert kept_on_phone(learner) == {}
    check_with_axe(learner)


def test_a_test_can_be_taken_with_the_keyboard_alone(classroom: Classroom, learner: Page) -> None:
    start(classroom, learner)
    learner.locator("[data-integra=item]:visible input").first.focus()
    learner.keyboard.press("ArrowDown")
    expect(learner.locator("[data-integra=answered]")).to_have_text("1 de 40 respondidas")

    learner.locator("[data-integra=next]").focus()
    learner.keyboard.press("Enter")

    expect(learner.locator("[data-integra=item]:visible [data-integra=heading]")).to_be_focused()
    expect(learner.locator("[data-integra=item]:visible [data-integra=heading]")).to_have_text(
        "Pregunta 2 de 40"
    )


def test_when_the_time_is_over_what_is_there_is_sent(classroom: Classroom, learner: Page) -> None:
    learner.clock.install()
    start(classroom, learner)
    answer(learner, 0)
    expect(learner.locator(".integra-sitting > .integra-status")).to_have_text("Enviado.")
    learner.clock.fast_forward("39:30")
    expect(learner.locator("[data-integra=clock]")).to_contain_text("Quedan")
    learner.clock.fast_forward("00:31")

    expect(learner.locator(".integra-sitting-result")).to_contain_text("Gracias")


# --- a sheet in two tabs and without signal --------------------------------------------------------------


def open_sheet(classroom: Classroom, page: Page) -> None:
    classroom.open(page, "m06-hoja-de-costos")
    page.locator(".integra-deliverable form").wait_for()


def test_totals_come_without_signal_and_the_draft_survives_a_closed_page(
    classroom: Classroom, learner: Page
) -> None:
    open_sheet(classroom, learner)
    check_with_axe(learner)
    context = learner.context
    set_signal(context, False)
    row = learner.locator("[data-table=fijos] [data-integra=row]").first
    row.locator("[data-column=monto]").fill("405")
    learner.locator("[data-table=variables] [data-column=monto]").first.fill("0,55")
    learner.fill("[data-field=precio]", "1.00")
    expect(learner.locator("[data-total=equilibrio_mes]")).to_have_text("900")
    learner.fill("[data-field=precio]", "un dólar")
    learner.keyboard.press("Tab")
    expect(learner.locator(".integra-problem:visible")).to_have_text(
        "Escribe solo el número, por ejemplo 13,50."
    )
    learner.fill("[data-field=precio]", "0,50")
    expect(learner.locator("[data-otherwise=equilibrio_mes]")).to_be_visible()
    expect(learner.locator(SHEET_STATUS)).to_contain_text("Guardado en este teléfono", timeout=10_000)
    learner.close()
    set_signal(context, True)

    again = context.new_page()
    open_sheet(classroom, again)

    expect(again.locator("[data-field=precio]")).to_have_value("0,50")
    expect(again.locator(SHEET_STATUS)).to_have_text("Borrador guardado.")
    expect(again.locator("[data-integra=conflict]")).to_be_hidden()
    assert kept_on_phone(again) == {}


def test_two_tabs_lose_nothing(classroom: Classroom, learner: Page) -> None:
    open_sheet(classroom, learner)
    second = learner.context.new_page()
    open_sheet(classroom, second)
    learner.fill("[data-field=producto]", "Jugos")
    expect(learner.locator(SHEET_STATUS)).to_have_text("Borrador guardado.")
    second.fill("[data-field=producto]", "Empanadas")

    expect(second.locator("[data-integra=conflict-title]")).to_be_focused()
    check_with_axe(second)
    second.click("[data-integra=take-other]")
    expect(second.locator("[data-field=producto]")).to_have_value("Jugos")
    second.click("[data-integra=recover]")
    expect(second.locator("[data-field=producto]")).to_have_value("Empanadas")
    expect(second.locator(SHEET_STATUS)).to_have_text("Borrador guardado.")

    second.reload()
    expect(second.locator("[data-field=producto]")).to_have_value("Empanadas")


def test_sending_without_signal_gives_one_receipt(classroom: Classroom, learner: Page) -> None:
    open_sheet(classroom, learner)
    learner.click("[data-integra=submit]")
    expect(learner.locator("[data-integra=summary]")).to_be_focused()
    check_with_axe(learner)
    learner.get_by_role("button", name="Precio de venta de una unidad — Este dato falta.").click()
    expect(learner.locator("[data-field=precio]")).to_be_focused()
    for table, amount in (("fijos", "405"), ("variables", "0,55")):
        row = learner.locator(f"[data-table={table}] [data-integra=row]").first
        row.locator("[data-column=concepto]").fill("Todo")
        row.locator("[data-column=monto]").fill(amount)
    for key, text in ANSWERS.items():
        learner.fill(f"[data-field={key}]", text)
    set_signal(learner.context, False)
    learner.click("[data-integra=submit]")
    expect(learner.locator(SHEET_STATUS)).to_contain_text("Tu trabajo espera en este teléfono")
    expect(learner.locator("[data-integra=cancel]")).to_be_visible()

    set_signal(learner.context, True)

    expect(learner.locator(".integra-deliverable-received")).to_contain_text("Versión 1", timeout=20_000)
    assert kept_on_phone(learner) == {}
    learner.get_by_text("Lo que has enviado").click()
    expect(learner.locator("details li").filter(has_text="Versión")).to_have_count(1)
    check_with_axe(learner)


# --- the desk --------------------------------------------------------------------------------------------


def test_a_facilitators_half_written_rating_survives_and_accepts_no_less_than_the_cut(
    classroom: Classroom, learner: Page
) -> None:
    test_sending_without_signal_gives_one_receipt(classroom, learner)
    desk = classroom.sign_in("facilitator")
    classroom.open(desk, "facilitacion")
    check_with_axe(desk)
    desk.locator("[data-integra=rows] button").last.click()
    expect(desk.locator("[data-integra=answers]")).to_contain_text("900")
    check_with_axe(desk)
    for criterion in desk.locator(".integra-desk-criterion").all():
        criterion.locator("input").nth(1).check()
    desk.locator("[data-comment=accion]").fill("Pon un indicador.")
    desk.reload()
    desk.locator("[data-integra=rows] button").last.click()
    expect(desk.locator("[data-comment=accion]")).to_have_value("Pon un indicador.")
    desk.click("[data-integra=accept]")
    expect(desk.locator(".integra-desk > .integra-status")).to_contain_text("solo se puede devolver")
    desk.click("[data-integra=return]")
    expect(desk.locator(".integra-desk > .integra-status")).to_contain_text("Devuelto con 4 de 8.")

    open_sheet(classroom, learner)
    expect(learner.locator(".integra-deliverable-returned")).to_contain_text("Pon un indicador.")
    check_with_axe(learner)
    desk.context.close()


# --- what each block costs a phone -----------------------------------------------------------------------


def test_no_block_costs_more_than_15_kilobytes(
    classroom: Classroom, record_testsuite_property: Callable[[str, object], None]
) -> None:
    weights = {}
    for block_type, place in COURSE_PLACES.items():
        page = classroom.sign_in("facilitator" if block_type == "integra_desk" else "learner")
        if block_type in ("integra_test", "integra_bypass"):
            start(classroom, page, place)
        else:
            classroom.open(page, place)
        weights[block_type] = weigh(page, block_type)
        record_testsuite_property(f"gzip bytes of {block_type}", weights[block_type])
        page.context.close()
    sys.stdout.write("".join(f"{name}: {size} bytes gzip\n" for name, size in weights.items()))
    assert {name: size for name, size in weights.items() if size > MOST_BYTES} == {}


def weigh(page: Page, block_type: str) -> int:
    """Return the block's HTML as it was sent and every file of its own, gzipped one by one."""
    html = page.request.get(page.url).text()
    start = html.index(f"data-block-type='{block_type}'")
    end = html.find("data-block-type='", start + 20)
    part = drop_questions(html[start : end if end != -1 else html.index("</main>")])
    classroom = page.url.split("/unidad/")[0]
    files = set(re.findall(rf"/recurso/{block_type}/[\w./-]+\.(?:css|js)", html))
    assert len(files) >= 2, files
    answers = [page.request.get(f"{classroom}{name}") for name in sorted(files)]
    assert {answer.status for answer in answers} == {200}
    return sum(
        len(gzip.compress(each, 9)) for each in (part.encode(), *(answer.body() for answer in answers))
    )
