"""Lesson and practice on a phone: a real browser, the classroom's pages, signal that comes and goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from lxml import etree
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from integra_gradebook import api

pytestmark = [pytest.mark.aula, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 360, "height": 740}
FINISH = "**/finish/*"
ANSWER = "**/answer/*"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's event loop runs in this thread; Django would take the tests for asynchronous code.
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def show_unit(monkeypatch: pytest.MonkeyPatch, make_manifest: Any) -> Callable[..., str]:
    """``show_unit(*blocks)``: the classroom's course becomes one page with these blocks; returns its path."""
    from integra_aula import course as aula_course
    from integra_aula.runtime import AulaRuntime

    def show(*blocks: etree._Element) -> str:
        runtime = AulaRuntime(None)
        usages = {}
        for number, node in enumerate(blocks):
            usages[f"{node.get('url_name')}-{number}"] = runtime.load_block(node)
        unit = aula_course.Unit("unidad", "Unidad", tuple(usages.values()))
        section = aula_course.Section("seccion", "Sección", (unit,), True)
        chapter = aula_course.Chapter("capitulo", "Capítulo", (section,))
        monkeypatch.setattr(aula_course, "_loaded", [aula_course.Course("Curso", (chapter,), usages)])
        api.register_course(runtime.course_id, make_manifest())
        return "/unidad/unidad/"

    return show


