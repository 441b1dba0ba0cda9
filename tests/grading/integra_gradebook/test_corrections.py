"""Delete state, rescore and override: facts are kept, a corrected copy counts, the service is told."""

from dataclasses import replace

import pytest

from integra_gradebook import api
from integra_gradebook.models import Attempt, LearnerEvent, Submission
from integra_grading.items import Item, item_digest
from integra_grading.manifest import manifest_digest


def now_right(item, key="a"):
    """Return ``item`` after its author found that ``key`` is right."""
    raw = item.to_dict()
    for option in raw["options"]:
        option.pop("correct", None)
        if option["key"] == key:
            option["correct"] = True
    return Item.from_dict(raw)


def without_option(item, key):
    raw = item.to_dict()
    raw["options"] = [option for option in raw["options"] if option["key"] != key]
    return Item.from_dict(raw)


def void(classroom, learner, tools, kind):
    return api.void_block(learner, block_key=tools.block(kind), now=classroom.now)


def test_a_voided_test_counts_no_more_is_kept_and_told(classroom, tools):
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 8)
    assert void(classroom, ana, tools, "post") == 1

    row = Attempt.objects.get()
    assert (row.voided_at, row.void_reason, row.score, row.mirror_at) == (
        classroom.now,
        "state_deleted",
        8,
        classroom.now,
    )
    assert classroom.last_said("attempt.voided")["attempt_uuid"] == str(sent.uuid)
    assert "post_missing" in [reason.code for reason in api.get_record(ana, now=classroom.now).course.reasons]
    assert api.find_attempt(ana, block_key=sent.block_key) is None


def test_voiding_again_changes_nothing(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "post", 8)
    void(classroom, ana, tools, "post")
    before, rows = LearnerEvent.objects.count(), tools.count_rows()
    assert void(classroom, ana, tools, "post") == 0
    assert (LearnerEvent.objects.count(), tools.count_rows()) == (before, rows)


def test_after_a_void_the_test_may_be_taken_at_once_with_a_form_not_yet_seen(classroom, tools):
    ana = classroom.learner()
    first = classroom.take(ana, "post", 2)
    void(classroom, ana, tools, "post")
    again = classroom.take(ana, "post", 8)
    assert (again.outcome, again.ordinal) == ("passed", 2)
    assert again.form_key == "C" != first.form_key


def test_an_open_attempt_is_voided_without_telling_what_nobody_heard_of(classroom, tools):
    ana = classroom.learner()
    classroom.start(ana)
    assert void(classroom, ana, tools, "post") == 1
    assert "attempt.voided" not in classroom.said(ana)


def test_a_voided_evaluation_takes_its_exemption_with_it_and_keeps_what_was_seen(classroom, tools):
    ana = classroom.learner()
    first = classroom.take(ana, "bypass", 12)
    assert api.get_module_standing(ana, "m06").state == "exempt"
    void(classroom, ana, tools, "bypass")
    assert api.get_module_standing(ana, "m06").state == "open"
    assert classroom.last_said("module.standing.changed")["state"] == "open"
    second = classroom.start(ana, "bypass")
    assert not {item.key for item in first.items} & {item.key for item in second.items}


def test_a_voided_deliverable_is_withdrawn_and_leaves_the_queue(classroom, tools):
    classroom.cohort("manta-1", "manta")
    carmen = classroom.facilitator("carmen", "manta-1")
    ana = classroom.learner(cohort="manta-1")
    work = classroom.hand_in(ana)
    assert void(classroom, ana, tools, "m06-hoja") == 1
    assert Submission.objects.get().withdrawn_at == classroom.now
    assert classroom.last_said("submission.withdrawn")["submission_uuid"] == str(work.uuid)
    assert api.list_queue(carmen, classroom.key, now=classroom.now).rows == ()
    assert classroom.hand_in(ana).version == 2


def test_who_did_nothing_has_nothing_to_void(classroom, tools):
    rows = tools.count_rows()
    assert void(classroom, classroom.learner("nadie"), tools, "post") == 0
    assert tools.count_rows() == rows


def rescore(classroom, learner, tools, bank, **more):
    return api.rescore_block(learner, block_key=tools.block("post"), bank=bank, now=classroom.now, **more)


def test_rescoring_with_a_mended_key_counts_a_copy_and_keeps_the_original(classroom, tools, published):
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 2)
    assert sent.outcome == "below_cut"
    bank = published(now_right(item) for item in classroom.course.test.items)

    assert rescore(classroom, ana, tools, bank) == 1

    old, new = Attempt.objects.order_by("ordinal")
    assert (old.uuid, old.score, old.void_reason) == (sent.uuid, 2, "rescored")
    assert (new.score, new.outcome, new.submitted_at, new.voided_at) == (6, "passed", old.submitted_at, None)
    told = [name for name in classroom.said(ana) if name.startswith(("assessment", "attempt"))]
    assert told == ["assessment.submitted", "attempt.voided", "assessment.submitted"]
    said = classroom.last_said("assessment.submitted")
    assert (said["attempt_uuid"], said["score"], said["ordinal"]) == (str(new.uuid), 6, 2)
    digests = {item.key: item_digest(item) for item in bank.items}
    assert {item["item_digest"] for item in said["items"]} <= set(digests.values())
    assert (old.bank_digest, said["bank_digest"]) == (classroom.course.test.digest, bank.digest)
    assert {row.item_key: row.response for row in old.drawn.all()} == {
        row.item_key: row.response for row in new.drawn.all()
    }


def test_rescoring_without_a_change_writes_nothing(classroom, tools):
    ana = classroom.learner()
    classroom.take(ana, "post", 2)
    rows = tools.count_rows()
    assert rescore(classroom, ana, tools, classroom.course.test) == 0
    assert tools.count_rows() == rows


