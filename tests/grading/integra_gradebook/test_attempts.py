"""Pre-test and post-test: started, answered, submitted once, and never told too much."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_gradebook.models import AttemptResponse, ItemVersion
from integra_grading.items import Item


def test_the_row_is_there_before_the_first_item_is_shown(classroom):
    ana = classroom.learner()
    attempt = classroom.start(ana, "pre")

    assert (attempt.state, attempt.kind, attempt.ordinal) == ("open", "pre", 1)
    assert len(attempt.items) == 8
    assert attempt.deadline_at == classroom.now + timedelta(minutes=10)
    assert AttemptResponse.objects.filter(attempt__uuid=attempt.uuid).count() == 8
    assert api.find_attempt(ana, block_key=attempt.block_key) == attempt


def test_the_view_holds_no_key_no_feedback_and_no_score(classroom):
    attempt = classroom.start(classroom.learner(), "pre")
    text = repr(attempt)

    assert "correct" not in text
    assert "Falta restar" not in text
    assert "Bien." not in text
    assert (attempt.score, attempt.cut, attempt.outcome) == (None, None, None)


def test_the_score_is_never_told_for_the_pre_test_and_told_for_the_post_test_after_sending(classroom):
    ana = classroom.learner()
    pre = classroom.take(ana, "pre", 3)
    assert (pre.state, pre.score, pre.outcome) == ("submitted", None, "taken")

    post = classroom.start(ana)
    assert "score" not in repr(classroom.save(ana, post, post.items[0].key, "b"))
    post = classroom.submit(ana, post)
    assert (post.score, post.max_score, post.cut, post.outcome) == (1, 8, 6, "below_cut")


def test_the_post_test_is_the_other_form_and_the_second_attempt_a_third(classroom):
    ana = classroom.learner()
    pre = classroom.take(ana, "pre", 3)
    first = classroom.take(ana, "post", 3)
    classroom.later(hours=48)
    second = classroom.take(ana, "post", 8)

    assert {pre.form_key, first.form_key} == {"A", "B"}
    assert second.form_key == "C"
    assert (second.ordinal, second.outcome, second.score) == (2, "passed", 8)


def test_form_order_is_balanced_in_every_four_places_of_a_cohort(classroom):
    first_forms = [classroom.start(classroom.learner(f"persona-{n}"), "pre").form_key for n in range(12)]
    for block in (first_forms[:4], first_forms[4:8], first_forms[8:]):
        assert sorted(block) == ["A", "A", "B", "B"]


def test_two_learners_see_another_order_and_each_always_the_same(classroom):
    starts = [classroom.start(classroom.learner(f"persona-{n}"), "pre") for n in range(6)]
    same_form = [tuple(item.key for item in s.items) for s in starts if s.form_key == "A"]
    assert len(set(same_form)) == len(same_form)
    options = {tuple(o.key for o in item.options) for s in starts for item in s.items}
    assert len(options) > 1


@pytest.mark.parametrize("kind", ["pre", "post"])
def test_an_open_attempt_is_given_back_instead_of_a_second_one(classroom, tools, kind):
    ana = classroom.learner()
    first = classroom.start(ana, kind)
    rows = tools.count_rows()
    assert classroom.start(ana, kind) == first
    assert classroom.start(ana, kind, uuid=first.uuid) == first
    assert tools.count_rows() == rows


def test_an_open_attempt_in_a_copy_of_the_block_is_named(classroom, refused, tools):
    ana = classroom.learner()
    first = classroom.start(ana)
    error = refused("attempt_open", classroom.start, ana, at=tools.block("copia"))
    assert error.field == str(first.uuid)


def test_the_pre_test_is_taken_once(classroom, refused):
    ana = classroom.learner()
    classroom.take(ana, "pre", 3)
    refused("already_taken", classroom.start, ana, "pre")


def test_the_second_post_test_waits_and_there_is_no_third(classroom, refused):
    ana = classroom.learner()
    first = classroom.take(ana, "post", 5)
    assert first.attempts_left == 1
    assert first.available_at == classroom.now + timedelta(hours=48)

    classroom.later(hours=47, minutes=59)
    error = refused("too_early", classroom.start, ana)
    assert "2026" in error.message
    classroom.later(minutes=1)
    second = classroom.take(ana, "post", 5)
    assert (second.attempts_left, second.available_at) == (0, None)
    classroom.later(days=30)
    refused("attempts_used", classroom.start, ana)


def test_who_has_passed_does_not_sit_again(classroom, refused):
    ana = classroom.learner()
    assert classroom.take(ana, "post", 6).outcome == "passed"
    classroom.later(days=30)
    refused("already_taken", classroom.start, ana)


def test_the_last_answer_counts_and_unanswered_items_earn_nothing(classroom):
    ana = classroom.learner()
    attempt = classroom.start(ana)
    first, second = attempt.items[0].key, attempt.items[1].key
    classroom.save(ana, attempt, first, "a")
    classroom.save(ana, attempt, first, "b")
    saved = classroom.save(ana, attempt, second, "c")
    assert saved.responses == {first: {"option": "b"}, second: {"option": "c"}}
    assert classroom.submit(ana, attempt).score == 1


def test_i_do_not_know_is_an_answer_of_the_pre_test_only(classroom, refused):
    ana = classroom.learner()
    pre, key = classroom.start(ana, "pre"), None
    key = pre.items[0].key
    assert pre.allows_unknown is True
    assert classroom.save(ana, pre, key, "no_lo_se").responses == {key: {"option": "no_lo_se"}}
    classroom.submit(ana, pre)

    post = classroom.start(ana)
    assert post.allows_unknown is False
    refused("response_invalid", classroom.save, ana, post, post.items[0].key, "no_lo_se")


def test_submitting_again_gives_the_same_and_says_nothing(classroom, tools):
    ana = classroom.learner()
    attempt = classroom.take(ana, "post", 6)
    rows, said = tools.count_rows(), classroom.said()
    classroom.later(minutes=5)
    assert classroom.submit(ana, attempt) == attempt
    assert (tools.count_rows(), classroom.said()) == (rows, said)


def test_answers_do_not_change_after_sending_nor_long_after_the_deadline(classroom, refused):
    ana = classroom.learner()
    attempt = classroom.start(ana)
    key = attempt.items[0].key
    classroom.later(minutes=15)
    classroom.save(ana, attempt, key, "b")  # typed before the deadline, arrived five minutes after it
    classroom.later(seconds=1)
    refused("time_over", classroom.save, ana, attempt, key, "a")
    assert classroom.submit(ana, attempt).score == 1
    refused("attempt_closed", classroom.save, ana, attempt, key, "a")


def test_extra_time_is_given_and_noted(classroom):
    cohort = classroom.cohort("quito-2026-2", "quito")
    ana = classroom.learner()
    api.enrol(ana, cohort_key=cohort, now=classroom.now, accommodations=["extra_time"])
    attempt = classroom.start(ana)
    assert attempt.deadline_at == classroom.now + timedelta(minutes=15)
    classroom.submit(ana, attempt)
    assert classroom.last_said("assessment.submitted")["accommodations"] == ["extra_time"]


def test_nobody_reaches_anothers_attempt_or_one_of_another_block(classroom, refused, tools):
    ana, beto = classroom.learner("ana"), classroom.learner("beto")
    mine = classroom.start(ana)
    key = mine.items[0].key
    refused("attempt_unknown", classroom.save, beto, mine, key, "b")  # without a place
    classroom.read(beto)
    refused("attempt_unknown", classroom.save, beto, mine, key, "b")
    refused("attempt_unknown", classroom.submit, beto, mine)
    refused("uuid_reused", classroom.start, beto, uuid=mine.uuid)
    refused("uuid_reused", classroom.start, classroom.learner("carla"), uuid=mine.uuid)
    refused("uuid_reused", classroom.start, ana, "pre", uuid=mine.uuid)
    elsewhere = replace(mine, block_key=tools.block("otra"))
    refused("attempt_unknown", classroom.submit, ana, elsewhere)
    refused("attempt_unknown", classroom.submit, ana, replace(mine, uuid=uuid4()))
    assert api.find_attempt(beto, block_key=mine.block_key) is None


@pytest.mark.parametrize("key", ["otra", "pp-01-a-", ""])
def test_an_item_outside_the_form_is_refused(classroom, refused, key):
    ana = classroom.learner()
    attempt = classroom.start(ana)
    refused("item_unknown", classroom.save, ana, attempt, key, "b")


def test_an_item_of_the_twin_form_is_refused(classroom, refused):
    ana = classroom.learner()
    attempt = classroom.start(ana)
    shown = {item.key for item in attempt.items}
    twin = next(item.key for item in classroom.course.test.items if item.key not in shown)
    refused("item_unknown", classroom.save, ana, attempt, twin, "b")


def test_items_other_than_the_registered_ones_are_refused(classroom, refused, tools):
    ana = classroom.learner()
    items = list(classroom.course.test.items)
    easier = items[0].to_dict()
    easier["options"][0]["correct"], easier["options"][1]["correct"] = True, False
    changed = [Item.from_dict(easier), *items[1:]]

    classroom.course.test = tools.make_bank("prueba-demo", changed)  # with a digest of its own
    refused("bank_mismatch", classroom.start, ana)
    classroom.course.test = replace(tools.make_bank("prueba-demo", items), items=tuple(changed))
    refused("bank_mismatch", classroom.start, ana)
    classroom.course.test = tools.make_bank("otro", items)
    refused("bank_unknown", classroom.start, ana)
    classroom.course.test = classroom.course.ring
    refused("bank_unknown", classroom.start, ana)
    refused("kind_unknown", classroom.start, ana, "final")


def test_an_attempt_is_scored_against_the_items_it_began_with(classroom, tools):
    """Content changed in the middle: the learner's answers meet the items they saw."""
    ana = classroom.learner()
    attempt = classroom.start(ana)
    for item in attempt.items:
        classroom.save(ana, attempt, item.key, "b")
    changed = tools.make_course(due="training")
    assert api.register_course(classroom.key, changed.manifest) != classroom.course.manifest["digest"]

    assert classroom.submit(ana, attempt).score == 8
    assert classroom.last_said("assessment.submitted")["score"] == 8


