"""The rubric at its cut, and standing in module and course."""

import dataclasses
import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_grading.errors import GradingError, RubricError
from integra_grading.forms import CutAttempt
from integra_grading.manifest import Deliverable as DeliverableRules
from integra_grading.manifest import Due, Module, Practice, Unit
from integra_grading.reasons import Reason, ReasonCode
from integra_grading.rubric import Criterion, Level, Rubric, rate
from integra_grading.standing import (
    CourseFacts,
    CourseState,
    DeliverableState,
    ModuleFacts,
    ModuleState,
    Route,
    decide_course,
    decide_module,
    is_half_done,
    is_unit_complete,
)

CRITERIA = ("datos_propios", "procedimiento", "decision", "accion")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("points", list(itertools.product((0, 1, 2), repeat=4)))
def test_work_is_accepted_at_the_cut_with_own_data_only(rubric, points):
    rated = rate(rubric, dict(zip(CRITERIA, points, strict=True)))
    assert (rated.points, rated.max_score) == (sum(points), 8)
    assert rated.is_accepted == (sum(points) >= 5 and points[0] > 0)
    expected = []
    if sum(points) < 5:
        expected.append(Reason(ReasonCode.BELOW_CUT, "rubrica-1"))
    if points[0] == 0:
        expected.append(Reason(ReasonCode.CRITERION_AT_ZERO, "datos_propios"))
    assert rated.reasons == tuple(expected)


FULL = dict.fromkeys(CRITERIA, 2)


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (None, "not_an_object"),
        ([2, 2, 2, 2], "not_an_object"),
        ({}, "missing_criterion"),
        ({**FULL, "otro": 2}, "unknown_criterion"),
        (dict.fromkeys(CRITERIA[:3], 2), "missing_criterion"),
        ({**FULL, "accion": 3}, "unknown_level"),
        ({**FULL, "accion": -1}, "unknown_level"),
        ({**FULL, "accion": True}, "unknown_level"),
        ({**FULL, "accion": 2.0}, "unknown_level"),
        ({**FULL, "accion": "2"}, "unknown_level"),
        ({**FULL, "accion": None}, "unknown_level"),
    ],
)
def test_levels_that_do_not_belong_to_the_rubric_are_refused(rubric, levels, code):
    with pytest.raises(RubricError) as caught:
        rate(rubric, levels)
    assert caught.value.code == code


def _levels(*points):
    return tuple(Level(points=value, text="x") for value in points)


@pytest.mark.parametrize("points", [(1, 2), (0, 0), (0, 2, 1)])
def test_levels_start_at_zero_and_ascend(points):
    with pytest.raises(RubricError):
        Criterion(key="a", title="a", must_be_positive=False, levels=_levels(*points))


@pytest.mark.parametrize(("cut", "max_score"), [(2, 3), (3, 2)])
def test_rubric_adds_up(cut, max_score):
    criterion = Criterion(key="a", title="a", must_be_positive=False, levels=_levels(0, 2))
    with pytest.raises(RubricError) as caught:
        Rubric(version="1", cut=cut, max_score=max_score, criteria=(criterion,))
    assert caught.value.code == "contradiction"


# Module


def _unit(key, minutes=10, *, always_required=False, practices=("p",)):
    made = tuple(Practice(key=f"{key}-{name}", items=("i",)) for name in practices)
    return Unit(key=key, title=key, minutes=minutes, always_required=always_required, practices=made)


def _module(*units, due=Due.ALWAYS, deliverable=True, key="m"):
    rules = DeliverableRules(key="d", title="d", due=due, accepted_by="facilitator", rubric_version="r")
    return Module(
        key=key,
        title="M",
        minutes=sum(unit.minutes for unit in units),
        can_be_bypassed=True,
        outcomes=(),
        units=units,
        deliverable=rules if deliverable else None,
    )


def _reasons(standing):
    return [reason.to_wire() for reason in standing.reasons]


