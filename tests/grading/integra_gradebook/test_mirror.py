"""Scores and completion in the LMS's own gradebook, through the published packages it uses."""

from importlib import import_module
from uuid import uuid4

import pytest
from common.djangoapps.student.models import anonymous_id_for_user
from completion.models import BlockCompletion
from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
from django.contrib.auth import get_user_model
from edx_toggles.toggles.testutils import override_waffle_switch
from opaque_keys.edx.keys import CourseKey
from submissions import api as submissions
from submissions.models import Score

from integra_gradebook import api
from integra_gradebook.apps import GradebookConfig
from integra_gradebook.models import Standing

MODULE = "block-v1:INTEGRA+CAP40+2026+type@integra_module+block@m06"


@pytest.fixture(autouse=True)
def completion_is_tracked(db):
    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=True):
        yield


def shown(classroom, learner, block_key=MODULE, item_type="integra_module"):
    user = get_user_model().objects.get(pk=learner.user_id)
    score = submissions.get_score(
        {
            "student_id": anonymous_id_for_user(user, CourseKey.from_string(classroom.key)),
            "course_id": classroom.key,
            "item_id": block_key,
            "item_type": item_type,
        }
    )
    return (score["points_earned"], score["points_possible"]) if score else None


def completions(learner):
    rows = BlockCompletion.objects.filter(user_id=learner.user_id)
    return {str(row.block_key): row.completion for row in rows}


def mirror_everything():
    while api.mirror_pending(100):
        pass


