"""Whatever order, repetition, fault and restart: a learner's record is the fold of what was accepted and counts.

Hypothesis plays the world (a classroom, a clock, a database that fails in the middle of a transaction, an operator
who registers rules late) against the real inbox on the real database; the oracle is a dictionary and a pure function.
"""

import dataclasses
import logging
import os
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from service_support import DIGEST, NOW, STARTED

from integra_grading import events
from integra_grading.manifest import manifest_digest
from integra_grading.standing import CourseState, ModuleState
from integra_service.audit.services import check_chain
from integra_service.people.models import LearnerIdentity, Source
from integra_service.records.apply import CLOCK_TOLERANCE, apply_inbox
from integra_service.records.fold import fold
from integra_service.records.inbox import store_events
from integra_service.records.manifests import register_manifest
from integra_service.records.models import InboxEvent, InboxState, LearningRecordRow, Manifest
from integra_service.records.storage import dump_record

IS_LONG = bool(os.environ.get("INTEGRA_LONG"))
# SQLite in memory carries the many runs; on a server database a few show that it makes no difference.
RUNS, STEPS = (5_000, 60) if IS_LONG else (300, 40)
SERVER_RUNS = 10
LEARNERS = (uuid.UUID(int=1), uuid.UUID(int=2))
ATTEMPTS = (uuid.UUID(int=11), uuid.UUID(int=12))
SUBMISSIONS = (uuid.UUID(int=21), uuid.UUID(int=22))
LATE, FOREIGN = "late", "foreign"


def make_data(room, kind, choice):
    """One fact of each kind; few attempts and submissions, so that facts meet."""
    common = room.common()
    attempt, submission = ATTEMPTS[choice % 2], SUBMISSIONS[choice % 2]
    match kind:
        case "enrolled":
            return room.enrolled()
        case "moved":
            return events.LearnerMoved(**common, from_cohort_key="uno", to_cohort_key="dos")
        case "unenrolled":
            return events.LearnerUnenrolled(**common, reason="unenrolled")
        case "retired":
            return events.LearnerRetired(**common)
        case "unit":
            return room.unit(("m04-u03", "m06-u03")[choice % 2])
        case "attempt":
            test = room.test("post", choice)
            return dataclasses.replace(test, attempt_uuid=attempt)
        case "voided":
            return events.AttemptVoided(**common, attempt_uuid=attempt, reason="state_deleted")
        case "submitted":
            return events.DeliverableSubmitted(
                **common,
                submission_uuid=submission,
                deliverable_key="m06-hoja-de-costos",
                version=1 + choice % 2,
                digest=DIGEST,
            )
        case "rated":
            return events.DeliverableRated(
                **common,
                submission_uuid=submission,
                rating_uuid=uuid.UUID(int=31 + choice),
                by=events.RatedBy.FACILITATOR,
                rater_uuid=uuid.UUID(int=41),
                rubric_version="rubrica-1",
                levels=(events.RatedCriterion(criterion_key="c1", points=2),),
                outcome=tuple(events.RatingOutcome)[choice % 2],
            )
        case "withdrawn":
            return events.SubmissionWithdrawn(**common, submission_uuid=submission, reason="state_deleted")
        case "module":
            state = (ModuleState.DONE, ModuleState.OPEN)[choice % 2]
            route = None if state is ModuleState.OPEN else "training"
            return room.module("m04", 72, state=state, route=route)
        case _:
            return events.CourseStandingChanged(
                **common,
                state=tuple(CourseState)[choice % 2],
                reasons=(),
                minutes_trained=72,
                minutes_recognised=0,
            )


KINDS = (
    "enrolled", "moved", "unenrolled", "retired", "unit", "attempt", "voided", "submitted", "rated", "withdrawn",
    "module", "course",
)  # fmt: skip


@contextmanager
def database_fails_after(count):
    """Let so many statements through; then every one fails, as on a server that was killed."""
    left = count

    def pass_or_fail(execute, sql, parameters, many, context):
        nonlocal left
        # Undoing what was begun is the server's own doing.
        if left <= 0 and not sql.startswith(("ROLLBACK", "RELEASE")):
            raise OperationalError("the server was stopped")
        left -= 1
        return execute(sql, parameters, many, context)

    try:
        with connection.execute_wrapper(pass_or_fail):
            yield
    finally:
        # The test's own transaction goes on: no statement reached the database and failed there.
        connection.needs_rollback = False


