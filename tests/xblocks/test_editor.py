"""The editor of questions in Studio: line by line checks, the form, the preview, and what saving changes."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree
from playwright.sync_api import Page, Route, expect

from integra_gradebook import api
from integra_grading.items import Item, bank_digest, item_digest

from .test_browser import browser  # noqa: F401 - a fixture

pytestmark = [pytest.mark.lms, pytest.mark.django_db]

PRACTICE = ("integra_practice", "m06-u03-practica")
TEST = ("integra_test", "prueba")


@pytest.fixture
def test_block(element: Any, twin_items: Any) -> etree._Element:
    digest = bank_digest((item.key, item_digest(item)) for item in twin_items)
    bank = {"bank_id": "prueba-demo", "bank_digest": digest}
    return element("integra_test", items=twin_items, url_name="prueba", kind="post", form_items="8", **bank)


@pytest.fixture
def world(make_world: Any, practice: Any, test_block: Any) -> Any:
    return make_world(practice, test_block)


@pytest.fixture
def studio(world: Any, people: Any) -> Any:
    return world.in_studio(people["aurora"], is_editing=True)


def read_content(studio: Any, place: Any = PRACTICE) -> str:
    html = studio.render(*place).html
    return str(etree.HTML(html).xpath("//textarea[@name='content']")[0].text)


def check(studio: Any, content: str, place: Any = PRACTICE) -> Any:
    answer = studio.handle(*place, "studio_check", {"content": content})
    assert answer.status == 200, answer
    return answer.json


# --- what is checked ---------------------------------------------------------------------------------------


def test_what_the_dialog_shows_is_well_formed_and_previewed(studio: Any) -> None:
    checked = check(studio, read_content(studio))

    assert (checked["problems"], checked["notices"]) == ([], [])
    assert [item["key"] for item in checked["values"]["items"]] == ["m06-u03-q1", "m06-u03-q2"]
    for text in (
        "2 preguntas",
        "Lo justo",
        "Falta restar.",
        "no_resto",
        "1013 empanadas",
        "Se redondea hacia arriba.",
    ):
        assert text in checked["preview"]


@pytest.mark.parametrize(
    ("old", "new", "line_with", "sentence"),
    [
        ("    correct: true", "    error: x", "options:", "m06-u03-q1 · options: Debe haber exactamente una"),
        ("kind: single", "kind: dance", "kind: dance", "m06-u03-q1 · kind: No es ninguna de las palabras"),
        (
            "text: Poco",
            "test: Poco",
            "test: Poco",
            "m06-u03-q1 · options[0].test: Este nombre no significa nada",
        ),
        ("value: '1013'", "value: 1013", "value: 1013", "m06-u03-q2 · answer.value: Se espera un número"),
        (
            "- key: m06-u03-q2",
            "- key: m06-u03-q1",
            "- key: m06-u03-q1",
            "m06-u03-q1: Esta clave está dos veces.",
        ),
        ("- key: c", "- key: a", "options:", "m06-u03-q1 · options: Esta clave está dos veces."),
        ("unit_key: m06", "unit_kei: m06", "unit_kei: m06", "unit_kei: Este nombre no significa nada aquí."),
        (
            "  level: aplicar",
            "  level: aplicar\n  level: x",
            "  level: x",
            "Este nombre está dos veces. Borra uno.",
        ),
        ("  level: aplicar", "  level: [", "  stem", "Esto no es YAML."),
        ("  level: aplicar", "  level: *x", "  level: *x", "No se permiten referencias"),
    ],
)
def test_a_problem_is_named_with_its_line_and_what_to_do(
    studio: Any, old: str, new: str, line_with: str, sentence: str
) -> None:
    content = read_content(studio)
    assert old in content
    content = content.replace(old, new, 1)

    problems = check(studio, content)["problems"]
    [problem] = [each for each in problems if each["sentence"].startswith(sentence)]
    lines = content.split("\n")
    # Where the same words stand twice, the second is the one that is too much.
    assert line_with in lines[problem["line"] - 1], (problem, lines[problem["line"] - 1])


@pytest.mark.parametrize(
    ("place", "name", "bent"),
    [("practice", "shows_all", "no"), ("test", "form_items", "8"), ("test", "form_items", True)],
)
def test_what_a_field_would_turn_into_something_else_is_refused(
    studio: Any, place: str, name: str, bent: object
) -> None:
    where = {"practice": PRACTICE, "test": TEST}[place]
    values = yaml.safe_load(read_content(studio, where)) | {name: bent}

    [problem] = check(studio, yaml.safe_dump(values), where)["problems"]

    assert problem["sentence"].startswith(f"{name}: ")


def test_every_bad_question_is_named_at_once_and_nothing_is_previewed(studio: Any) -> None:
    content = read_content(studio).replace("kind: single", "kind: x").replace("value: '1013'", "value: mil")

    checked = check(studio, content)

    assert [problem["sentence"].split(" · ")[0] for problem in checked["problems"]] == [
        "m06-u03-q1",
        "m06-u03-q2",
    ]
    assert checked["preview"] == ""


def test_a_refused_save_changes_nothing_and_names_every_line(world: Any, studio: Any) -> None:
    before = world.export(*PRACTICE)
    content = read_content(studio).replace("kind: single", "kind: x")

    answer = studio.handle(*PRACTICE, "studio_submit", {"display_name": "x", "content": content})

    assert (answer.status, answer.json["code"]) == (400, "content_invalid")
    [problem] = answer.json["problems"]
    assert "kind: x" in content.split("\n")[problem["line"] - 1]
    assert world.export(*PRACTICE) == before


def test_questions_that_would_go_and_forms_of_another_size_are_said_before_saving(studio: Any) -> None:
    values = yaml.safe_load(read_content(studio, TEST))
    gone = values["items"].pop(0)

    notices = check(studio, yaml.safe_dump(values), TEST)["notices"]

    assert gone["key"] in notices[0]
    assert notices[1] == "La forma A tiene 7 preguntas; se esperan 8."


def test_the_preview_shows_each_form_by_itself(studio: Any) -> None:
    preview = check(studio, read_content(studio, TEST), TEST)["preview"]

    titles = [title.text.strip() for title in etree.HTML(preview).iter("h2")]
    assert titles == ["Forma A: 8 preguntas", "Forma B: 8 preguntas"]


def test_what_a_question_has_beyond_the_form_is_written_back(studio: Any) -> None:
    values = yaml.safe_load(read_content(studio, TEST))

    answer = studio.handle(*TEST, "studio_write", {"values": values})

    assert yaml.safe_load(answer.json["content"]) == values


def test_yaml_keeps_texts_that_look_like_something_else(studio: Any) -> None:
    values = {
        "items": ["no", "1.50", "0x1F", "null", "línea\notra", " a ", "»", "- x", "a: b", "2026-03-01", ""]
    }

    content = studio.handle(*PRACTICE, "studio_write", {"values": values}).json["content"]

    assert yaml.safe_load(content) == values


# --- what saving changes -----------------------------------------------------------------------------------


def test_a_changed_question_keeps_its_key_its_history_and_gets_a_new_digest(
    world: Any, studio: Any, people: Any
) -> None:
    learner = world.as_learner(people["ana"])
    body = {
        "uuid": "6c1a9f3e-0c43-4f0b-9d65-2a9d6f3d8f10",
        "item_key": "m06-u03-q1",
        "response": {"option": "b"},
    }
    assert learner.handle(*PRACTICE, "answer", body).json["is_right"]
    content = read_content(studio).replace("Lo justo", "Lo necesario")
    values = yaml.safe_load(content)
    values["items"].reverse()

    saved = studio.handle(
        *PRACTICE, "studio_submit", {"display_name": "P", "content": yaml.safe_dump(values)}
    )

    assert saved.status == 200
    html = learner.render(*PRACTICE).html
    assert "Lo necesario" in html
    assert html.index("m06-u03-q2") < html.index("m06-u03-q1")
    state = api.get_unit_state(api.Learner(people["ana"].pk, world.course_key), "m06-u03")
    assert state.items_right == ("m06-u03-q1",)


def test_the_digest_of_a_bank_follows_its_questions_and_the_author_is_told(
    world: Any, studio: Any, people: Any
) -> None:
    def problems() -> list[str]:
        return [message.text for message in world.block(*TEST).validate().messages]

    assert problems() == []
    content = read_content(studio, TEST).replace("Lo justo", "Lo necesario", 1)
    assert "digest" not in content

    studio.handle(*TEST, "studio_submit", {"display_name": "Prueba", "content": content})

    block = world.block(*TEST)
    items = [Item.from_dict(dict(raw)) for raw in block.items]
    assert block.bank_digest == bank_digest((item.key, item_digest(item)) for item in items)
    [problem] = problems()
    assert "nadie puede empezar" in problem


def test_editing_exporting_and_importing_again_gives_the_same(
    make_world: Any, world: Any, studio: Any
) -> None:
    content = read_content(studio, TEST).replace("Lo justo", "Lo necesario")
    studio.handle(*TEST, "studio_submit", {"display_name": "Prueba", "content": content})

    exported = world.export(*TEST)
    again = make_world(etree.fromstring(exported))

    assert again.export(*TEST) == exported
    assert again.block(*TEST).items == world.block(*TEST).items


@pytest.mark.parametrize(
    "bent",
    [
        "a: " + "[" * 16_000,
        "a: !!int ''",
        "a: !!timestamp x",
        "a: !!python/name:os.system",
        "? [a]\n: 1",
        "kind: post\nform_items: .inf",
        "kind: post\nform_items: .nan",
        "items:",
        "items: [2024-01-01]",
        "bank_id: {a: 2024-01-01}",
    ],
)
def test_what_no_author_would_write_is_a_problem_and_never_an_error(studio: Any, bent: str) -> None:
    values = yaml.safe_load(read_content(studio, TEST))
    content = bent
    if bent[0] not in "a?":
        changed = yaml.safe_load(bent.replace("2024-01-01", "'DATE'"))
        content = (
            yaml.safe_dump(values | changed)
            .replace("DATE", "2024-01-01")
            .replace("'2024-01-01'", "2024-01-01")
        )

    assert check(studio, content, TEST)["problems"]


@pytest.mark.parametrize("place", [PRACTICE, TEST])
def test_the_dialog_itself_is_nothing_outside_of_studio(world: Any, people: Any, place: Any) -> None:
    """An LMS may be set to render any view by its name."""
    html = world.as_learner(people["ana"]).render(*place, view="studio_view").html
    assert "Falta restar" not in html
    assert "correct" not in html


@pytest.mark.parametrize("handler", ["studio_check", "studio_write"])
def test_a_learner_gets_neither_a_check_nor_a_preview(world: Any, people: Any, handler: str) -> None:
    body = {"content": "{}"} if handler == "studio_check" else {"values": {}}
    answer = world.as_learner(people["ana"]).handle(*PRACTICE, handler, body)
    assert (answer.status, answer.json["code"]) == (403, "not_studio")
    assert "Falta restar" not in json.dumps(answer.json)


# --- in the browser ----------------------------------------------------------------------------------------


# Playwright calls back outside of the test's transaction.
in_browser = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dialog(browser: Any, studio: Any, package_root: Path) -> Iterator[Any]:  # noqa: F811
    """``dialog(place)``: a page with the edit dialog; its requests reach the block through Studio's stand-in."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, locale="es-EC")

    def open_dialog(place: Any, width: int = 1100) -> Page:
        fragment = studio.render(*place).fragment
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        files = [resource.data for resource in fragment.resources if resource.kind == "url"]
        public = {url: package_root / url[url.index("public/") :].split("?")[0] for url in files}
        head = "".join(f'<link rel="stylesheet" href="{url}">' for url in files if url.endswith(".css"))
        scripts = "".join(f'<script src="{url}"></script>' for url in files if url.endswith(".js"))
        start = (
            f"window.told = []; window.{fragment.js_init_fn}({{handlerUrl: (e, name) => '/handler/' + name, "
            f"notify: (name, more) => window.told.push([name, more.state || ''])}}, "
            f"document.getElementById('dialog'), {json.dumps(fragment.json_init_args)});"
        )
        html = (
            f'<!doctype html><html lang="es"><meta charset="utf-8"><title>Studio</title>{head}'
            f'<div id="dialog">{fragment.content}</div>{scripts}<script>{start}</script></html>'
        )

        def answer(route: Route) -> None:
            url = route.request.url
            path = url.removeprefix("http://studio.test")
            if path == "/":
                route.fulfill(body=html, content_type="text/html")
            elif path.startswith("/handler/"):
                reply = studio.handle(*place, path.rpartition("/")[2], route.request.post_data_buffer)
                route.fulfill(status=reply.status, json=reply.json)
            else:
                name = "public/" + url.partition("public/")[2]
                file = public.get(path) or package_root / name
                kind = mimetypes.guess_type(str(file))[0] or "text/plain"
                route.fulfill(body=file.read_bytes(), content_type=kind)

        page.route("**/*", answer)
        page.goto("http://studio.test/")
        return page

    yield open_dialog
    context.close()


