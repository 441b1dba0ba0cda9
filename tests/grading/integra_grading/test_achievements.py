"""What certificates ask for, closing forms, and the one thing to do next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_grading.achievements import decide_achievement, decide_closing, list_achievements
from integra_grading.forms import CutAttempt, find_best_attempt
from integra_grading.items import bank_digest
from integra_grading.manifest import parse_manifest
from integra_grading.next_step import NextStep, Situation, StepKind, choose_next_step
from integra_grading.standing import CourseFacts, CourseState, DeliverableState, ModuleFacts, decide_course

NOW = datetime(2026, 3, 2, tzinfo=UTC)
M04 = frozenset({"m04-u03"})
M06 = frozenset({"m06-u03", "m06-u04"})
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


COMMON = {"key": "comun", "modules": ["m04"]}
COSTS = {"key": "costos", "title": "Costos claros", "modules": ["m06"]}


@pytest.fixture
def make_manifest(raw_manifest, resign):
    """A course of two certificates: the whole, and an area with a closing form of 24 and a cut of 17."""
    items = [{"key": f"c-{n}", "digest": f"c{n}", "stratum": "6.3"} for n in range(48)]
    bank = {
        "id": "cierre-costos",
        "kind": "closing",
        "public": True,
        "digest": bank_digest((item["key"], item["digest"]) for item in items),
        "items": items,
        "strata": [{"key": "6.3", "per_form": 24}],
    }
    rules = {"area": "costos", "bank": bank["id"], "max_score": 24, "minutes": 25, "cut": 17}

    def make(*areas):
        return parse_manifest(
            resign(
                raw_manifest
                | {
                    "achievements": ["curso", "costos"],
                    "areas": list(areas),
                    "closing": [{**rules, "max_attempts": 2, "wait_hours": 48}],
                    "banks": [*raw_manifest["banks"], bank],
                }
            )
        )

    return make


@pytest.fixture
def manifest(make_manifest):
    """Module 4 is asked of everybody, module 6 is the area's."""
    return make_manifest(COMMON, COSTS)


def attempts(*scores, of=24, hours_ago=72):
    at = NOW - timedelta(hours=hours_ago)
    return tuple(CutAttempt(at + timedelta(minutes=n), score, of) for n, score in enumerate(scores))


def facts_of(*, m04=frozenset(), m06=frozenset(), work=None, post=(), closing=()):
    return CourseFacts(
        modules={
            "m04": ModuleFacts(units_completed=m04),
            "m06": ModuleFacts(units_completed=m06, deliverable=work),
        },
        post_attempts=post,
        closing_attempts={"costos": closing},
    )


def stand(facts, manifest, *, has_pre=True, announced=(), now=NOW):
    """Everything that follows from the facts."""
    course = decide_course(facts, manifest)
    achievements = tuple(
        decide_achievement(each, course, facts, manifest) for each in list_achievements(manifest)
    )
    closings = tuple(
        decide_closing(facts.closing_attempts.get(rules.area, ()), rules, now=now)
        for rules in manifest.closing
    )
    situation = Situation(
        course=course,
        facts=facts,
        achievements=achievements,
        closings=closings,
        has_pre=has_pre,
        announced=announced,
    )
    step = choose_next_step(situation, manifest, now=now)
    return SimpleNamespace(course=course, achievements=achievements, closings=closings, step=step)


def test_an_area_asks_for_its_modules_and_for_those_of_all(manifest):
    assert [(a.key, a.title, a.area, a.module_keys) for a in list_achievements(manifest)] == [
        ("curso", "Economía para tu negocio", "", ("m04", "m06")),
        ("costos", "Costos claros", "costos", ("m04", "m06")),
    ]


def test_an_area_without_a_title_is_called_by_its_key(make_manifest):
    _course, area = list_achievements(make_manifest({"key": "costos", "modules": ["m06"]}))
    assert (area.title, area.module_keys) == ("costos", ("m06",))


