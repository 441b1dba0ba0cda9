"""The practice, in both runtimes."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from integra_gradebook import api

PRACTICE = ("integra_practice", "m06-u03-practica")
RIGHT = {"m06-u03-q1": {"option": "b"}, "m06-u03-q2": {"number": "1.013"}}


@pytest.fixture
def world(make_world: Any, practice: Any) -> Any:
    return make_world(practice)


def answer(visit: Any, key: str, response: Any, uuid: str | None = None) -> Any:
    body = {"uuid": uuid or str(uuid4()), "item_key": key, "response": response}
    return visit.handle(*PRACTICE, "answer", body)


def test_neither_the_page_nor_its_arguments_hold_a_key_or_feedback(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    page = visit.render(*PRACTICE)
    whole = page.html + json.dumps(page.init_args, ensure_ascii=False)

    assert "Lo justo" in whole  # the page with what could leak
    for secret in (
        "Falta restar",
        "Bien &amp; completo",
        "Bien & completo",
        "no_resto",
        "1013",
        "correct",
        "hacia arriba",
    ):
        assert secret not in whole


def test_each_option_has_its_own_feedback_after_the_try(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])

    wrong = answer(visit, "m06-u03-q1", {"option": "a"})
    right = answer(visit, "m06-u03-q1", {"option": "b"})

    assert wrong.status == right.status == 200
    assert (wrong.json["is_right"], wrong.json["feedback"], wrong.json["items_right"]) == (
        False,
        "Falta restar.",
        [],
    )
    assert (right.json["is_right"], right.json["feedback"]) == (True, "Bien & completo.")
    assert right.json["items_right"] == ["m06-u03-q1"]
    assert not right.json["is_complete"]


def test_a_number_is_read_as_people_type_it(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])

    assert answer(visit, "m06-u03-q2", {"number": "1.012,5"}).json["feedback"] == "Divide para el margen."
    assert answer(visit, "m06-u03-q2", {"number": " 1.013 "}).json["is_right"]
    status, refusal = answer(visit, "m06-u03-q2", {"number": "mil trece"})
    assert (status, refusal["code"]) == (400, "response_invalid")
    assert "número" in refusal["message"]


def test_it_is_complete_when_each_item_was_right_once_and_stays_so(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    learner = api.Learner(people["ana"].pk, world.course_key)

    answers = [answer(visit, key, response) for key, response in RIGHT.items()]
    later = answer(visit, "m06-u03-q1", {"option": "c"})

    assert [each.json["is_complete"] for each in answers] == [False, True]
    assert later.json["is_complete"]
    assert api.get_unit_state(learner, "m06-u03").items_right == tuple(RIGHT)
    assert "Esta práctica está completa" in visit.render(*PRACTICE).html


def test_the_last_right_answer_completes_a_unit_whose_lesson_is_done(
    make_world: Any, lesson: Any, practice: Any, people: Any
) -> None:
    visit = make_world(lesson, practice).as_learner(people["ana"])
    visit.handle("integra_lesson", "m06-u03-leccion", "finish", {"uuid": str(uuid4())})

    answers = [answer(visit, key, response) for key, response in RIGHT.items()]

    assert [each.json["is_unit_complete"] for each in answers] == [False, True]


def test_the_same_try_sent_twice_is_one_try_with_the_same_answer(
    world: Any, people: Any, count_rows: Any
) -> None:
    visit = world.as_learner(people["ana"])
    uuid = str(uuid4())

    first = answer(visit, "m06-u03-q1", {"option": "b"}, uuid)
    rows = count_rows()
    second = answer(visit, "m06-u03-q1", {"option": "b"}, uuid)

    assert second == first
    assert count_rows() == rows


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"item_key": "pp-1-a"}, 400, "item_unknown"),
        ({"response": {"option": "z"}}, 400, "response_invalid"),
        ({"response": {"option": "no_lo_se"}}, 400, "response_invalid"),
        ({"response": {"number": "1"}}, 400, "response_invalid"),
        ({"response": {}}, 400, "response_invalid"),
        ({"response": []}, 400, "wrong_type"),
        ({"response": {"option": ["b"]}}, 400, "response_invalid"),
        ({"score": 1}, 400, "unknown_field"),
        ({"is_right": True}, 400, "unknown_field"),
        ({"uuid": "x"}, 400, "not_a_uuid"),
    ],
)
def test_bad_tries_are_refused_with_a_code_and_leave_nothing(
    world: Any, people: Any, count_rows: Any, changes: dict[str, Any], status: int, code: str
) -> None:
    visit = world.as_learner(people["ana"])
    answer(visit, "m06-u03-q1", {"option": "a"})  # the learner's rows exist
    before = count_rows()
    body = {"uuid": str(uuid4()), "item_key": "m06-u03-q1", "response": {"option": "b"}, **changes}

    refused = visit.handle(*PRACTICE, "answer", body)

    assert (refused.status, refused.json["code"]) == (status, code)
    assert refused.json["message"]
    assert count_rows() == before


def test_options_come_in_one_order_per_learner(world: Any, people: Any) -> None:
    def order(name: str) -> list[int]:
        html = world.as_learner(people[name]).render(*PRACTICE).html
        return [html.index(f'value="{key}"') for key in "abc"]

    assert order("ana") == order("ana")


@pytest.mark.lms
def test_completion_is_told_to_the_platform_when_everything_was_right(
    world: Any, people: Any, tracking: None
) -> None:
    from completion.models import BlockCompletion

    visit = world.as_learner(people["ana"])
    answer(visit, "m06-u03-q1", {"option": "b"})
    assert list(BlockCompletion.objects.all()) == []
    answer(visit, "m06-u03-q2", {"number": "1013"})

    assert [row.completion for row in BlockCompletion.objects.all()] == [1.0]