ALL = ModuleFacts(units_completed=frozenset({"u1", "u2"}), deliverable=DeliverableState.ACCEPTED)


def test_nothing_known_means_everything_missing():
    standing = decide_module(ModuleFacts(), _module(_unit("u1"), _unit("u2", practices=("p", "q"))))
    assert (standing.state, standing.route, standing.is_reached) == (ModuleState.OPEN, None, False)
    assert _reasons(standing) == [
        "unit_missing:u1",
        "practice_missing:u1-p",
        "unit_missing:u2",
        "practice_missing:u2-p",
        "practice_missing:u2-q",
        "deliverable_missing:d",
    ]
    assert (standing.minutes_trained, standing.minutes_recognised) == (0, 0)


def test_all_units_complete_is_done_by_training():
    standing = decide_module(ALL, _module(_unit("u1", 36), _unit("u2", 30)))
    assert (standing.state, standing.route) == (ModuleState.DONE, Route.TRAINING)
    assert (standing.reasons, standing.minutes_trained, standing.minutes_recognised) == ((), 66, 0)


def test_lesson_and_practices_make_a_unit_complete_without_its_event():
    unit = _unit("u1", practices=("p", "q"))
    lesson = frozenset({"u1"})
    both = frozenset({"u1-p", "u1-q"})
    assert not is_unit_complete(
        unit, ModuleFacts(lessons_completed=lesson, practices_completed=frozenset({"u1-p"}))
    )
    assert not is_unit_complete(unit, ModuleFacts(practices_completed=both))
    assert is_unit_complete(unit, ModuleFacts(lessons_completed=lesson, practices_completed=both))
    assert is_unit_complete(_unit("u2", practices=()), ModuleFacts(lessons_completed=frozenset({"u2"})))


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (None, "deliverable_missing"),
        (DeliverableState.DRAFT, "deliverable_missing"),
        (DeliverableState.SUBMITTED, "deliverable_in_review"),
        (DeliverableState.RETURNED, "deliverable_returned"),
        (DeliverableState.ACCEPTED, None),
    ],
)
@pytest.mark.parametrize("due", list(Due))
@pytest.mark.parametrize("has_units", [True, False])
@pytest.mark.parametrize("is_exempted", [True, False])
def test_deliverable_is_due_always_or_after_training(state, code, due, has_units, is_exempted):
    module = _module(_unit("u1", practices=()), due=due)
    units = frozenset({"u1"}) if has_units else frozenset()
    standing = decide_module(
        ModuleFacts(units_completed=units, deliverable=state, is_exempted=is_exempted), module
    )
    is_due = due is Due.ALWAYS or (has_units and not is_exempted)
    assert standing.is_deliverable_due is is_due
    about_it = [reason for reason in standing.reasons if reason.key == "d"]
    assert about_it == ([Reason(ReasonCode(code), "d")] if is_due and code else [])
    assert standing.state is (
        ModuleState.EXEMPT if is_exempted else ModuleState.DONE if has_units else ModuleState.OPEN
    )


def test_a_module_without_deliverable_has_none_due():
    standing = decide_module(ALL, _module(_unit("u1"), deliverable=False))
    assert (standing.is_deliverable_due, standing.reasons) == (False, ())


def test_exemption_recognises_minutes_and_goes_before_training():
    module = _module(_unit("u1", 36), _unit("u2", 30))
    for units in (frozenset(), frozenset({"u1", "u2"})):
        standing = decide_module(ModuleFacts(units_completed=units, is_exempted=True), module)
        assert (standing.state, standing.route) == (ModuleState.EXEMPT, Route.EVALUATION)
        assert (standing.minutes_trained, standing.minutes_recognised) == (0, 66)
        assert _reasons(standing) == ["deliverable_missing:d"]