@pytest.mark.parametrize(
    ("facts", "modules", "works"),
    [
        ({}, ("m04", "m06"), ("m06-hoja-de-costos",)),
        ({"m04": M04}, ("m06",), ("m06-hoja-de-costos",)),
        ({"m04": M04, "m06": M06}, (), ("m06-hoja-de-costos",)),
        ({"m04": M04, "m06": M06, "work": DeliverableState.SUBMITTED}, (), ("m06-hoja-de-costos",)),
        ({"m06": M06, "work": DeliverableState.ACCEPTED}, ("m04",), ()),
        ({"m04": M04, "m06": M06, "work": DeliverableState.ACCEPTED}, (), ()),
    ],
)
def test_what_is_left_of_an_area(manifest, facts, modules, works):
    _course, area = stand(facts_of(**facts), manifest).achievements
    assert (area.modules_open, area.deliverables_open, area.is_test_reached) == (modules, works, False)
    assert area.is_ready is (not modules and not works)
    assert not area.is_reached


def test_each_achievement_has_a_test_of_its_own(manifest):
    done = {"m04": M04, "m06": M06, "work": DeliverableState.ACCEPTED}
    course, area = stand(facts_of(**done, closing=attempts(17)), manifest).achievements
    assert (course.is_reached, area.is_reached) == (False, True)
    course, area = stand(facts_of(**done, post=attempts(6, of=8)), manifest).achievements
    assert (course.is_reached, area.is_reached) == (True, False)


@pytest.mark.parametrize(
    ("taken", "best", "is_reached", "left", "is_granted", "hours"),
    [
        ((), None, False, 2, True, None),
        (attempts(16), 16, False, 1, True, None),
        (attempts(16, hours_ago=48), 16, False, 1, True, None),
        (attempts(16, hours_ago=47), 16, False, 1, False, 1),
        (attempts(16, 3), 16, False, 0, False, None),
        (attempts(3, 17), 17, True, 0, False, None),
        (attempts(17, hours_ago=0), 17, True, 0, False, None),
    ],
)
def test_where_a_learner_stands_in_a_closing_form(manifest, taken, best, is_reached, left, is_granted, hours):
    [standing] = stand(facts_of(closing=taken), manifest).closings
    assert (standing.best.score if standing.best else None, standing.is_reached) == (best, is_reached)
    assert (standing.attempts_left, standing.permission.is_granted) == (left, is_granted)
    assert standing.permission.until == (None if hours is None else NOW + timedelta(hours=hours))
    assert (standing.area, standing.bank, standing.cut, standing.max_score) == (
        "costos",
        "cierre-costos",
        17,
        24,
    )


def test_the_best_attempt_is_the_highest_share_and_the_first_of_equals():
    whole, half, same = attempts(8, of=8) + attempts(10, of=20) + attempts(4, of=8, hours_ago=1)
    assert find_best_attempt([half, same, whole]) is whole
    assert find_best_attempt([same, half]) is half
    assert find_best_attempt([]) is None


DONE = {"m04": M04, "m06": M06, "work": DeliverableState.ACCEPTED}
PASSED = attempts(6, of=8)


@pytest.mark.parametrize(
    ("facts", "more", "kind", "key", "hours"),
    [
        ({}, {"has_pre": False}, "pre", "", None),
        ({}, {}, "unit", "m04-u03", None),
        ({"m04": M04}, {}, "unit", "m06-u03", None),
        ({"m04": M04, "m06": M06}, {}, "deliverable", "m06-hoja-de-costos", None),
        ({"work": DeliverableState.RETURNED}, {}, "deliverable_returned", "m06-hoja-de-costos", None),
        # What is left waits for somebody else: the tests need not.
        ({"m04": M04, "m06": M06, "work": DeliverableState.SUBMITTED}, {}, "post", "", None),
        (
            {"m04": M04, "m06": M06, "work": DeliverableState.SUBMITTED, "post": PASSED},
            {},
            "wait",
            "m06-hoja-de-costos",
            None,
        ),
        (DONE, {}, "post", "", None),
        # One certificate is earned: it comes before everything else, until something is said of it.
        ({**DONE, "closing": attempts(17)}, {}, "certificate", "costos", None),
        ({**DONE, "closing": attempts(17)}, {"announced": {"costos"}}, "post", "", None),
        ({**DONE, "post": PASSED}, {}, "certificate", "curso", None),
        ({**DONE, "post": PASSED}, {"announced": {"curso"}}, "closing", "costos", None),
        ({**DONE, "post": PASSED}, {"announced": {"curso"}, "has_pre": False}, "closing", "costos", None),
        ({**DONE, "post": PASSED}, {"announced": {"curso", "costos"}}, "done", "", None),
        ({**DONE, "post": attempts(5, of=8, hours_ago=1)}, {}, "closing", "costos", None),
        (
            {**DONE, "post": attempts(5, of=8, hours_ago=1), "closing": attempts(3, hours_ago=2)},
            {},
            "post_wait",
            "",
            47,
        ),
        (
            {**DONE, "post": PASSED, "closing": attempts(3, hours_ago=2)},
            {"announced": {"curso"}},
            "closing_wait",
            "costos",
            46,
        ),
        ({**DONE, "post": PASSED, "closing": attempts(3, 4)}, {"announced": {"curso"}}, "done", "", None),
        (
            {**DONE, "post": PASSED, "closing": attempts(17)},
            {"announced": {"curso", "costos"}},
            "done",
            "",
            None,
        ),
        ({**DONE, "post": attempts(1, 2, of=8), "closing": attempts(3, 4)}, {}, "wait", "", None),
    ],
)
def test_one_thing_to_do_next(manifest, facts, more, kind, key, hours):
    step = stand(facts_of(**facts), manifest, **more).step
    assert step == NextStep(StepKind(kind), key, None if hours is None else NOW + timedelta(hours=hours))