def test_nothing_is_written_into_the_lms_by_the_fact_itself(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    assert shown(classroom, ana) is None
    assert completions(ana) == {}


def test_a_module_that_was_reached_is_shown_once(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    mirror_everything()
    assert shown(classroom, ana) == (1, 1)
    assert completions(ana) == {MODULE: 1.0}
    assert Score.objects.count() == 1

    row = Standing.objects.get(module_key="m06")
    assert (row.mirrored_revision, row.mirror_at) == (row.revision, None)
    assert api.mirror_pending(100) == 0


def test_a_module_that_is_open_has_no_score(classroom):
    ana = classroom.learner()
    classroom.read(ana)
    mirror_everything()
    assert shown(classroom, ana) is None
    assert completions(ana) == {}


def test_a_standing_that_was_lost_is_taken_back(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    mirror_everything()
    Standing.objects.filter(module_key="m06").update(state="open", mirror_at=classroom.now)
    mirror_everything()
    assert shown(classroom, ana) is None
    assert completions(ana) == {MODULE: 0.0}


def test_the_best_post_test_is_shown(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "post", 5)
    mirror_everything()
    assert shown(classroom, ana, tools.block("post"), "integra_test") == (5, 8)
    classroom.later(hours=48)
    classroom.take(ana, "post", 3)
    mirror_everything()
    assert shown(classroom, ana, tools.block("post"), "integra_test") == (5, 8)


def test_accepted_work_is_shown_and_returned_work_is_not(classroom, tools):
    cohort = classroom.cohort("quito-1", "quito")
    rater = classroom.facilitator("facilita", cohort)
    ana = classroom.learner(cohort=cohort)
    for points, outcome, expected in ((1, "returned", None), (2, "accepted", (1, 1))):
        work = classroom.hand_in(ana)
        classroom.claim(rater, work)
        classroom.rate(rater, work, points, outcome)
        mirror_everything()
        assert shown(classroom, ana, tools.block("m06-hoja"), "integra_deliverable") == expected


def test_a_score_the_lms_lost_comes_back(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    mirror_everything()
    user = get_user_model().objects.get(pk=ana.user_id)
    me = anonymous_id_for_user(user, CourseKey.from_string(classroom.key))
    submissions.reset_score(me, classroom.key, MODULE)
    assert shown(classroom, ana) is None
    assert api.mirror_again(classroom.key) == 1
    mirror_everything()
    assert shown(classroom, ana) == (1, 1)


def test_one_that_fails_does_not_stop_the_others(classroom):
    ana, beto = classroom.learner("ana"), classroom.learner("beto")
    classroom.finish(ana)
    classroom.finish(beto)
    raised = []

    def broker_is_down(anonymous_user_id, **kwargs):
        if not raised:
            raised.append(anonymous_user_id)
            raise ConnectionError("no broker")

    submissions.score_set.connect(broker_is_down)
    try:
        assert api.mirror_pending(100) == 1
        assert api.mirror_pending(100) == 0  # it waits
        assert sorted([shown(classroom, ana) or (), shown(classroom, beto) or ()]) == [(), (1, 1)]
        Standing.objects.filter(mirror_at__isnull=False).update(mirror_at=classroom.now)
        assert api.mirror_pending(100) == 1
    finally:
        submissions.score_set.disconnect(broker_is_down)
    assert shown(classroom, ana) == shown(classroom, beto) == (1, 1)


def test_the_limit_is_kept(classroom):
    for number in range(5):
        classroom.finish(classroom.learner(f"persona-{number}"))
    assert [api.mirror_pending(2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_retired_learner_is_passed_over(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    api.retire_learner(ana.user_id, now=classroom.now)
    mirror_everything()
    assert Score.objects.count() == 0


def test_where_completion_is_not_tracked_only_scores_are_written(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=False):
        mirror_everything()
    assert shown(classroom, ana) == (1, 1)
    assert completions(ana) == {}


def test_an_exemption_completes_the_lessons_and_practices_of_its_module_and_says_no_unit(classroom):
    ana = classroom.learner()
    classroom.take(ana, "bypass", 12)
    mirror_everything()
    blocks = "block-v1:INTEGRA+CAP40+2026+type@"
    assert completions(ana) == {
        MODULE: 1.0,
        f"{blocks}integra_lesson+block@m06-u03-leccion": 1.0,
        f"{blocks}integra_practice+block@m06-u03-practica": 1.0,
    }
    assert "unit.completed" not in classroom.said(ana)
    assert api.get_unit_state(ana, "m06-u03").is_complete is False


def test_a_sheet_of_paper_completes_its_block_once_nothing_more_is_to_be_decided(classroom, tools):
    classroom.cohort("manta-1", "manta")
    carmen = classroom.facilitator("carmen", "manta-1")
    ana = classroom.learner(cohort="manta-1")

    def sit(kind, right):
        who = {"short_code": api.get_short_code(ana), "block_key": tools.block(kind), "now": classroom.now}
        bank = classroom.course.ring if kind == "bypass" else classroom.course.test
        sheet = api.start_paper(carmen, classroom.key, kind=kind, bank=bank, uuid=uuid4(), **who)
        answers = {item.key: {"option": "b" if n < right else "a"} for n, item in enumerate(sheet.items)}
        api.submit_paper(carmen, classroom.key, attempt_uuid=sheet.uuid, responses=answers, **who)
        mirror_everything()

    sit("pre", 3)
    assert completions(ana) == {tools.block("pre"): 1.0}
    sit("bypass", 8)
    assert tools.block("bypass") not in completions(ana)
    sit("bypass", 2)
    assert completions(ana)[tools.block("bypass")] == 1.0
    assert [shown(classroom, ana, tools.block(kind), "integra_test") for kind in ("pre", "bypass")] == [
        None,
        None,
    ]


def test_publishing_the_course_shows_everything_again(classroom):
    ana = classroom.learner()
    classroom.finish(ana)
    mirror_everything()
    assert api.mirror_pending(100) == 0
    receive = named_in_the_plugin("cms.djangoapp", "xmodule.modulestore.django.COURSE_PUBLISHED")

    receive(sender=None, course_key=CourseKey.from_string("course-v1:Otra+Cosa+2026"))
    assert api.mirror_pending(100) == 0
    receive(sender=None, course_key=CourseKey.from_string(classroom.key))
    sent = []

    def listen(**kwargs):
        sent.append(kwargs["points_earned"])

    submissions.score_set.connect(listen)
    try:
        assert api.mirror_pending(100) == 1
    finally:
        submissions.score_set.disconnect(listen)
    assert sent == [1]  # the LMS is told although the score itself is the same
    assert Score.objects.count() == 1


def named_in_the_plugin(project_type, signal_path):
    """Return the receiver as the platform would find it: by the names in the app's configuration."""
    config = GradebookConfig.plugin_app["signals_config"][project_type]
    (receiver,) = [row for row in config["receivers"] if row["signal_path"] == signal_path]
    module = import_module(f"integra_gradebook.{config['relative_path']}")
    return getattr(module, receiver["receiver_func_name"])