def open_item(page: Page, text: str) -> Any:
    item = page.locator("details.integra-edit-item").filter(has_text=text).first
    item.locator("summary").click()
    return item


@in_browser
def test_an_author_changes_a_text_in_the_form_and_saves(world: Any, dialog: Any, find_barriers: Any) -> None:
    page = dialog(PRACTICE)
    expect(page.get_by_role("tab", name="Preguntas")).to_have_attribute("aria-selected", "true")
    item = open_item(page, "m06-u03-q1")
    expect(item.get_by_label("Clave").first).to_have_attribute("readonly", "")
    assert find_barriers(page, "#dialog") == []

    item.get_by_label("Texto").nth(1).fill("Lo necesario")
    page.get_by_role("button", name="Guardar").click()

    page.wait_for_function("window.told.some((each) => each[1] === 'end')")
    raw = world.block(*PRACTICE).items[0]
    assert raw["options"][1] == {
        "key": "b",
        "text": "Lo necesario",
        "feedback": "<p>Bien & completo.</p>",
        "correct": True,
    }
    assert page.errors == []


@in_browser
def test_a_save_pressed_during_a_check_is_done_once(world: Any, dialog: Any) -> None:
    page = dialog(PRACTICE)
    open_item(page, "m06-u03-q2")
    page.evaluate(
        """() => {
          const press = (name) => [...document.querySelectorAll('button')].find((b) => b.textContent === name).click();
          press('Comprobar');
          press('Guardar');
          press('Guardar');
        }"""
    )
    page.wait_for_function("window.told.some((each) => each[1] === 'end')")
    expect(page.get_by_text("Todo está bien escrito.")).to_be_visible()
    page.wait_for_timeout(500)
    assert [each[1] for each in page.evaluate("window.told")] == ["start", "end"]