def test_a_practice_that_is_missing_leads_to_its_unit(manifest):
    facts = CourseFacts({"m04": ModuleFacts(lessons_completed=M04)})
    assert stand(facts, manifest).step == NextStep(StepKind.UNIT, "m04-u03")


def test_an_area_that_is_ready_is_closed_before_other_modules_go_on(make_manifest):
    ideas = {"key": "costos", "modules": ["m04"]}
    facts = facts_of(m04=M04)
    assert stand(facts, make_manifest(ideas)).step == NextStep(StepKind.CLOSING, "costos")
    other = {"key": "otra", "modules": ["m06"]}  # without a closing form: asked of everybody
    assert stand(facts, make_manifest(ideas, other)).step == NextStep(StepKind.UNIT, "m06-u03")
    waiting = facts_of(m04=M04, closing=attempts(3, hours_ago=1))
    assert stand(waiting, make_manifest(ideas)).step == NextStep(StepKind.UNIT, "m06-u03")


SCORES = st.lists(st.integers(0, 24), max_size=3)
WORKS = st.sampled_from([None, *DeliverableState])
UNITS = st.sets(st.sampled_from(sorted(M04 | M06))).map(frozenset)
HOURS = st.integers(0, 100)


@given(UNITS, WORKS, SCORES, SCORES, HOURS, st.booleans(), st.sets(st.sampled_from(["curso", "costos"])))
@SLOW
def test_standings_and_step_hang_together(manifest, units, work, posts, closings, hours, has_pre, announced):
    facts = facts_of(
        m04=units & M04,
        m06=units & M06,
        work=work,
        post=attempts(*posts, hours_ago=hours),
        closing=attempts(*closings, hours_ago=hours),
    )
    found = stand(facts, manifest, has_pre=has_pre, announced=announced)
    course, area = found.achievements
    step, [closing] = found.step, found.closings

    assert course.is_reached == (found.course.state is CourseState.REACHED)
    assert set(area.modules_open) <= set(course.modules_open)
    assert set(area.deliverables_open) <= set(course.deliverables_open)
    assert area.is_test_reached == closing.is_reached
    assert not (closing.permission.is_granted and closing.attempts_left == 0)
    if step.kind is StepKind.CERTIFICATE:
        assert step.key not in announced
        assert {"curso": course, "costos": area}[step.key].is_reached
    else:
        assert not any(each.is_reached for each in (course, area) if each.achievement.key not in announced)
    if step.kind is StepKind.CLOSING:
        assert area.is_ready and closing.permission.is_granted and "costos" not in announced
    if step.kind is StepKind.DONE:
        assert course.is_reached
    assert step.available_at is None or step.available_at > NOW
    shuffled = facts_of(
        m04=units & M04,
        m06=units & M06,
        work=work,
        post=facts.post_attempts[::-1],
        closing=facts.closing_attempts["costos"][::-1],
    )
    assert stand(shuffled, manifest, has_pre=has_pre, announced=announced).step == step
