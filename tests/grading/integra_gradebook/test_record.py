"""What "mi avance" shows, and the standing it is derived from."""

from datetime import timedelta
from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_gradebook.models import CertificateState, Standing

VALID = api.CertificateStatus.VALID
HOME = "https://servicio.example.org"


def record_of(classroom, learner):
    return api.get_record(learner, now=classroom.now)


@pytest.fixture
def rater(classroom):
    classroom.cohort("quito-1", "quito")
    return classroom.facilitator("facilita", "quito-1")


def reach(classroom, rater, learner, *, by="training"):
    """Do everything the course asks for."""
    classroom.take(learner, "pre", 2)
    classroom.finish(learner, "m04-u03")
    if by == "training":
        classroom.finish(learner, "m06-u03")
    else:
        classroom.take(learner, "bypass", 12)
    work = classroom.hand_in(learner)
    classroom.claim(rater, work)
    classroom.rate(rater, work)
    classroom.take(learner, "post", 7)


def test_somebody_new_sees_the_whole_way_and_nothing_is_written(classroom, tools):
    before = tools.count_rows()
    record = record_of(classroom, classroom.learner())

    assert tools.count_rows() == before
    assert (record.short_code, record.cohort_key) == ("", "")
    assert (record.minutes_trained, record.minutes_recognised, record.minutes_total) == (0, 0, 108)
    assert [(module.key, module.state, module.can_be_bypassed) for module in record.modules] == [
        ("m04", "open", False),
        ("m06", "open", True),
    ]
    assert [reason.to_wire() for reason in record.modules[0].reasons] == [
        "unit_missing:m04-u03",
        "practice_missing:m04-u03-practica",
    ]
    assert [
        (deliverable.key, deliverable.state, deliverable.is_due) for deliverable in record.deliverables
    ] == [("m06-hoja", "none", True)]
    assert record.next_step == api.NextStep("pre", "")
    assert (record.gain, record.post, record.has_pre, record.is_facilitator) == (None, None, False, False)


def test_the_next_step_leads_to_the_end(classroom, rater):
    ana = classroom.learner(cohort="quito-1")
    steps = []

    def note():
        step = record_of(classroom, ana).next_step
        steps.append((step.kind, step.key))

    note()
    classroom.take(ana, "pre", 2)
    note()
    classroom.read(ana, "m04-u03")
    note()
    classroom.finish(ana, "m04-u03")
    note()
    classroom.finish(ana, "m06-u03")
    note()
    work = classroom.hand_in(ana)
    note()
    classroom.claim(rater, work)
    classroom.rate(rater, work, 1, "returned")
    note()
    again = classroom.hand_in(ana)
    classroom.take(ana, "post", 3)
    note()
    assert record_of(classroom, ana).next_step.available_at == classroom.now + timedelta(hours=48)
    classroom.later(hours=48)
    note()
    classroom.take(ana, "post", 7)
    note()
    classroom.claim(rater, again)
    classroom.rate(rater, again)
    note()

    assert steps == [
        ("pre", ""),
        ("unit", "m04-u03"),
        ("unit", "m04-u03"),
        ("unit", "m06-u03"),
        ("deliverable", "m06-hoja"),
        ("post", ""),
        ("deliverable_returned", "m06-hoja"),
        ("post_wait", ""),
        ("post", ""),
        ("wait", "m06-hoja"),
        ("certificate", "curso"),
    ]


def test_an_area_that_is_done_goes_on_with_its_closing_and_its_certificate(classroom, rater):
    ana = classroom.learner(cohort="quito-1")
    reach(classroom, rater, ana)
    me = api.get_learner_uuid(ana)
    steps = []

    def note():
        step = record_of(classroom, ana).next_step
        steps.append((step.kind, step.key))

    def announce(achievement_key):
        api.store_certificate_states(
            [api.CertificateStateRow(me, achievement_key, VALID, "abc", f"{HOME}/c/abc", classroom.now)]
        )

    note()
    announce("curso")
    note()
    classroom.take(ana, "closing", 16)
    note()
    classroom.later(hours=48)
    classroom.take(ana, "closing", 17)
    note()
    announce("demo")
    note()

    assert steps == [
        ("certificate", "curso"),
        ("closing", "demo"),
        ("closing_wait", "demo"),
        ("certificate", "demo"),
        ("done", ""),
    ]