@in_browser
def test_a_question_that_was_only_looked_at_stays_what_it_is(world: Any, studio: Any, dialog: Any) -> None:
    values = yaml.safe_load(read_content(studio))
    values["items"][0]["options"][1]["text"] = " Lo justo  "
    studio.handle(*PRACTICE, "studio_submit", {"display_name": "x", "content": yaml.safe_dump(values)})
    before = world.block(*PRACTICE).items
    assert before[0]["options"][1]["text"] == " Lo justo  "
    page = dialog(PRACTICE)

    open_item(page, "m06-u03-q1")
    page.get_by_role("button", name="Guardar").click()

    page.wait_for_function("window.told.some((each) => each[1] === 'end')")
    assert world.block(*PRACTICE).items == before
    assert page.errors == []


@in_browser
@pytest.mark.parametrize(
    "kind", ["Una opción", "Varias opciones", "Un número", "Ordenar", "Emparejar", "Llenar una tabla"]
)
def test_a_question_of_every_kind_is_made_in_the_form(world: Any, dialog: Any, kind: str) -> None:
    page = dialog(PRACTICE)
    page.get_by_label("Pregunta nueva").select_option(label=kind)
    page.get_by_role("tabpanel").get_by_role("button", name="Agregar").last.click()
    item = page.locator("details.integra-edit-item").last
    expect(item.get_by_label("Clave").first).to_have_value("m06-u03-q3")
    item.get_by_label("Resultado de aprendizaje").fill("6.3")
    item.get_by_label("Nivel").fill("aplicar")
    item.get_by_label("Pregunta", exact=True).fill("<p>¿Cuál es?</p>")

    def add(legend: str, **texts: str) -> Any:
        sets = item.locator("fieldset.integra-edit-set").filter(
            has=page.locator(f"legend:text-is('{legend}')")
        )
        holder = sets.last if legend == "Casillas" else sets.first
        holder.locator("> div > button").click()
        row = holder.locator("> div > div > .integra-edit-row").last
        for label, text in texts.items():
            row.get_by_label(label.replace("_", " "), exact=True).first.fill(text)
        return row

    if kind in ("Una opción", "Varias opciones"):
        for text in ("Uno", "Dos", "Tres"):
            row = add("Opciones", Texto=text)
            if text != "Uno":
                row.get_by_label("Equivocación que hay detrás").fill("otra")
            else:
                row.get_by_label("Es correcta").check()
    elif kind == "Un número":
        item.get_by_label("Número correcto").fill("0.45")
        item.get_by_label("Unidad", exact=True).fill("USD")
    elif kind == "Ordenar":
        for text in ("Uno", "Dos", "Tres"):
            add("Pasos", Texto=text)
    elif kind == "Emparejar":
        for key in ("fijo", "variable"):
            add("Grupos", Clave=key, Texto=key)
        for key, target in (("arriendo", "fijo"), ("harina", "variable")):
            add("Lo que se empareja", Clave=key, Texto=key, Clave_del_grupo_al_que_pertenece=target)
    else:
        for key in ("precio", "margen"):
            add("Columnas", Clave=key, Texto=key)
        add("Filas", Clave="pan", Título_de_la_fila="Pan")
        add("Casillas", Clave_de_su_columna="precio", Texto_dado="0,50")
        add("Casillas", Clave_de_su_columna="margen", Número_correcto="0.20")

    page.get_by_role("button", name="Comprobar").click()
    expect(page.get_by_text("Todo está bien escrito.")).to_be_visible()
    page.get_by_role("button", name="Guardar").click()
    page.wait_for_function("window.told.some((each) => each[1] === 'end')")
    made = Item.from_dict(dict(world.block(*PRACTICE).items[-1]))
    assert (made.key, made.outcome, made.level) == ("m06-u03-q3", "6.3", "aplicar")
    assert page.errors == []


