"""The classroom renders; it lets nobody act as somebody else, and offers nothing without login."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client

from integra_aula.course import get_course
from integra_aula.runtime import STORE, AulaRuntime
from integra_gradebook.models import LearnerPseudonym

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(learner) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    return client


def usage_of(url_name: str) -> str:
    return get_course().usage_by_url_name[url_name]


def first_of(block_type: str) -> str:
    return next(usage for usage in get_course().usage_by_url_name.values() if f".{block_type}." in usage)


def post(client: Client, usage_id: str, handler: str, body: object, *, token: bool = True):
    client.get("/unidad/" + next(get_course().units())[2].key + "/")
    headers = {"x-csrftoken": client.cookies["csrftoken"].value} if token else {}
    return client.post(
        f"/bloque/{usage_id}/{handler}/", json.dumps(body), content_type="application/json", headers=headers
    )


def test_pages_ask_for_login() -> None:
    unit_key = next(get_course().units())[2].key
    for address in ("/", f"/unidad/{unit_key}/"):
        response = Client().get(address)

        assert (response.status_code, response["Location"]) == (302, f"/entrar/?next={address}")


def test_every_unit_of_the_course_renders(browser: Client) -> None:
    for _chapter, _section, unit in get_course().units():
        response = browser.get(f"/unidad/{unit.key}/")

        assert response.status_code == 200
        assert response.content.decode().count("data-usage-id=") == len(unit.block_ids), unit.key


def test_every_picture_of_the_course_is_there(browser: Client) -> None:
    pictures = set()
    for _chapter, _section, unit in get_course().units():
        pictures |= set(
            re.findall(r'src="(/static/[^"]+)"', browser.get(f"/unidad/{unit.key}/").content.decode())
        )

    assert len(pictures) >= 3
    for address in pictures:
        answer = browser.get(address)
        assert (answer.status_code, answer["Content-Type"].partition("/")[0]) == (200, "image"), address
        assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["no.svg", "..%2Fcourse.xml", ".x", "%00", "..", "m06%2F..%2Fcourse.xml"])
def test_only_the_courses_own_pictures_are_served(browser: Client, name: str) -> None:
    assert browser.get(f"/static/{name}").status_code == 404


def test_one_chapter_is_open_and_it_is_the_one_to_go_on_with(browser: Client) -> None:
    text = browser.get("/").content.decode()

    assert text.count("<details") == len(get_course().chapters) - 1  # the desk is not in it
    assert re.findall(r"<details[^>]* open>\s*<summary><h2>([^<]+)", text) == ["Empieza aquí"]


def test_outline_lists_the_sections_and_hides_the_desk(browser: Client) -> None:
    text = browser.get("/").content.decode()

    for chapter, section, _unit in get_course().units():
        assert (section.title in text) == section.is_in_outline, (chapter.title, section.title)


def test_a_place_is_found_by_its_key(browser: Client) -> None:
    for url_name in get_course().usage_by_url_name:
        assert browser.get(f"/jump_to_id/{url_name}").status_code == 302
    assert browser.get("/jump_to_id/no-such-place").status_code == 404


def test_a_handler_without_login_is_refused() -> None:
    response = Client().post(
        f"/bloque/{first_of('integra_lesson')}/complete/", "{}", content_type="application/json"
    )

    assert (response.status_code, response.json()["code"]) == (403, "unauthenticated")
    assert LearnerPseudonym.objects.count() == 0


def test_a_post_without_csrf_token_is_refused(browser: Client) -> None:
    assert post(browser, first_of("integra_lesson"), "complete", {}, token=False).status_code == 403


@pytest.mark.parametrize("path", ["integra.no.d0.u0/complete/", "x/y/", "..%2f/complete/"])
def test_unknown_blocks_and_handlers_are_not_found(browser: Client, path: str) -> None:
    assert browser.get(f"/bloque/{path}").status_code == 404
    assert browser.get(f"/bloque/{first_of('integra_lesson')}/no_such_handler/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "integra_lesson/lesson.py",
        "integra_lesson/public/../lesson.py",
        "no_block/public/x.js",
        "integra_lesson/public/no.js",
    ],
)
def test_only_public_files_are_served(browser: Client, path: str) -> None:
    assert browser.get(f"/recurso/{path}").status_code == 404


def test_the_session_says_who_acts_and_never_the_address(learner) -> None:
    runtime = AulaRuntime(learner)
    runtime.user_id = "999"

    block = runtime.get_block(first_of("integra_lesson"))

    assert block.scope_ids.user_id == str(learner.pk)


def test_handlers_run_outside_any_transaction(learner) -> None:
    block = AulaRuntime(learner).get_block(first_of("integra_lesson"))

    assert connection.in_atomic_block is False
    assert (
        block.runtime.service(block, "enrollments").get_active_enrollments_by_course(block.runtime.course_id)
        != []
    )


def test_usage_keys_are_those_of_the_lms_and_do_not_depend_on_order(learner) -> None:
    runtime = AulaRuntime(learner)

    keys = {
        name: runtime.usage_key_of(runtime.get_block(usage))
        for name, usage in get_course().usage_by_url_name.items()
    }

    assert all(
        key.startswith("block-v1:INTEGRA+CAP40+demo+type@") and key.endswith(f"block@{name}")
        for name, key in keys.items()
    )
    assert all(usage.endswith(".d0.u0") for usage in get_course().usage_by_url_name.values())


def test_content_stays_in_memory_and_reaches_no_table(learner) -> None:
    from workbench.models import XBlockState

    get_course()

    assert XBlockState.objects.filter(user_id=None).count() == 0
    assert STORE is not None


def test_an_address_that_leads_nowhere_shows_the_way_back(browser: Client) -> None:
    answer = browser.get("/no-existe")
    assert answer.status_code == 404
    assert 'href="/">tu curso</a>' in answer.content.decode()