def test_an_item_is_kept_once_however_many_saw_it(classroom):
    for name in ("ana", "beto", "carla", "dora"):
        classroom.start(classroom.learner(name), "pre")
    assert ItemVersion.objects.count() == 16


def test_what_is_said_of_a_submitted_attempt(classroom):
    ana = classroom.learner()
    attempt = classroom.take(ana, "post", 7)
    data = classroom.last_said("assessment.submitted")

    items = data.pop("items")
    assert [item["item_key"] for item in items] == [item.key for item in attempt.items]
    assert sum(item["points"] for item in items) == 7
    assert set(items[0]) == {"item_key", "item_digest", "outcome_key", "points", "max_points"}
    assert data == {
        "city_key": "quito",
        "cohort_key": "quito-2026-1",
        "course_key": classroom.key,
        "rule_version": classroom.course.manifest["digest"],
        "attempt_uuid": str(attempt.uuid),
        "kind": "post",
        "form_key": attempt.form_key,
        "ordinal": 1,
        "score": 7,
        "max_score": 8,
        "cut": 6,
        "bank_id": "prueba-demo",
        "bank_digest": classroom.course.test.digest,
        "mode": "alone",
        "accommodations": [],
        "started_at": data["started_at"],
    }


# --- closing forms --------------------------------------------------------------------------------