def test_a_closing_says_what_was_reached_and_when_it_may_be_tried_again(classroom):
    ana, beto = classroom.learner("ana"), classroom.learner("beto")

    def closing_of(learner):
        [closing] = record_of(classroom, learner).closings
        best = closing.best and (closing.best.score, closing.best.max_score)
        return best, closing.is_reached, closing.permission.is_granted, closing.attempts_left

    assert closing_of(ana) == (None, False, True, 2)
    classroom.take(ana, "closing", 16)
    assert closing_of(ana) == ((16, 24), False, False, 1)
    [closing] = record_of(classroom, ana).closings
    assert (closing.area, closing.bank, closing.cut) == ("demo", "cierre-demo", 17)
    assert closing.permission.until == classroom.now + timedelta(hours=48)
    classroom.later(hours=48)
    assert closing_of(ana) == ((16, 24), False, True, 1)
    classroom.take(ana, "closing", 20)
    assert closing_of(ana) == ((20, 24), True, False, 0)
    # Neither another learner's nor another test's.
    classroom.take(beto, "post", 7)
    assert closing_of(beto) == (None, False, True, 2)
    assert record_of(classroom, ana).post is None


def test_a_voided_closing_is_forgiven(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "closing", 3)
    api.void_block(ana, block_key=tools.block("closing"), now=classroom.now)
    [closing] = record_of(classroom, ana).closings
    assert (closing.best, closing.attempts_left, closing.permission.is_granted) == (None, 2, True)


def test_each_achievement_says_what_is_left_of_it(classroom, rater):
    ana = classroom.learner(cohort="quito-1")
    classroom.finish(ana, "m04-u03")
    assert [
        (each.achievement.key, each.achievement.title, each.modules_open, each.deliverables_open)
        for each in record_of(classroom, ana).achievements
    ] == [
        ("curso", "Capacitación", ("m06",), ("m06-hoja",)),
        ("demo", "demo", ("m06",), ("m06-hoja",)),
    ]
    reach(classroom, rater, ana)
    course, area = record_of(classroom, ana).achievements
    assert (course.is_reached, area.is_ready, area.is_reached) == (True, True, False)


def test_a_course_done_by_training(classroom, rater):
    ana = classroom.learner(cohort="quito-1")
    reach(classroom, rater, ana)
    record = record_of(classroom, ana)

    assert record.course.state == "reached"
    assert (record.minutes_trained, record.minutes_recognised) == (108, 0)
    assert [(module.state, module.route) for module in record.modules] == [("done", "training")] * 2
    assert (record.gain.pre.score, record.gain.post.score, record.gain.raw_gain) == (2, 7, 0.625)
    assert record.gain.normalized_gain == pytest.approx(5 / 6)
    assert record.deliverables[0].rating.score == 8
    assert classroom.last_said("course.standing.changed")["state"] == "reached"


def test_an_exempt_module_is_recognised_and_not_trained(classroom, rater):
    ana = classroom.learner(cohort="quito-1")
    reach(classroom, rater, ana, by="evaluation")
    record = record_of(classroom, ana)

    assert record.course.state == "reached"
    assert (record.minutes_trained, record.minutes_recognised) == (72, 36)
    assert record.modules[1].exempt_until == classroom.now.replace(year=2028)


def test_one_learners_record_holds_nothing_of_anothers(classroom, rater):
    ana, beto = classroom.learner("ana", cohort="quito-1"), classroom.learner("beto", cohort="quito-1")
    reach(classroom, rater, ana)
    classroom.read(beto, "m04-u03")
    record = record_of(classroom, beto)

    assert (record.minutes_trained, record.has_pre, record.post, record.gain) == (0, False, None, None)
    assert record.deliverables[0].state == "none"
    assert not any(unit.is_complete for module in record.modules for unit in module.units)


