"""A fact and its outbox row stand and fall together; what is missing can be rebuilt."""

import json

import pytest
from common.djangoapps.student.models import CourseEnrollment
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from openedx.core.djangoapps.user_api.accounts.signals import USER_RETIRE_LMS_MISC

from integra_bridge import outbox
from integra_bridge.models import OutboxEvent, OutboxState
from integra_gradebook import api
from integra_gradebook.signals import event_recorded
from integra_grading.events import event_digest

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = ("event_id", "learner_uuid", "event_type", "digest")


def rows():
    return [
        (*values, bytes(body))
        for *values, body in OutboxEvent.objects.order_by("event_id").values_list(*FIELDS, "body")
    ]


def journal():
    return [entry.event for entry in api.read_journal(after=0, limit=1000)]


def test_every_event_of_a_fact_is_queued_with_the_journals_id(learner, complete_lesson):
    complete_lesson(learner)

    events = {event.id: event for event in journal()}
    assert len(events) >= 3
    assert {row.event_id for row in OutboxEvent.objects.all()} == set(events)
    for row in OutboxEvent.objects.all():
        sent = json.loads(bytes(row.body))
        assert sent["sequence"] == events[row.event_id].sequence
        assert (sent["source"], sent["subject"]) == ("standin", row.learner_uuid)
        assert row.digest == event_digest(sent)
        assert row.state == OutboxState.PENDING


def test_a_repeated_fact_queues_nothing(learner, complete_lesson):
    complete_lesson(learner)
    before = rows()

    complete_lesson(learner)

    assert rows() == before


def test_nothing_personal_is_queued(learner, complete_lesson):
    user = get_user_model().objects.get(pk=learner.user_id)
    user.first_name, user.last_name, user.email = "Nombremarca", "Apellidomarca", "correo.marca@example.org"
    user.username = "usuariomarca"
    user.save()

    complete_lesson(learner)

    text = b"".join(bytes(row.body) for row in OutboxEvent.objects.all()).lower()
    assert text
    assert b"marca" not in text


def test_where_the_row_cannot_be_written_the_fact_is_not_stored_either(learner, complete_lesson, monkeypatch):
    complete_lesson(learner)
    before = len(journal()), rows()
    state = api.get_unit_state(learner, "m06-u03")
    other = api.Learner(get_user_model().objects.create_user("luis").pk, learner.course_key)

    with monkeypatch.context() as patch:
        patch.setattr("integra_bridge.outbox.canonical_json", broken)
        with pytest.raises(RuntimeError, match="disk"):
            complete_lesson(other)

    assert api.get_unit_state(other, "m06-u03").is_lesson_done is False
    assert api.get_unit_state(learner, "m06-u03") == state
    assert rows() == before[1]


def broken(value):
    raise RuntimeError("disk full")


def test_an_event_said_outside_a_transaction_is_a_programming_error(learner, make_event):
    with pytest.raises(RuntimeError, match="transaction"):
        event_recorded.send(sender=None, event=make_event())


def test_before_the_lms_is_connected_learners_work_and_backfill_catches_up(
    learner, complete_lesson, settings
):
    del settings.INTEGRA_SOURCE
    complete_lesson(learner)
    assert rows() == []
    with pytest.raises(CommandError, match="INTEGRA_SOURCE"):
        call_command("integra_outbox", "--backfill")

    settings.INTEGRA_SOURCE = "standin"
    call_command("integra_outbox", "--backfill")

    assert {row.event_id for row in OutboxEvent.objects.all()} == {event.id for event in journal()}


def test_backfill_recreates_exactly_what_was_lost(learner, complete_lesson, peer, relay, clock):
    complete_lesson(learner)
    relay()
    before = rows()
    lost = OutboxEvent.objects.order_by("pk").first()
    lost.delete()
    assert outbox.count_missing() == 1

    assert outbox.backfill(source="standin", now=clock()) == 1

    assert rows() == before
    assert outbox.count_missing() == 0
    assert relay().accepted == 1
    assert peer.deliveries[-1].event_ids == [lost.event_id]
    assert outbox.backfill(source="standin", now=clock()) == 0


def test_backfill_reads_a_journal_longer_than_one_page(learner, complete_lesson, clock, monkeypatch):
    monkeypatch.setattr(outbox, "NUMBERED_AT_ONCE", 2)
    complete_lesson(learner)
    before = rows()
    OutboxEvent.objects.all().delete()

    outbox.backfill(source="standin", now=clock())

    assert rows() == before


def test_retirement_in_the_platform_is_told_and_the_mapping_is_gone(learner, complete_lesson, peer, relay):
    complete_lesson(learner)
    learner_uuid = api.get_learner_uuid(learner)
    CourseEnrollment.objects.all().delete()
    user = get_user_model().objects.get(pk=learner.user_id)

    with transaction.atomic():  # as in the platform's own view
        USER_RETIRE_LMS_MISC.send(sender=None, user=user)

    last = OutboxEvent.objects.order_by("pk").last()
    assert (last.event_type, last.learner_uuid) == (
        "org.integra.learning.learner.retired.v1",
        str(learner_uuid),
    )
    assert api.find_user_id(learner_uuid) is None
    relay()
    assert last.event_id in peer.deliveries[-1].event_ids


def test_retirement_of_a_stranger_says_nothing(learner):
    stranger = get_user_model().objects.create_user("nadie")

    USER_RETIRE_LMS_MISC.send(sender=None, user=stranger)

    assert rows() == []
