"""Weak items of a module's practices come back in its later ones."""

import copy
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_grading.manifest import manifest_digest

EARLIER, LATER, LAST = "m06-u03", "m06-u04", "m06-u05"


@pytest.fixture
def classroom(classroom, tools):
    """The classroom with three units in module 6."""
    practices = classroom.course.practices
    practices[EARLIER] = tuple(
        tools.make_item(f"{EARLIER}-q{number}", outcome="6.3") for number in range(1, 6)
    )
    for unit in (LATER, LAST):
        practices[unit] = (tools.make_item(f"{unit}-q1", outcome="6.3"),)
    manifest = copy.deepcopy(classroom.course.manifest)
    del manifest["digest"]
    manifest["modules"][1]["units"] = [
        tools.make_unit(unit, 36, practices) for unit in (EARLIER, LATER, LAST)
    ]
    manifest["modules"][1]["minutes"] = 108
    api.register_course(classroom.key, {**manifest, "digest": manifest_digest(manifest)})
    return classroom


def due(classroom, learner, unit=LATER, **later):
    now = classroom.now + timedelta(**later)
    state = api.get_practice_state(learner, practice_key=f"{unit}-practica", now=now)
    return [item.key for item in state.reviews]


def review(classroom, learner, item_key, option="b", unit=LATER, uuid=None):
    return api.answer_review(
        learner,
        practice_key=f"{unit}-practica",
        block_key=f"block-v1:INTEGRA+CAP40+2026+type@integra_practice+block@{unit}-practica",
        item_key=item_key,
        response={"option": option},
        uuid=uuid or uuid4(),
        now=classroom.now,
    )


def test_what_was_hard_comes_back_the_next_day_and_at_once_in_the_last_practice(classroom):
    ana = classroom.learner()
    classroom.answer(ana, EARLIER, item=0)
    for option in "aab":
        classroom.answer(ana, EARLIER, item=1, option=option)
    classroom.answer(ana, EARLIER, item=2, option="a")

    assert due(classroom, ana, hours=11) == []
    assert due(classroom, ana, hours=12) == [f"{EARLIER}-q2", f"{EARLIER}-q3"]
    assert due(classroom, ana, LAST, hours=0) == [f"{EARLIER}-q2", f"{EARLIER}-q3"]
    assert due(classroom, ana, EARLIER, days=9) == []  # never in its own practice


def test_a_right_answer_settles_it_and_a_wrong_one_brings_it_back_after_another_night(classroom):
    ana = classroom.learner()
    classroom.answer(ana, EARLIER, item=1, option="a")
    classroom.answer(ana, EARLIER, item=1)
    classroom.later(days=1)

    wrong = review(classroom, ana, f"{EARLIER}-q2", "a")
    assert (wrong.is_right, wrong.feedback) == (False, "<p>Falta restar.</p>")
    assert due(classroom, ana) == []
    classroom.later(days=1)
    assert due(classroom, ana) == [f"{EARLIER}-q2"]
    assert review(classroom, ana, f"{EARLIER}-q2").is_right
    assert due(classroom, ana, LAST, days=9) == []


def test_coming_back_is_no_part_of_the_progress_of_the_later_unit(classroom):
    ana = classroom.learner()
    classroom.answer(ana, EARLIER, item=1, option="a")
    classroom.later(days=1)

    result = review(classroom, ana, f"{EARLIER}-q2")

    assert result.unit.unit_key == EARLIER
    assert api.get_unit_state(ana, LATER).items_right == ()
    state = api.get_practice_state(ana, practice_key=f"{LATER}-practica", now=classroom.now)
    assert state.items_right == ()
    assert api.get_unit_state(ana, EARLIER).items_right == (f"{EARLIER}-q2",)


def test_the_item_is_asked_as_it_was_answered_even_when_the_course_changed_it(classroom):
    ana = classroom.learner()
    classroom.answer(ana, EARLIER, item=1, option="a")

    [_, old, *_] = classroom.course.practices[EARLIER]
    changed = replace(old, stem="<p>Otra pregunta</p>")
    classroom.course.practices[EARLIER] = (changed,)
    classroom.answer(classroom.learner("beto"), EARLIER)

    state = api.get_practice_state(ana, practice_key=f"{LAST}-practica", now=classroom.now)
    assert state.reviews == (old,)


def test_an_answer_sent_twice_is_one_answer(classroom, tools):
    ana, uuid = classroom.learner(), uuid4()
    classroom.answer(ana, EARLIER, item=1, option="a")
    first = review(classroom, ana, f"{EARLIER}-q2", uuid=uuid)
    rows = tools.count_rows()

    assert review(classroom, ana, f"{EARLIER}-q2", "a", uuid=uuid) == first
    assert tools.count_rows() == rows


def test_what_the_learner_never_answered_or_is_elsewhere_is_refused(classroom, refused):
    ana, beto = classroom.learner("ana"), classroom.learner("beto")
    refused("item_unknown", review, classroom, ana, f"{EARLIER}-q2")  # no place yet
    classroom.answer(ana, EARLIER, item=1, option="a")
    classroom.answer(beto, EARLIER, item=2, option="a")
    classroom.answer(ana, "m04-u03", item=0, option="a")

    for item_key in (f"{EARLIER}-q3", "m04-u03-q1", f"{LATER}-q1", ""):
        refused("item_unknown", review, classroom, ana, item_key)
    refused("practice_unknown", review, classroom, ana, f"{EARLIER}-q2", unit="m06-u99")
    refused("response_invalid", review, classroom, ana, f"{EARLIER}-q2", "z")


def test_whoever_has_no_place_has_nothing_to_review(classroom, tools):
    rows = tools.count_rows()
    assert due(classroom, classroom.learner()) == []
    assert tools.count_rows() == rows
