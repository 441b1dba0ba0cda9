"""The evaluation mode: two forms of a ring, one decision, and an exemption that carries over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from integra_gradebook import api
from integra_gradebook.models import Attempt, AttemptResponse, Exemption, RingExposure
from integra_grading.items import item_digest
from integra_grading.manifest import manifest_digest


def state_of(classroom, learner):
    return api.get_bypass_state(learner, module_key="m06", now=classroom.now)


def test_ten_of_twelve_exempt_from_the_module(classroom):
    ana = classroom.learner()
    attempt = classroom.take(ana, "bypass", 10)

    assert (attempt.state, attempt.stage, attempt.outcome) == ("submitted", 1, "exempt")
    standing = api.get_module_standing(ana, "m06")
    assert (standing.state, standing.route, standing.minutes_recognised) == ("exempt", "evaluation", 36)
    assert standing.is_deliverable_due  # an exemption does not cover the sheet
    assert classroom.last_said("module.standing.changed") | {"reasons": None} == {
        "city_key": "quito",
        "cohort_key": "quito-2026-1",
        "course_key": classroom.key,
        "rule_version": classroom.course.manifest["digest"],
        "module_key": "m06",
        "state": "exempt",
        "route": "evaluation",
        "reasons": None,
        "minutes_trained": 0,
        "minutes_recognised": 36,
    }


def test_six_of_twelve_take_the_module_and_learn_what_to_study(classroom):
    ana = classroom.learner()
    attempt = classroom.take(ana, "bypass", 6)

    assert attempt.outcome == "take_module"
    assert set(attempt.outcomes_to_study) <= {"6.1", "6.3"}
    assert attempt.outcomes_to_study
    assert "bypass_failed" in [reason.code for reason in api.get_module_standing(ana, "m06").reasons]


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [(7, 11, "exempt"), (7, 10, "take_module"), (9, 9, "exempt"), (9, 8, "take_module")],
)
def test_in_between_a_second_form_decides(classroom, first, second, outcome):
    ana = classroom.learner()
    one = classroom.take(ana, "bypass", first)
    assert one.outcome == "second_form"
    assert one.outcomes_to_study == ()
    assert state_of(classroom, ana) == replace(
        state_of(classroom, ana), may_start=True, reason=None, stage=2, is_exempt=False
    )

    two = classroom.take(ana, "bypass", second)
    assert (two.stage, two.ordinal, two.outcome) == (2, 2, outcome)
    assert not {item.key for item in one.items} & {item.key for item in two.items}


def test_the_learner_is_told_nothing_of_a_single_answer(classroom):
    ana = classroom.learner()
    for attempt in (classroom.take(ana, "bypass", 8), classroom.take(ana, "bypass", 8)):
        assert attempt.score is None
        assert attempt.cut is None
        assert "correct" not in repr(attempt)


def test_each_form_has_exactly_the_counts_of_its_strata(classroom):
    attempt = classroom.start(classroom.learner(), "bypass")
    outcomes = [item.key[3:6] for item in attempt.items]
    assert sorted(outcomes) == ["6.1"] * 6 + ["6.3"] * 6


def test_nothing_repeats_until_the_ring_is_used_up(classroom):
    ana = classroom.learner()
    first = classroom.take(ana, "bypass", 6)
    classroom.later(days=30)
    second = classroom.take(ana, "bypass", 6)
    shown = [item.key for attempt in (first, second) for item in attempt.items]
    assert len(set(shown)) == 24

    classroom.later(days=400)
    third = classroom.take(ana, "bypass", 6)
    assert {item.key for item in third.items} < set(shown)
    assert RingExposure.objects.count() == 36


def forget_attempts():
    for model in (RingExposure, AttemptResponse, Attempt):
        model.objects.all().delete()


@pytest.mark.parametrize("kind", ["pre", "post", "bypass"])
def test_the_client_cannot_choose_draw_and_order(classroom, kind):
    """The same learner gets the same form in the same order, whatever uuid the browser makes."""
    ana = classroom.learner()
    shown = set()
    for _ in range(3):
        shown.add(classroom.start(ana, kind).items)
        forget_attempts()
    assert len(shown) == 1


def test_learners_get_different_forms_of_the_ring(classroom):
    starts = [classroom.start(classroom.learner(f"persona-{number}"), "bypass") for number in range(6)]
    assert len({frozenset(item.key for item in start.items) for start in starts}) > 3


def test_a_second_sitting_waits_and_a_third_waits_for_the_window(classroom, refused):
    ana = classroom.learner()
    began = classroom.now
    classroom.take(ana, "bypass", 3)
    state = state_of(classroom, ana)
    assert (state.may_start, state.reason, state.sittings_left) == (False, "too_early", 1)
    assert state.available_at == classroom.now + timedelta(days=30)
    refused("too_early", classroom.start, ana, "bypass")

    classroom.later(days=30)
    assert state_of(classroom, ana).may_start
    classroom.take(ana, "bypass", 3)
    classroom.later(days=31)
    state = state_of(classroom, ana)
    assert (state.reason, state.sittings_left) == ("sittings_used", 0)
    assert state.available_at == began.replace(year=2027)
    refused("sittings_used", classroom.start, ana, "bypass")


def test_an_open_sitting_is_continued(classroom):
    ana = classroom.learner()
    attempt = classroom.start(ana, "bypass")
    assert state_of(classroom, ana).reason == "attempt_open"
    assert classroom.start(ana, "bypass") == attempt


def test_who_is_exempt_or_done_is_not_evaluated_again(classroom, refused):
    ana, beto = classroom.learner("ana"), classroom.learner("beto")
    classroom.take(ana, "bypass", 12)
    state = state_of(classroom, ana)
    assert (state.is_exempt, state.reason, state.may_start) == (True, "already_exempt", False)
    assert state.exempt_until == classroom.now.replace(year=2028)
    assert state.exempt_source == classroom.key
    refused("already_exempt", classroom.start, ana, "bypass")

    classroom.finish(beto)
    assert state_of(classroom, beto).reason == "module_done"
    refused("module_done", classroom.start, beto, "bypass")


def test_a_module_without_a_ring_offers_nothing(classroom, refused):
    ana = classroom.learner()
    state = api.get_bypass_state(ana, module_key="m04", now=classroom.now)
    assert (state.may_start, state.reason) == (False, "not_offered")
    refused("module_unknown", api.get_bypass_state, ana, module_key="m99", now=classroom.now)


def test_somebody_without_a_place_may_sit_and_asking_writes_nothing(classroom, tools):
    before = tools.count_rows()
    state = state_of(classroom, classroom.learner())
    assert (state.may_start, state.sittings_left, state.form_items, state.minutes) == (True, 2, 12, 15)
    assert tools.count_rows() == before


def test_an_exemption_counts_in_another_run_with_its_source_named(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "bypass", 12)
    api.register_course(tools.OTHER_RUN, classroom.course.manifest)
    classroom.later(days=365)
    again = classroom.learner("ana", run=tools.OTHER_RUN)
    classroom.read(again, "m04-u03")

    assert api.get_module_standing(again, "m06").state == "exempt"
    assert state_of(classroom, again).exempt_source == classroom.key
    said = classroom.said(again)
    assert said[said.index("learner.enrolled", 1) :][:2] == ["learner.enrolled", "module.standing.changed"]


def test_an_exemption_older_than_24_months_does_not_carry_over(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "bypass", 12)
    api.register_course(tools.OTHER_RUN, classroom.course.manifest)
    classroom.later(days=731)
    again = classroom.learner("ana", run=tools.OTHER_RUN)
    classroom.read(again, "m04-u03")

    assert api.get_module_standing(again, "m06").state == "open"
    assert api.get_module_standing(ana, "m06").state == "exempt"  # where it was earned it stays
    assert state_of(classroom, again).may_start


def test_an_exemption_does_not_end_in_the_middle_of_a_run(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "bypass", 12)
    api.register_course(tools.OTHER_RUN, classroom.course.manifest)
    classroom.later(days=700)
    again = classroom.learner("ana", run=tools.OTHER_RUN)
    classroom.read(again, "m04-u03")
    classroom.later(days=60)
    classroom.answer(again, "m04-u03")

    assert api.get_module_standing(again, "m06").state == "exempt"


def test_one_learners_exemption_is_not_anothers(classroom):
    classroom.take(classroom.learner("ana"), "bypass", 12)
    beto = classroom.learner("beto")
    classroom.read(beto, "m04-u03")
    assert api.get_module_standing(beto, "m06").state == "open"
    assert Exemption.objects.count() == 1


def test_a_sitting_open_in_another_run_is_named(classroom, refused, tools):
    ana = classroom.learner()
    mine = classroom.start(ana, "bypass")
    api.register_course(tools.OTHER_RUN, classroom.course.manifest)
    again = classroom.learner("ana", run=tools.OTHER_RUN)
    classroom.read(again, "m04-u03")
    assert state_of(classroom, again).reason == "attempt_open"
    error = refused(
        "attempt_open", classroom.start, again, "bypass", at=tools.block("bypass", tools.OTHER_RUN)
    )
    assert error.field == str(mine.uuid)


def test_half_the_module_done_ends_the_wait(classroom, refused, tools):
    course = tools.make_course()
    module = course.manifest["modules"][1]
    course.practices["m06-u04"] = (tools.make_item("m06-u04-q1", outcome="6.1"),)
    module["units"].append(
        {
            "key": "m06-u04",
            "title": "Precio",
            "minutes": 36,
            "always_required": False,
            "practices": [{"key": "m06-u04-practica", "items": ["m06-u04-q1"]}],
        }
    )
    module["minutes"] = 72
    del course.manifest["digest"]
    course.manifest["digest"] = manifest_digest(course.manifest)
    api.register_course(tools.COURSE, course.manifest)
    classroom = tools.Classroom(course)
    ana = classroom.learner()
    classroom.take(ana, "bypass", 3)
    refused("too_early", classroom.start, ana, "bypass")

    classroom.finish(ana, "m06-u03")

    assert state_of(classroom, ana).may_start
    classroom.take(ana, "bypass", 3)
    refused("sittings_used", classroom.start, ana, "bypass")


def test_items_of_the_ring_that_ask_the_same_do_not_meet_in_one_form(classroom, tools):
    course = tools.make_course()
    items = [replace(item, twin=item.key[:-2] + str(int(item.key[-2:]) // 2)) for item in course.ring.items]
    ring = tools.make_bank("anillo-m06", items)
    entry = next(bank for bank in course.manifest["banks"] if bank["id"] == "anillo-m06")
    entry["digest"] = ring.digest
    for described, item in zip(entry["items"], items, strict=True):
        described.update(digest=item_digest(item), twin=item.twin)
    del course.manifest["digest"]
    course.manifest["digest"] = manifest_digest(course.manifest)
    api.register_course(tools.COURSE, course.manifest)
    classroom = tools.Classroom(replace(course, ring=ring))
    twins = {item.key: item.twin for item in items}
    for name in ("ana", "eva", "luz"):
        drawn = classroom.start(classroom.learner(name), "bypass").items
        assert len({twins[item.key] for item in drawn}) == 12  # 7 groups for 6 places in each stratum