@pytest.fixture
def open_phone(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """``open_phone(user, path)``: a page of a new browser in which ``user`` is logged in."""
    contexts: list[BrowserContext] = []

    def open_page(user: Any, path: str, context: BrowserContext | None = None) -> Page:
        client = Client()
        client.force_login(user)
        if context is None:
            context = browser.new_context(viewport=PHONE, locale="es-EC", reduced_motion="reduce")
            contexts.append(context)
        context.clear_cookies()
        cookie = client.cookies["aula_session"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(live_server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.set_offline(True)  # pages that close still hand their posts to the browser
        context.close()
    wait_for_server_threads()


def wait_for_server_threads() -> None:
    """Return when no request is under way: the test's database is about to be emptied."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any("process_request_thread" in thread.name for thread in threading.enumerate()):
            return
        time.sleep(0.02)


def kept(page: Page) -> list[str]:
    """Return the names of what the phone keeps: note, answers, finish."""
    keys = page.evaluate("Object.keys(localStorage)")
    return sorted(key.split(":")[4] for key in keys)


def test_a_lesson_is_finished_by_touch_and_fits_the_screen(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Llegué al final").click()

    expect(page.get_by_text("Terminaste esta lección.")).to_be_visible()
    expect(page.get_by_text("Ahora sigue con la práctica")).to_be_visible()
    assert kept(page) == []
    page.reload()
    expect(page.get_by_text("Terminaste esta lección.")).to_be_visible()
    assert page.errors == []


def test_the_prediction_stays_on_the_phone_and_is_for_its_learner_only(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    path = show_unit(lesson)
    page = open_phone(people["ana"], path)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.get_by_label("Tu respuesta, antes de leer").fill("Sí <b>gana</b>")

    page.reload()

    expect(page.get_by_text("Antes de leer anotaste: Sí <b>gana</b>")).to_be_visible()
    assert page.get_by_label("Tu respuesta, antes de leer").input_value() == "Sí <b>gana</b>"
    assert not [body for body in sent if "gana" in body]
    other = open_phone(people["beto"], path, page.context)
    assert other.get_by_label("Tu respuesta, antes de leer").input_value() == ""
    assert "<b>gana</b>" not in other.inner_text("article")


def test_without_signal_the_end_waits_on_the_phone_and_is_sent_when_it_returns(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    page.context.set_offline(True)
    page.get_by_role("button", name="Llegué al final").click()

    expect(page.get_by_role("status").last).to_have_text(
        "Guardado en este teléfono. Se enviará cuando haya señal."
    )
    assert kept(page) == ["finish"]

    page.context.set_offline(False)
    expect(page.get_by_text("Terminaste esta lección.")).to_be_visible()
    assert kept(page) == []


def test_what_waited_is_sent_when_the_page_is_opened_again(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    page.route(FINISH, lambda route: route.abort())
    page.get_by_role("button", name="Llegué al final").click()
    expect(page.get_by_role("status").last).to_contain_text("Guardado en este teléfono")

    page.unroute(FINISH)
    page.reload()

    expect(page.get_by_text("Terminaste esta lección.")).to_be_visible()
    assert kept(page) == []


def test_an_answer_lost_on_its_way_back_is_asked_for_again_and_counts_once(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any, live_server: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    received: list[int] = []

    def lose_the_first(route: Any) -> None:
        response = route.fetch()
        received.append(response.status)
        if len(received) == 1:
            route.abort()
        else:
            route.fulfill(response=response)

    page.route(FINISH, lose_the_first)
    page.get_by_role("button", name="Llegué al final").click()

    expect(page.get_by_text("Terminaste esta lección.")).to_be_visible(timeout=10_000)
    assert received == [200, 200]


@pytest.mark.parametrize(
    ("status", "content_type", "body", "sentence"),
    [
        (200, "text/html", "<form>Entrar</form>", "Tu sesión se cerró."),
        (403, "text/html", "CSRF", "Tu sesión se cerró."),
        (500, "text/html", "boom", "Todavía no se pudo enviar."),
        (429, "application/json", '{"code": "busy", "message": "x"}', "Todavía no se pudo enviar."),
    ],
)
def test_what_is_no_receipt_keeps_the_work_on_the_phone(
    show_unit: Any,
    open_phone: Any,
    lesson: Any,
    people: Any,
    status: int,
    content_type: str,
    body: str,
    sentence: str,
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    page.route(FINISH, lambda route: route.fulfill(status=status, content_type=content_type, body=body))

    page.get_by_role("button", name="Llegué al final").click()

    expect(page.get_by_role("status").last).to_contain_text(sentence)
    assert kept(page) == ["finish"]


def test_leaving_the_page_hands_the_waiting_post_to_the_browser(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    page.route(FINISH, lambda route: route.abort())
    page.get_by_role("button", name="Llegué al final").click()
    expect(page.get_by_role("status").last).to_contain_text("Guardado")
    page.unroute(FINISH)

    with page.expect_request(FINISH) as sent:
        page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")

    assert sent.value.headers["x-csrftoken"]


def test_a_practice_is_done_by_keyboard_with_feedback_after_each_try(
    show_unit: Any, open_phone: Any, practice: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(practice))
    page.get_by_role("radio", name="Poco").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Todavía no.Falta restar.")).to_be_visible()

    page.get_by_role("radio", name="Lo justo").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("¡Correcto!Bien & completo.")).to_be_visible()
    expect(page.get_by_text("1 de 2 listas")).to_be_visible()

    page.get_by_role("button", name="Siguiente").press("Enter")
    page.get_by_label("Tu respuesta, en empanadas").fill("1.013")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Respondiste todo bien. Esta práctica está completa.")).to_be_visible()
    assert page.errors == []


def test_tries_made_without_signal_show_their_feedback_later(
    show_unit: Any, open_phone: Any, practice: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(practice))
    page.context.set_offline(True)
    page.get_by_text("Lo justo").click()
    page.get_by_role("button", name="Comprobar").click()
    expect(page.get_by_text("Verás la respuesta cuando haya señal.")).to_be_visible()
    assert kept(page) == ["answers"]

    page.context.set_offline(False)
    expect(page.get_by_text("¡Correcto!Bien & completo.")).to_be_visible()
    assert kept(page) == []


def test_nothing_chosen_is_said_and_not_sent(
    show_unit: Any, open_phone: Any, practice: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(practice))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.get_by_role("button", name="Comprobar").click()
    expect(page.get_by_text("Primero elige una respuesta.")).to_be_visible()
    assert "POST" not in sent


def test_several_blocks_of_a_type_live_on_one_page(
    show_unit: Any, open_phone: Any, make_lesson: Any, people: Any
) -> None:
    second = make_lesson()
    second.set("url_name", "otra-leccion")
    second.set("unit_key", "m04-u03")
    page = open_phone(people["ana"], show_unit(make_lesson(), second))

    page.get_by_role("button", name="Llegué al final").nth(1).click()

    expect(page.get_by_text("Terminaste esta lección.").nth(1)).to_be_visible()
    expect(page.get_by_text("Terminaste esta lección.").nth(0)).to_be_hidden()
    ids = page.evaluate("Array.from(document.querySelectorAll('[id]'), (element) => element.id)")
    assert len(ids) == len(set(ids))


def test_a_block_that_cannot_start_does_not_stop_the_next_one(
    show_unit: Any, open_phone: Any, make_lesson: Any, people: Any
) -> None:
    second = make_lesson()
    second.set("url_name", "otra-leccion")
    path = show_unit(make_lesson(), second)
    page = open_phone(people["ana"], path)

    def break_the_first(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace('data-integra="finish"', "", 1))

    page.route("**/unidad/**", break_the_first)
    page.reload()

    page.get_by_role("button", name="Llegué al final").nth(1).click()
    expect(page.get_by_text("Terminaste esta lección.").nth(1)).to_be_visible()
    expect(page.get_by_text("Esta parte no pudo empezar.")).to_be_visible()


def test_a_page_asks_no_other_host_and_sends_nothing_while_it_loads(
    show_unit: Any, open_phone: Any, lesson: Any, practice: Any, people: Any, live_server: Any
) -> None:
    path = show_unit(lesson, practice)
    page = open_phone(people["ana"], "/salud/")
    asked: list[str] = []
    methods: list[str] = []
    page.on("request", lambda request: (asked.append(request.url), methods.append(request.method)))
    page.goto(live_server.url + path)
    page.wait_for_load_state("networkidle")
    assert [method for method in methods if method != "GET"] == []
    assert {url.split("/")[2] for url in asked} == {live_server.url.split("/")[2]}


FAKE_SPEECH = """
window.spoken = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
const voices = [
  { lang: "es-EC", name: "de la red", localService: false },
  { lang: "en-US", name: "English", localService: true },
  { lang: "es-MX", name: "del teléfono", localService: true },
];
Object.defineProperty(window, "speechSynthesis", { value: {
  getVoices: () => voices, addEventListener() {}, cancel() { window.spoken.push("—"); },
  speak(utterance) { window.spoken.push(utterance.voice.name + ": " + utterance.text); },
} });
"""


def test_a_section_is_read_aloud_by_a_voice_of_the_phone_only(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    page.add_init_script(FAKE_SPEECH)
    page.reload()

    button = page.get_by_role("button", name="Parte text")
    button.click()
    expect(button).to_contain_text("Parar")
    button.click()
    expect(button).to_contain_text("Escuchar")

    said = [text for text in page.evaluate("window.spoken") if text != "—"]
    assert said == ["del teléfono: Parte text", "del teléfono: Las ventas & la ganancia."]


def test_without_a_voice_of_the_phone_nothing_is_offered(
    show_unit: Any, open_phone: Any, lesson: Any, people: Any
) -> None:
    page = open_phone(people["ana"], show_unit(lesson))
    page.add_init_script(FAKE_SPEECH.replace("localService: true", "localService: false"))
    page.reload()

    expect(page.get_by_role("button", name="Llegué al final")).to_be_visible()
    assert page.get_by_role("button", name="Escuchar").count() == 0