def test_exemption_also_needs_the_units_that_are_always_required():
    module = _module(_unit("u1"), _unit("u2", always_required=True))
    facts = ModuleFacts(is_exempted=True, deliverable=DeliverableState.ACCEPTED, has_failed_bypass=True)
    waiting = decide_module(facts, module)
    assert (waiting.state, waiting.route, waiting.minutes_recognised) == (ModuleState.OPEN, None, 0)
    assert _reasons(waiting) == ["unit_missing:u2", "practice_missing:u2-p"]
    done = ModuleFacts(
        is_exempted=True, units_completed=frozenset({"u2"}), deliverable=DeliverableState.ACCEPTED
    )
    assert decide_module(done, module).state is ModuleState.EXEMPT


# The course's own rules (architecture, section 5): whose deliverable is due after which route.
DUE = {f"M{number}": Due.ALWAYS if number in (1, 4, 5, 6, 7, 8) else Due.TRAINING for number in range(1, 13)}


@pytest.mark.parametrize(
    ("module_key", "after_training", "after_evaluation"),
    [
        *((f"M{number}", True, True) for number in (1, 4, 5, 6, 7, 8)),
        *((f"M{number}", True, False) for number in (2, 3, 9, 10, 11, 12)),
    ],
)
def test_deliverables_due_in_the_whole_course(module_key, after_training, after_evaluation):
    module = _module(_unit("u1"), due=DUE[module_key], key=module_key)
    trained = decide_module(ModuleFacts(units_completed=frozenset({"u1"})), module)
    evaluated = decide_module(ModuleFacts(is_exempted=True), module)
    assert (trained.is_deliverable_due, evaluated.is_deliverable_due) == (after_training, after_evaluation)


@pytest.mark.parametrize(
    ("complete", "is_half"),
    [((), False), (("u1",), False), (("u2",), True), (("u1", "u2"), True), (("u1", "u3"), True)],
)
def test_half_a_module_is_half_of_its_minutes(complete, is_half):
    module = _module(_unit("u1", 10), _unit("u2", 40), _unit("u3", 30))
    assert is_half_done(ModuleFacts(units_completed=frozenset(complete)), module) is is_half


def test_a_failed_bypass_is_a_reason_only_while_the_module_is_open():
    module = _module(_unit("u1", practices=()), deliverable=False)
    assert _reasons(decide_module(ModuleFacts(has_failed_bypass=True), module)) == [
        "unit_missing:u1",
        "bypass_failed:m",
    ]
    done = ModuleFacts(has_failed_bypass=True, units_completed=frozenset({"u1"}))
    assert decide_module(done, module).reasons == ()


SETS = st.frozensets(st.sampled_from(["u1", "u2", "u1-p", "u2-p"]))
FACTS = st.builds(
    ModuleFacts,
    units_completed=SETS,
    lessons_completed=SETS,
    practices_completed=SETS,
    deliverable=st.none() | st.sampled_from(DeliverableState),
    is_exempted=st.booleans(),
    has_failed_bypass=st.booleans(),
)


@given(FACTS, st.sampled_from(Due), st.booleans())
def test_standing_hangs_together(facts, due, always_required):
    module = _module(_unit("u1", 36), _unit("u2", 30, always_required=always_required), due=due)
    standing = decide_module(facts, module)
    assert (standing.state, standing.route) in {
        (ModuleState.OPEN, None),
        (ModuleState.DONE, Route.TRAINING),
        (ModuleState.EXEMPT, Route.EVALUATION),
    }
    assert standing.minutes_trained == (66 if standing.state is ModuleState.DONE else 0)
    assert standing.minutes_recognised == (66 if standing.state is ModuleState.EXEMPT else 0)
    assert len(set(standing.reasons)) == len(standing.reasons)
    learning = [reason for reason in standing.reasons if reason.key != "d"]
    assert bool(learning) == (standing.state is ModuleState.OPEN)


# Course