@in_browser
def test_a_problem_leads_to_its_line_in_the_text(world: Any, dialog: Any) -> None:
    page = dialog(PRACTICE)
    item = open_item(page, "m06-u03-q2")
    item.get_by_label("Número correcto").fill("mil")
    page.get_by_role("button", name="Guardar").click()
    problem = page.get_by_role("button", name="m06-u03-q2 · answer.value")
    expect(problem).to_be_visible()

    problem.click()

    expect(page.get_by_role("tab", name="Todo como texto")).to_have_attribute("aria-selected", "true")
    selected = page.evaluate(
        "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.querySelector('textarea[name=content]'))"
    )
    assert selected.strip() == "value: mil"
    assert world.block(*PRACTICE).items[1]["answer"]["value"] == "1013"


@in_browser
def test_the_preview_is_a_phone_with_each_form_and_text_that_cannot_be_read_keeps_the_author_in_it(
    dialog: Any,
) -> None:
    page = dialog(TEST)
    page.get_by_role("tab", name="Vista previa").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Forma A: 8 preguntas")).to_be_visible()
    expect(frame.get_by_text("Falta restar.").first).to_be_visible()

    page.get_by_role("tab", name="Todo como texto").click()
    page.locator("textarea[name=content]").fill("kind: [")
    page.get_by_role("tab", name="Preguntas").click()
    expect(page.get_by_text("Corrige primero lo marcado")).to_be_visible()
    expect(page.get_by_role("tab", name="Todo como texto")).to_have_attribute("aria-selected", "true")
    assert page.errors == []