def test_items_that_nobody_registered_score_nothing(classroom, tools, refused):
    ana = classroom.learner()
    classroom.take(ana, "post", 2)
    edited = tools.make_bank("prueba-demo", [now_right(item) for item in classroom.course.test.items])
    refused("bank_mismatch", rescore, classroom, ana, tools, edited)


def test_an_item_replaced_in_the_bank_keeps_its_points(classroom, tools, published):
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 2)
    gone = sent.items[7].key
    bank = published(
        replace(item, key="pp-nueva") if item.key == gone else now_right(item)
        for item in classroom.course.test.items
    )
    rescore(classroom, ana, tools, bank)
    assert Attempt.objects.get(voided_at=None).score == 5


@pytest.mark.parametrize("taken_out", ["a", "c"])
def test_an_item_with_other_options_than_were_shown_keeps_its_points_and_can_still_be_seen(
    classroom, tools, published, taken_out
):
    """``a`` was what the learner chose; ``c`` nobody chose."""
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 2)
    changed = sent.items[7].key
    bank = published(
        without_option(item, taken_out) if item.key == changed else now_right(item)
        for item in classroom.course.test.items
    )
    assert rescore(classroom, ana, tools, bank) == 1

    seen = api.find_attempt(ana, block_key=sent.block_key)
    assert seen.score == 5
    assert [option.key for option in seen.items[7].options] == [
        option.key for option in sent.items[7].options
    ]


def test_a_correction_of_an_earlier_attempt_leaves_the_open_one_where_it_is(classroom, tools):
    classroom.cohort("manta-1", "manta")
    carmen = classroom.facilitator("carmen", "manta-1")
    ana = classroom.learner(cohort="manta-1")
    sent = classroom.take(ana, "post", 2)
    classroom.later(hours=49)
    waiting = classroom.start(ana)

    api.override_score(ana, block_key=sent.block_key, score=3, now=classroom.now)

    assert api.find_attempt(ana, block_key=sent.block_key).uuid == waiting.uuid
    (row,) = api.list_papers(carmen, classroom.key, block_key=sent.block_key, now=classroom.now)
    assert row.state == "open"


def test_the_attempt_sent_last_stays_the_last_whichever_is_corrected(classroom, tools, published):
    ana = classroom.learner()
    first = classroom.take(ana, "post", 2)
    classroom.later(hours=49)
    second = classroom.take(ana, "post", 3)
    changed = {item.key for item in first.items} - {item.key for item in second.items}
    bank = published(now_right(item) if item.key in changed else item for item in classroom.course.test.items)
    assert rescore(classroom, ana, tools, bank) == 1

    assert api.find_attempt(ana, block_key=first.block_key).uuid == second.uuid
    api.override_score(ana, block_key=first.block_key, score=5, now=classroom.now)
    last = api.find_attempt(ana, block_key=first.block_key)
    assert (last.score, last.form_key) == (5, second.form_key)
    counted = Attempt.objects.filter(voided_at=None).order_by("submitted_at")
    assert list(counted.values_list("score", flat=True)) == [6, 5]


def test_a_correction_decides_by_the_cut_its_attempt_had(classroom, tools):
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 3)
    manifest = {key: value for key, value in classroom.course.manifest.items() if key != "digest"}
    post = manifest["tests"]["post"] | {"cut": 7}
    manifest |= {"tests": manifest["tests"] | {"post": post}}
    api.register_course(classroom.key, manifest | {"digest": manifest_digest(manifest)})

    api.override_score(ana, block_key=sent.block_key, score=6, now=classroom.now)

    said = classroom.last_said("assessment.submitted")
    assert (said["score"], said["cut"], Attempt.objects.get(voided_at=None).outcome) == (6, 6, "passed")


def test_an_override_is_a_copy_with_another_score_and_its_own_outcome(classroom, tools):
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 5)
    assert api.find_score(ana, block_key=sent.block_key) == (5, 8)
    assert api.override_score(ana, block_key=sent.block_key, score=7, now=classroom.now) == 1
    old, new = Attempt.objects.order_by("ordinal")
    assert (old.void_reason, new.score, new.outcome) == ("overridden", 7, "passed")
    assert api.find_score(ana, block_key=sent.block_key) == (7, 8)
    assert api.override_score(ana, block_key=sent.block_key, score=7, now=classroom.now) == 0
    assert "below_cut" not in [r.code for r in api.get_record(ana, now=classroom.now).course.reasons]


@pytest.mark.parametrize(("score", "code"), [(9, "score_invalid"), (-1, "score_invalid")])
def test_an_override_outside_the_test_is_refused(classroom, refused, tools, score, code):
    ana = classroom.learner()
    sent = classroom.take(ana, "post", 5)
    refused(code, api.override_score, ana, block_key=sent.block_key, score=score, now=classroom.now)


def test_there_is_nothing_to_override_before_something_was_sent(classroom, refused, tools):
    ana = classroom.learner()
    attempt = classroom.start(ana)
    assert not api.has_submitted(ana, block_key=attempt.block_key)
    assert api.find_score(ana, block_key=attempt.block_key) is None
    refused(
        "attempt_unknown", api.override_score, ana, block_key=attempt.block_key, score=1, now=classroom.now
    )


def test_another_learners_attempt_is_out_of_reach(classroom, tools):
    classroom.take(classroom.learner("eva"), "post", 5)
    ana = classroom.learner("ana")
    classroom.take(ana, "pre", 1)
    assert void(classroom, ana, tools, "post") == 0
    assert Attempt.objects.filter(voided_at=None).count() == 2