class InboxMachine(RuleBasedStateMachine):
    """One classroom of city A, two learners, and the inbox."""

    sent = Bundle("sent")

    def __init__(self, world):
        super().__init__()
        # Each run begins with the same database: what it changes is taken back at its end.
        self.savepoint = transaction.savepoint()
        self.world, self.source = world, Source.objects.get(key="aula-a")
        late = {key: value for key, value in world.manifest.items() if key != "digest"} | {"areas": []}
        self.late_manifest = {**late, "digest": manifest_digest(late)}
        self.rooms = {
            "": world.a,
            LATE: dataclasses.replace(world.a, rule_version=self.late_manifest["digest"]),
            FOREIGN: dataclasses.replace(world.a, city_key="ciudad-b"),
        }
        self.now = NOW
        self.accepted = {}  # by id: the content that came first
        self.made_count = 0
        self.is_late_known = False

    def teardown(self):
        try:
            self.drain_and_compare()
            assert check_chain().is_intact
        finally:
            transaction.savepoint_rollback(self.savepoint)

    @initialize(target=sent)
    def enrol(self):
        return self.make(LEARNERS[0], 1, "enrolled", 0, "", 0)

    @rule(
        target=sent,
        learner=st.sampled_from(LEARNERS),
        sequence=st.integers(1, 9),
        kind=st.sampled_from(KINDS),
        choice=st.integers(0, 3),
        room=st.sampled_from(("", "", "", LATE, FOREIGN)),
        hours_ahead=st.sampled_from((0, 0, 0, 3)),
    )
    def happen(self, learner, sequence, kind, choice, room, hours_ahead):
        return self.make(learner, sequence, kind, choice, room, hours_ahead)

    def make(self, learner, sequence, kind, choice, room, hours_ahead):
        self.made_count += 1
        at = self.now + timedelta(hours=hours_ahead) if hours_ahead else STARTED + timedelta(minutes=sequence)
        data = make_data(self.rooms[room], kind, choice)
        return self.rooms[room].event(learner, sequence, data, event_id=f"ev-{self.made_count}", at=at)

    @rule(
        batch=st.lists(sent, min_size=1, max_size=5)
    )  # one value can be drawn often: doubled and out of order
    def deliver(self, batch):
        self.take_note(batch, store_events(self.source, batch, self.now))

    @rule(event=sent, other=sent)
    def deliver_another_content_under_a_known_id(self, event, other):
        forged = {**other, "id": event["id"]}
        receipt = store_events(self.source, [forged], self.now)
        known = self.accepted.get(event["id"])
        if known is None or known == forged:
            self.take_note([forged], receipt)
        else:
            assert (receipt.accepted, receipt.refused[0].code) == ((), "id_conflict")

    @rule(batch=st.lists(sent, min_size=1, max_size=5), statements=st.integers(0, 6))
    def deliver_while_the_database_stops(self, batch, statements):
        """Without a receipt nothing is promised; the one statement that stores what is new did all of it or nothing."""
        new = {event["id"]: event for event in reversed(batch) if event["id"] not in self.accepted}
        try:
            with database_fails_after(statements):
                receipt = store_events(self.source, batch, self.now)
        except OperationalError:
            stored = InboxEvent.objects.filter(event_id__in=new).count()
            assert stored in {0, len(new)}
            self.accepted |= new if stored else {}
        else:
            self.take_note(batch, receipt)

    def take_note(self, batch, receipt):
        for event in batch:
            if event["id"] in receipt.accepted:
                self.accepted.setdefault(event["id"], event)
        unnamed = {event["id"] for event in batch} - set(receipt.accepted)
        assert unnamed == {refusal.event_id for refusal in receipt.refused} - set(receipt.accepted)

    @rule(limit=st.integers(1, 2))
    def apply_a_little(self, limit):
        apply_inbox(self.now, limit=limit)

    @rule(statements=st.integers(0, 40))
    def apply_while_the_database_stops(self, statements):
        try:
            with database_fails_after(statements):
                apply_inbox(self.now)
        except OperationalError:
            pass

    @precondition(lambda self: not self.is_late_known)
    @rule()
    def register_the_late_rules(self):
        self.is_late_known = True
        register_manifest(self.late_manifest, self.now)

    @rule(hours=st.integers(1, 4))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def drain_and_compare(self):
        apply_inbox(self.now)
        assert not InboxEvent.objects.filter(state=InboxState.NEW).exists()
        rows = LearningRecordRow.objects.for_system().select_related("identity")
        assert {row.identity.learner_uuid: row.content for row in rows} == self.expect()
        retired = LearnerIdentity.objects.for_system().filter(retired_at__isnull=False)
        assert set(retired.values_list("learner_uuid", flat=True)) == {
            learner for learner in LEARNERS if any(is_retirement(e) for e in self.counted(learner))
        }

    @invariant()
    def every_accepted_event_is_kept_once_as_it_came(self):
        assert InboxEvent.objects.count() == len(self.accepted)

    def expect(self):
        return {
            learner: dump_record(fold(learner, counted, self.arrived(learner)))
            for learner in LEARNERS
            if (counted := self.counted(learner))
        }

    def counted(self, learner):
        known = set(Manifest.objects.values_list("rule_version", flat=True))
        return [
            event
            for event in self.parsed(learner)
            if event.data.city_key == self.world.a.city_key
            and event.data.rule_version in known
            and event.time <= self.now + CLOCK_TOLERANCE
        ]

    def arrived(self, learner):
        return [e.sequence for e in self.parsed(learner) if e.data.city_key == self.world.a.city_key]

    def parsed(self, learner):
        found = (events.parse_event(raw).event for raw in self.accepted.values())
        return [event for event in found if event.learner_uuid == learner]


def is_retirement(event):
    return isinstance(event.data, events.LearnerRetired)


@pytest.fixture
def silent():
    """The faults are meant; a traceback for each would be most of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
@pytest.mark.usefixtures("silent")
def test_the_record_equals_the_fold_whatever_happens(world):
    on_server = "INTEGRA_DATABASE_URL" in os.environ
    run_state_machine_as_test(
        lambda: InboxMachine(world),
        settings=settings(
            max_examples=SERVER_RUNS if on_server else RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
