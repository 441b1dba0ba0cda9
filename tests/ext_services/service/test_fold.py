"""The record is the fold of the learner's events, whatever order, repetition and cutting they arrive in."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_support import NOW, Classroom

from integra_grading import events
from integra_grading.standing import ModuleState
from integra_service.people.models import LearnerIdentity
from integra_service.records.apply import apply_inbox
from integra_service.records.fold import find_best, fold
from integra_service.records.models import InboxEvent, LearningRecordRow
from integra_service.records.storage import dump_record, load_record

LEARNER = uuid.UUID(int=7)
ROOM = Classroom("aula", "ciudad-a", "course-v1:X+Y+Z", "r" * 64, b"", "", "", bank_digest="d" * 64)


def make_events(story):
    return [
        events.Event(
            id=f"ev-{n}", learner_uuid=LEARNER, sequence=n, time=NOW + timedelta(minutes=n), data=data
        )
        for n, data in enumerate(story, 1)
    ]


def rated(submission, outcome):
    return events.DeliverableRated(
        **ROOM.common(),
        submission_uuid=submission,
        rating_uuid=uuid.uuid4(),
        by=events.RatedBy.FACILITATOR,
        rubric_version="rubrica-1",
        levels=(),
        outcome=events.RatingOutcome(outcome),
    )


def submitted(submission, version):
    return events.DeliverableSubmitted(
        **ROOM.common(), submission_uuid=submission, deliverable_key="hoja", version=version, digest="d" * 64
    )


def fold_all(found):
    return fold(LEARNER, found, [event.sequence for event in found])


@settings(max_examples=60)
@given(st.data())
def test_any_order_gives_the_record_of_the_ordered_list(data):
    story = make_events(ROOM.story())
    shuffled = data.draw(st.permutations(story))
    assert dump_record(fold_all(shuffled)) == dump_record(fold_all(story))


def test_a_record_survives_being_stored():
    record = fold_all(make_events(ROOM.story()))
    assert load_record(dump_record(record)) == record


def test_an_open_standing_replaces_a_reached_one():
    story = [
        ROOM.module("m04", 72),
        ROOM.module("m04", 0, state=ModuleState.OPEN, route=None, reasons=("unit_missing:u",)),
    ]
    module = fold_all(make_events(story)).courses[0].find_module("m04")
    assert (module.state, module.route, module.reasons) == ("open", None, ("unit_missing:u",))


def test_a_voided_attempt_and_a_withdrawn_submission_do_not_count():
    test = ROOM.test("post", 7)
    first, second = uuid.uuid4(), uuid.uuid4()
    story = [
        test,
        events.AttemptVoided(**ROOM.common(), attempt_uuid=test.attempt_uuid, reason="state_deleted"),
        submitted(first, 1),
        rated(first, "accepted"),
        submitted(second, 2),
        events.SubmissionWithdrawn(**ROOM.common(), submission_uuid=second, reason="state_deleted"),
    ]
    course = fold_all(make_events(story)).courses[0]
    assert course.attempts == ()
    assert course.find_deliverable("hoja").version == 1
    assert course.find_deliverable("hoja").outcome == "accepted"


def test_a_new_version_waits_for_its_own_rating():
    first, second = uuid.uuid4(), uuid.uuid4()
    story = [submitted(first, 1), rated(first, "returned"), submitted(second, 2)]
    assert fold_all(make_events(story)).courses[0].find_deliverable("hoja").outcome is None
    story.append(rated(second, "accepted"))
    assert fold_all(make_events(story)).courses[0].find_deliverable("hoja").outcome == "accepted"


def test_a_score_of_zero_is_a_score_and_the_best_is_by_proportion():
    record = fold_all(make_events([ROOM.test("post", 0)]))
    (attempt,) = record.courses[0].attempts
    assert (attempt.kind, attempt.score, find_best([attempt])) == ("post", 0, attempt)
    assert find_best([]) is None


def test_missing_numbers_are_named_and_bounded():
    first, *_, last = make_events(ROOM.story())
    assert fold(LEARNER, [first, last], [1, 10]).missing == tuple(range(2, 10))
    assert len(fold(LEARNER, [], [2**31 - 1]).missing) == 100


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_delivery_gives_the_row_of_the_ordered_one(world, data):
    """Deliver a story shuffled, repeated and in pieces, applying in between; compare with a neat delivery."""
    neat, messy = uuid.uuid4(), uuid.uuid4()
    story = world.a.story()
    told = world.a.tell(messy, story)
    deliveries = data.draw(
        st.lists(st.lists(st.sampled_from(told), min_size=1, max_size=6), min_size=1, max_size=8)
    )
    world.a.send([dict(event, id=f"neat-{event['id']}", subject=str(neat)) for event in told])
    for batch in [*deliveries, data.draw(st.permutations(told))]:
        assert world.a.send(list(batch)).status_code == 202
        if data.draw(st.booleans()):
            apply_inbox(datetime.now(UTC))
    apply_inbox(datetime.now(UTC))

    rows = {
        str(row.identity.learner_uuid): row.content
        for row in LearningRecordRow.objects.for_system().select_related("identity")
    }
    assert rows[str(messy)].replace(str(messy), "L") == rows[str(neat)].replace(str(neat), "L").replace(
        "neat-", ""
    )
    assert InboxEvent.objects.filter(learner_uuid=messy).count() == len(story)
    assert LearnerIdentity.objects.for_system().filter(learner_uuid=messy).count() == 1