def test_a_closing_form_is_drawn_by_strata_scored_and_told(classroom):
    ana = classroom.learner()
    closing = classroom.take(ana, "closing", 17)

    assert (closing.score, closing.max_score, closing.cut, closing.outcome) == (17, 24, 17, "passed")
    assert closing.form_key == "demo.1"
    per_stratum = Counter(item.key.split("-")[1] for item in closing.items)
    assert per_stratum == {"6.1": 12, "6.3": 12}
    said = classroom.last_said("assessment.submitted")
    assert (said["kind"], said["form_key"], said["bank_id"], said["cut"]) == (
        "closing",
        "demo.1",
        "cierre-demo",
        17,
    )
    # An achievement asks for it, not the course.
    assert "course.standing.changed" not in classroom.said(ana)


def test_a_second_closing_form_waits_and_shares_no_item(classroom, refused):
    ana = classroom.learner()
    first = classroom.take(ana, "closing", 16)
    assert (first.outcome, first.attempts_left) == ("below_cut", 1)
    refused("too_early", classroom.start, ana, "closing")
    classroom.later(hours=48)
    second = classroom.take(ana, "closing", 24)
    assert not {item.key for item in first.items} & {item.key for item in second.items}
    classroom.later(days=30)
    refused("already_taken", classroom.start, ana, "closing")


def test_closing_form_and_post_test_do_not_count_for_each_other(classroom):
    ana = classroom.learner()
    classroom.take(ana, "closing", 3)
    assert classroom.take(ana, "post", 8).outcome == "passed"
    reasons = [reason.code for reason in api.get_record(ana, now=classroom.now).course.reasons]
    assert "post_missing" not in reasons
    assert "below_cut" not in reasons


def test_a_closing_bank_makes_no_test_and_a_test_bank_no_closing_form(classroom, refused, tools):
    ana = classroom.learner()
    for kind, bank in (("post", classroom.course.closing), ("closing", classroom.course.test)):
        refused(
            "bank_unknown",
            api.start_attempt,
            ana,
            kind=kind,
            block_key=tools.block(kind),
            bank=bank,
            uuid=uuid4(),
            now=classroom.now,
        )
