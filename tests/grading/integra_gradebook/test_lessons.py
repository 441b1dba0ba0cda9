"""Lessons, practices and the time spent."""

from datetime import timedelta
from uuid import uuid4

import pytest

from integra_gradebook import api


def test_a_unit_is_complete_once_its_lesson_is_read_and_every_item_was_right_once(classroom):
    ana = classroom.learner()

    assert classroom.read(ana, "m04-u03").is_complete is False
    assert classroom.answer(ana, "m04-u03", item=0).unit.is_complete is False
    wrong = classroom.answer(ana, "m04-u03", item=1, option="a")
    assert (wrong.is_right, wrong.feedback) == (False, "<p>Falta restar.</p>")
    right = classroom.answer(ana, "m04-u03", item=1)

    assert right.unit == api.UnitState(
        unit_key="m04-u03",
        is_lesson_done=True,
        items_right=("m04-u03-q1", "m04-u03-q2"),
        items_due=("m04-u03-q1", "m04-u03-q2"),
        is_complete=True,
        active_seconds=0,
    )
    assert api.get_unit_state(ana, "m04-u03") == right.unit


@pytest.mark.parametrize("order", [("read", "answer"), ("answer", "read")])
def test_completion_is_said_once_in_whichever_order(classroom, order):
    ana = classroom.learner()
    for step in (*order, *order):
        getattr(classroom, step)(ana)

    assert classroom.said(ana).count("unit.completed") == 1
    assert classroom.last_said("unit.completed") == {
        "city_key": "quito",
        "cohort_key": "quito-2026-1",
        "course_key": classroom.key,
        "rule_version": classroom.course.manifest["digest"],
        "unit_key": "m06-u03",
        "declared_minutes": 36,
        "active_minutes": 0,
    }


def test_an_item_answered_right_stays_right_after_a_wrong_answer(classroom):
    ana = classroom.learner()
    classroom.answer(ana)
    assert classroom.answer(ana, option="c").unit.items_right == ("m06-u03-q1",)


def test_a_repeated_answer_gives_the_stored_result_even_with_another_response(classroom, tools):
    ana, uuid = classroom.learner(), uuid4()
    first = classroom.answer(ana, option="a", uuid=uuid)
    rows = tools.count_rows()

    assert classroom.answer(ana, option="b", uuid=uuid) == first
    assert tools.count_rows() == rows


def test_a_second_reading_writes_nothing(classroom, tools):
    ana = classroom.learner()
    first = classroom.read(ana)
    rows = tools.count_rows()
    assert classroom.read(ana) == first
    assert tools.count_rows() == rows


def test_somebody_elses_uuid_is_refused(classroom, refused):
    ana, beto, uuid = classroom.learner("ana"), classroom.learner("beto"), uuid4()
    classroom.read(ana, uuid=uuid)
    classroom.answer(ana, uuid=uuid)

    refused("uuid_reused", classroom.read, beto, uuid=uuid)  # beto has no place yet
    refused("uuid_reused", classroom.answer, beto, uuid=uuid)
    classroom.read(beto)
    refused("uuid_reused", classroom.read, beto, uuid=uuid)
    refused("uuid_reused", classroom.answer, beto, uuid=uuid)


def test_the_same_uuid_in_another_block_is_refused(classroom, refused):
    ana, uuid = classroom.learner(), uuid4()
    classroom.read(ana, uuid=uuid)
    refused("uuid_reused", classroom.read, ana, "m04-u03", uuid=uuid)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unit_key": "m99-u01"}, "unit_unknown"),
        ({"practice_key": "otra"}, "practice_unknown"),
        ({"response": {"option": "z"}}, "response_invalid"),
        ({"response": {"option": "no_lo_se"}}, "response_invalid"),
        ({"response": ["b"]}, "response_invalid"),
        ({"response": None}, "response_invalid"),
        ({"response": {"option": "b", "score": 1}}, "response_invalid"),
        ({"response": {"number": "1"}}, "response_invalid"),
    ],
)
def test_what_does_not_belong_is_refused_before_a_place_is_made(classroom, refused, change, code):
    refused(code, classroom.answer, classroom.learner(), **change)


def test_an_item_of_another_practice_is_refused(classroom, refused):
    foreign = classroom.course.practices["m04-u03"][0]
    classroom.course.practices["m06-u03"] = (foreign,)
    refused("item_unknown", classroom.answer, classroom.learner())


def test_an_unregistered_course_is_refused(classroom, refused):
    stranger = api.Learner(classroom.person("ana"), "course-v1:X+Y+Z")
    refused("course_not_registered", classroom.read, stranger)
    refused("course_not_registered", api.get_unit_state, stranger, "m06-u03")
    refused("course_not_registered", api.find_attempt, stranger, block_key="b")


def test_a_person_who_does_not_exist_is_refused(classroom, refused):
    refused("unknown_user", classroom.read, api.Learner(10**6, classroom.key))


def test_time_counts_between_ticks_that_follow_each_other(classroom):
    ana = classroom.learner()

    def tick():
        return api.tick_active_time(ana, unit_key="m06-u03", now=classroom.now)

    assert tick() == 0
    classroom.later(seconds=60)
    assert tick() == 60
    assert tick() == 60  # a second tab at the same moment
    classroom.later(hours=3)
    assert tick() == 60  # the page was left open
    classroom.later(seconds=-30)
    assert tick() == 60  # a server's clock that is behind
    classroom.later(seconds=60)
    assert tick() == 90
    assert api.get_unit_state(ana, "m06-u03").active_seconds == 90


def test_time_is_said_in_whole_minutes(classroom):
    ana = classroom.learner()
    for _ in range(4):
        api.tick_active_time(ana, unit_key="m06-u03", now=classroom.now)
        classroom.later(seconds=50)
    classroom.finish(ana)
    assert classroom.last_said("unit.completed")["active_minutes"] == timedelta(seconds=150) // timedelta(
        minutes=1
    )