def test_a_standing_is_said_only_when_it_changed(classroom):
    ana = classroom.learner()
    classroom.answer(ana, option="a")
    assert classroom.said(ana) == ["learner.enrolled"]
    classroom.read(ana)
    assert classroom.said(ana) == ["learner.enrolled", "module.standing.changed"]
    classroom.answer(ana, option="a")
    assert len(classroom.said(ana)) == 2
    classroom.answer(ana)
    assert classroom.said(ana)[2:] == [
        "unit.completed",
        "module.standing.changed",
        "course.standing.changed",
    ]
    classroom.answer(ana)
    assert len(classroom.said(ana)) == 5


def test_the_stored_standing_is_what_the_rules_derive(classroom, rater):
    ana = classroom.learner(cohort="quito-1")
    reach(classroom, rater, ana)
    for row in Standing.objects.exclude(module_key=""):
        derived = api.get_module_standing(ana, row.module_key)
        assert (row.state, row.route, row.minutes_trained) == (
            derived.state,
            derived.route,
            derived.minutes_trained,
        )
        assert row.rule_version == classroom.course.manifest["digest"]


def test_an_unknown_module_has_no_standing(classroom, refused):
    refused("module_unknown", api.get_module_standing, classroom.learner(), "m99")


class TestCertificates:
    def row(self, learner_uuid, **more):
        values = {
            "learner_uuid": learner_uuid,
            "achievement_key": "demo",
            "state": VALID,
            "token": "abc",
            "url": "https://servicio.example.org/c/abc",
        }
        return api.CertificateStateRow(**(values | more))

    def test_the_latest_news_is_shown(self, classroom):
        ana = classroom.learner()
        me = api.get_learner_uuid(ana)
        issued = self.row(me, changed_at=classroom.now)
        revoked = self.row(me, state=api.CertificateStatus.REVOKED, changed_at=classroom.later(hours=1))
        for rows in ([issued], [issued, revoked], [revoked], [issued]):
            api.store_certificate_states(rows)

        (shown,) = record_of(classroom, ana).certificates
        assert (shown.achievement_key, shown.state, shown.changed_at) == ("demo", "revoked", classroom.now)
        assert shown.url == issued.url

    def test_of_an_erased_one_no_address_stays_behind(self, classroom):
        ana = classroom.learner()
        me = api.get_learner_uuid(ana)
        issued = self.row(me, changed_at=classroom.now)
        erased = self.row(me, state=api.CertificateStatus.ERASED, changed_at=classroom.later(hours=1))
        api.store_certificate_states([issued, erased, issued])

        row = CertificateState.objects.get()
        assert (row.state, row.token, row.url, row.changed_at) == ("erased", "", "", classroom.now)
        assert record_of(classroom, ana).certificates == (
            api.CertificateStateView("demo", "erased", "", classroom.now),
        )

    def test_news_of_strangers_is_passed_over(self, classroom, tools):
        before = tools.count_rows()
        api.store_certificate_states([self.row(uuid4(), changed_at=classroom.now)])
        assert tools.count_rows() == before

    def test_one_learners_certificate_is_not_anothers(self, classroom):
        ana, beto = classroom.learner("ana"), classroom.learner("beto")
        classroom.read(beto)
        api.store_certificate_states([self.row(api.get_learner_uuid(ana), changed_at=classroom.now)])
        assert record_of(classroom, beto).certificates == ()


def test_a_facilitator_is_told_so(classroom, rater):
    assert record_of(classroom, api.Learner(rater, classroom.key)).is_facilitator
    classroom.later(days=-1)
    assert not record_of(classroom, api.Learner(rater, classroom.key)).is_facilitator


def test_a_record_costs_a_fixed_number_of_statements(classroom, rater, django_assert_num_queries):
    ana = classroom.learner(cohort="quito-1")
    with django_assert_num_queries(13):
        record_of(classroom, ana)
    reach(classroom, rater, ana)
    for right in (3, 17):
        classroom.take(ana, "closing", right)
        classroom.later(hours=48)
    with django_assert_num_queries(13):
        record_of(classroom, ana)
