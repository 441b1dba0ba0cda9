"""The lesson, in both runtimes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from integra_gradebook import api

LESSON = ("integra_lesson", "m06-u03-leccion")


@pytest.fixture
def world(make_world: Any, lesson: Any) -> Any:
    return make_world(lesson)


def test_the_page_shows_every_section_with_its_title_and_sanitised_text(world: Any, people: Any) -> None:
    page = world.as_learner(people["ana"]).render(*LESSON)

    assert "<p>Las ventas &amp; la <strong>ganancia</strong>.</p>" in page.html
    for kind in ("objectives", "prediction", "text", "example", "activity", "closing"):
        assert f"Parte {kind}" in page.html
    assert "<summary>margen</summary><p>Precio menos costo variable.</p>" in page.html
    assert "Llegué al final" in page.html
    assert "Vista previa" not in page.html
    assert page.init_function == "IntegraLesson"


def test_what_an_author_types_cannot_become_markup_that_acts(
    make_world: Any, make_lesson: Any, people: Any
) -> None:
    node = make_lesson()
    node.set("display_name", "<script>alert('nombre')</script>")
    node[0].set("title", '"><img src=x onerror=alert(1)>')
    node[0].text = "<p onclick='alert(2)'>hola<script>alert(3)</script></p>"
    node[-1].text = "<b>definición</b>{{ 7 }}"

    html = make_world(node).as_learner(people["ana"]).render(*LESSON).html

    assert "<script>alert" not in html
    assert "onclick=" not in html
    assert "<img src=x" not in html
    assert "&lt;b&gt;definición&lt;/b&gt;{{ 7 }}" in html


def test_the_end_is_recorded_once_however_often_it_is_sent(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    learner = api.Learner(people["ana"].pk, world.course_key)
    body = {"uuid": str(uuid4())}

    first = visit.handle(*LESSON, "finish", body)
    second = visit.handle(*LESSON, "finish", body)

    assert first == (200, {"is_lesson_done": True, "is_unit_complete": False})
    assert second == first
    assert api.get_unit_state(learner, "m06-u03").is_lesson_done
    assert not api.get_unit_state(api.Learner(people["beto"].pk, world.course_key), "m06-u03").is_lesson_done
    assert 'data-integra="finish" hidden' in visit.render(*LESSON).html


def test_a_uuid_of_somebody_else_is_refused(world: Any, people: Any) -> None:
    body = {"uuid": str(uuid4())}
    assert world.as_learner(people["ana"]).handle(*LESSON, "finish", body).status == 200

    status, answer = world.as_learner(people["beto"]).handle(*LESSON, "finish", body)

    assert (status, answer["code"]) == (409, "uuid_reused")
    assert not api.get_unit_state(api.Learner(people["beto"].pk, world.course_key), "m06-u03").is_lesson_done


def test_ticks_right_after_each_other_add_no_time(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    answers = [visit.handle(*LESSON, "tick", {}) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert all(answer.json["active_seconds"] <= 1 for answer in answers)


def test_a_lesson_of_an_unknown_unit_still_shows_its_text(
    make_world: Any, make_lesson: Any, people: Any
) -> None:
    node = make_lesson()
    node.set("unit_key", "m99-u01")
    visit = make_world(node).as_learner(people["ana"])

    html = visit.render(*LESSON).html
    assert 'role="alert"' in html
    assert "Las ventas" in html
    status, answer = visit.handle(*LESSON, "finish", {"uuid": str(uuid4())})
    assert (status, answer["code"]) == (400, "unit_unknown")


def test_without_registered_rules_the_text_is_shown_and_nothing_is_stored(
    make_world: Any, lesson: Any, people: Any, count_rows: Any
) -> None:
    visit = make_world(lesson, is_registered=False).as_learner(people["ana"])
    before = count_rows()

    assert "Las ventas" in visit.render(*LESSON).html
    status, answer = visit.handle(*LESSON, "finish", {"uuid": str(uuid4())})
    assert (status, answer["code"]) == (409, "course_not_registered")
    assert count_rows() == before


@pytest.mark.lms
def test_the_end_is_told_to_the_platform(world: Any, people: Any, tracking: None) -> None:
    from completion.models import BlockCompletion

    world.as_learner(people["ana"]).handle(*LESSON, "finish", {"uuid": str(uuid4())})

    rows = BlockCompletion.objects.values_list("user__username", "block_key", "completion")
    assert [(name, str(key), value) for name, key, value in rows] == [("ana", world.usage_key(*LESSON), 1.0)]