M04 = ModuleFacts(units_completed=frozenset({"m04-u03"}))
M06 = ModuleFacts(units_completed=frozenset({"m06-u03", "m06-u04"}), deliverable=DeliverableState.ACCEPTED)
M06_EXEMPT = ModuleFacts(
    units_completed=frozenset({"m06-u04"}), deliverable=DeliverableState.ACCEPTED, is_exempted=True
)


def _post(*scores):
    return tuple(CutAttempt(NOW, score, 8) for score in scores)


@pytest.mark.parametrize(
    ("scores", "reasons"),
    [
        ((), ["post_missing:post"]),
        ((0,), ["below_cut:post"]),
        ((5,), ["below_cut:post"]),
        ((6,), []),
        ((7,), []),
        ((5, 6), []),
        ((6, 2), []),
    ],
)
def test_the_post_test_at_its_cut(manifest, scores, reasons):
    standing = decide_course(CourseFacts({"m04": M04, "m06": M06}, _post(*scores)), manifest)
    assert _reasons(standing) == reasons
    assert standing.state is (CourseState.OPEN if reasons else CourseState.REACHED)


def test_nothing_done_lists_everything(manifest):
    standing = decide_course(CourseFacts(), manifest)
    assert _reasons(standing) == [
        "module_open:m04",
        "module_open:m06",
        "deliverable_missing:m06-hoja-de-costos",
        "post_missing:post",
    ]
    assert (standing.minutes_trained, standing.minutes_recognised) == (0, 0)


def test_training_and_evaluation_together(manifest):
    standing = decide_course(CourseFacts({"m04": M04, "m06": M06_EXEMPT}, _post(8)), manifest)
    assert standing.state is CourseState.REACHED
    assert (standing.minutes_trained, standing.minutes_recognised) == (72, 66)
    assert [module.route for module in standing.modules] == [Route.TRAINING, Route.EVALUATION]


def test_an_exempt_module_keeps_its_deliverable_due(manifest):
    exempt = ModuleFacts(
        units_completed=frozenset({"m06-u04"}), is_exempted=True, deliverable=DeliverableState.RETURNED
    )
    standing = decide_course(CourseFacts({"m04": M04, "m06": exempt}, _post(8)), manifest)
    assert _reasons(standing) == ["deliverable_returned:m06-hoja-de-costos"]


def test_modules_the_manifest_does_not_know_are_ignored(manifest):
    known = {"m04": M04, "m06": M06}
    assert decide_course(CourseFacts({**known, "m99": ModuleFacts()}, _post(8)), manifest) == decide_course(
        CourseFacts(known, _post(8)), manifest
    )


def test_standing_in_one_module_is_found_or_refused(manifest):
    standing = decide_course(CourseFacts(), manifest)
    assert standing.get_module("m06").module_key == "m06"
    with pytest.raises(GradingError) as caught:
        standing.get_module("m99")
    assert caught.value.code == "unknown_module"


@given(FACTS, FACTS, st.lists(st.integers(0, 8), max_size=3), st.randoms())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_course_is_reached_iff_all_three_are_there_in_any_order(manifest, m04, m06, scores, random):
    named = [
        (
            "m04",
            dataclasses.replace(m04, units_completed=frozenset({"m04-u03"} if m04.units_completed else ())),
        ),
        (
            "m06",
            dataclasses.replace(
                m06, units_completed=frozenset({"m06-u03", "m06-u04"} if m06.units_completed else ())
            ),
        ),
    ]
    facts = CourseFacts(dict(named), _post(*scores))
    mixed = CourseFacts(dict(random.sample(named, 2)), _post(*random.sample(scores, len(scores))))
    standing = decide_course(facts, manifest)
    assert decide_course(mixed, manifest) == standing
    modules = [decide_module(facts.modules[module.key], module) for module in manifest.modules]
    reached = (
        all(module.is_reached for module in modules)
        and facts.modules["m06"].deliverable is DeliverableState.ACCEPTED
        and max(scores, default=-1) >= 6
    )
    assert (standing.state is CourseState.REACHED) == reached
    assert bool(standing.reasons) != reached
