"""Twenty-four at once, on a server database: nobody waits for ever, nothing is written twice, no number is missing."""

from collections import Counter
from threading import Event
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import F

from integra_gradebook import api
from integra_gradebook.models import (
    Attempt,
    AttemptResponse,
    Enrolment,
    ItemVersion,
    LearnerEvent,
    LearnerPseudonym,
    PracticeAnswer,
    Rating,
    Submission,
    UnitCompletion,
)
from integra_gradebook.signals import event_recorded

MANY = 24

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite lets one writer in at a time"),
]


def errors_in(results):
    return [result for result in results if isinstance(result, Exception)]


def assert_no_gap():
    for learner in LearnerPseudonym.objects.all():
        numbers = list(learner.events.order_by("sequence").values_list("sequence", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert learner.sequence == len(numbers)


@pytest.fixture
def parallel(tools):
    def run(work, count=MANY):
        results = tools.in_parallel(count, work)
        assert errors_in(results) == []
        assert_no_gap()
        return results

    return run


def test_it_is_the_database_the_address_names():
    assert connection.vendor in ("mysql", "postgresql")


def test_the_first_writes_of_one_learner(classroom, parallel):
    ana = classroom.learner()
    parallel(lambda number: classroom.answer(ana, option="a"))
    assert (LearnerPseudonym.objects.count(), Enrolment.objects.count()) == (1, 1)
    assert PracticeAnswer.objects.count() == MANY
    assert classroom.said() == ["learner.enrolled"]


def test_the_first_writes_of_many_learners(classroom, parallel):
    learners = [classroom.learner(f"persona-{number}") for number in range(MANY)]
    parallel(lambda number: classroom.answer(learners[number], option="a"))
    assert Enrolment.objects.count() == MANY
    assert Counter(Enrolment.objects.values_list("first_form", flat=True)) == {"A": 12, "B": 12}
    assert ItemVersion.objects.count() == 1


def test_one_uuid_many_times(classroom, parallel):
    ana, uuid = classroom.learner(), uuid4()
    classroom.read(ana)
    results = parallel(lambda number: classroom.answer(ana, uuid=uuid))
    assert len(set(map(repr, results))) == 1
    assert (PracticeAnswer.objects.count(), UnitCompletion.objects.count()) == (1, 1)
    assert classroom.said().count("unit.completed") == 1


def test_many_uuids_of_one_learner(classroom, parallel):
    ana = classroom.learner()
    classroom.read(ana)
    parallel(lambda number: classroom.answer(ana))
    assert (PracticeAnswer.objects.count(), UnitCompletion.objects.count()) == (MANY, 1)
    assert classroom.said().count("unit.completed") == 1


def test_one_uuid_of_many_learners_belongs_to_one(classroom, tools):
    learners, uuid = [classroom.learner(f"persona-{number}") for number in range(MANY)], uuid4()
    for learner in learners:
        classroom.answer(learner, option="a")
    results = tools.in_parallel(MANY, lambda number: classroom.answer(learners[number], uuid=uuid))
    refusals = errors_in(results)
    assert len(refusals) == MANY - 1
    assert {getattr(refusal, "code", repr(refusal)) for refusal in refusals} == {"uuid_reused"}
    assert PracticeAnswer.objects.filter(uuid=uuid).count() == 1
    assert_no_gap()


def test_starting_at_once_makes_one_attempt(classroom, parallel):
    ana = classroom.learner()
    results = parallel(lambda number: classroom.start(ana))
    assert len({attempt.uuid for attempt in results}) == 1
    assert (Attempt.objects.count(), AttemptResponse.objects.count()) == (1, 8)


def test_many_learners_starting_at_once_share_the_items(classroom, parallel):
    learners = [classroom.learner(f"persona-{number}") for number in range(MANY)]
    parallel(lambda number: classroom.start(learners[number], "bypass"))
    assert Attempt.objects.count() == MANY
    assert ItemVersion.objects.count() <= 24


def test_submitting_at_once_scores_once(classroom, parallel):
    ana = classroom.learner()
    attempt = classroom.start(ana)
    for item in attempt.items:
        classroom.save(ana, attempt, item.key, "b")
    results = parallel(lambda number: classroom.submit(ana, attempt))
    assert {result.score for result in results} == {8}
    assert classroom.said().count("assessment.submitted") == 1


def test_a_sheet_of_paper_and_a_phone_at_once_end_in_one_attempt(classroom, tools):
    """Whoever is first has it; the others are told that there is one."""
    classroom.cohort("quito-2026-1", "quito")
    ana = classroom.learner("ana", cohort="quito-2026-1")
    sofia = classroom.facilitator("sofia", "quito-2026-1")
    code = api.get_short_code(ana)

    def begin(number):
        if number % 2:
            return classroom.start(ana)
        return api.start_paper(
            sofia,
            classroom.key,
            short_code=code,
            kind="post",
            block_key=tools.block("post"),
            bank=classroom.course.test,
            uuid=uuid4(),
            now=classroom.now,
        )

    results = tools.in_parallel(MANY, begin)

    losers = errors_in(results)
    assert {error.code for error in losers} == {"attempt_open"}
    assert len(losers) == MANY // 2
    assert (Attempt.objects.count(), AttemptResponse.objects.count()) == (1, 8)
    assert_no_gap()


def test_answers_and_the_end_at_once(classroom, tools):
    """Whoever comes after the end is told so; the score is that of the answers stored before it."""
    ana = classroom.learner()
    attempt = classroom.start(ana)

    def work(number):
        if number == MANY // 2:
            return classroom.submit(ana, attempt)
        return classroom.save(ana, attempt, attempt.items[number % 8].key, "b")

    results = tools.in_parallel(MANY, work)
    assert {error.code for error in errors_in(results)} <= {"attempt_closed"}
    stored = AttemptResponse.objects.filter(response__isnull=False).count()
    assert Attempt.objects.get().score == stored
    assert_no_gap()


def test_versions_handed_in_at_once(classroom, parallel):
    ana = classroom.learner()
    parallel(lambda number: classroom.hand_in(ana))
    assert sorted(Submission.objects.values_list("version", flat=True)) == list(range(1, MANY + 1))
    assert Submission.objects.filter(state="submitted").count() == 1


def test_drafts_of_many_devices_lose_nothing_silently(classroom, tools):
    ana = classroom.learner()

    def save(number):
        document = {"values": {"precio": str(number)}, "self_check": []}
        return api.save_draft(
            ana, deliverable_key="m06-hoja", block_key="b", document=document, revision=0, now=classroom.now
        )

    results = tools.in_parallel(MANY, save)
    assert [error.code for error in errors_in(results)] == ["draft_conflict"] * (MANY - 1)


@pytest.fixture
def raters(classroom):
    cohort = classroom.cohort("quito-1", "quito")
    return [classroom.facilitator(f"facilita-{number}", cohort) for number in range(MANY)]


def test_one_rater_of_many_gets_the_work(classroom, raters, tools):
    work = classroom.hand_in(classroom.learner(cohort="quito-1"))
    results = tools.in_parallel(MANY, lambda number: classroom.claim(raters[number], work))
    assert [error.code for error in errors_in(results)] == ["claimed_by_other"] * (MANY - 1)


def test_a_double_click_rates_once(classroom, raters, parallel):
    ana = classroom.learner(cohort="quito-1")
    work = classroom.hand_in(ana)
    classroom.claim(raters[0], work)
    uuid = uuid4()
    parallel(lambda number: classroom.rate(raters[0], work, uuid=uuid))
    assert Rating.objects.count() == 1
    assert classroom.said(ana).count("deliverable.rated") == 1


def test_a_rating_and_a_new_version_at_once(classroom, raters, tools):
    """Either the old version was rated and the new one is refused, or it was replaced and the rating is."""
    for number in range(8):
        ana = classroom.learner(f"ana-{number}", cohort="quito-1")
        work = classroom.hand_in(ana)
        classroom.claim(raters[0], work)
        results = tools.in_parallel(
            2,
            lambda n, ana=ana, work=work: classroom.rate(raters[0], work) if n else classroom.hand_in(ana),
        )
        (error,) = errors_in(results)
        assert error.code in ("already_accepted", "submission_replaced")
        states = set(Submission.objects.filter(learner__user_id=ana.user_id).values_list("state", flat=True))
        assert states == ({"accepted"} if error.code == "already_accepted" else {"replaced", "submitted"})
    assert_no_gap()


def test_two_workers_through_the_same_learners_in_opposite_orders(classroom, parallel):
    learners = [classroom.learner(f"persona-{number}") for number in range(40)]
    for learner in learners:
        classroom.read(learner, "m04-u03")

    def work(number):
        for learner in learners if number % 2 else reversed(learners):
            classroom.answer(learner)

    parallel(work, count=2)
    assert PracticeAnswer.objects.count() == 80
    assert LearnerEvent.objects.filter(type__contains="unit.completed").count() == 0


def test_a_lock_that_is_never_let_go_ends_in_a_refusal_that_asks_to_try_again(classroom, tools):
    """Three waits, each ended by the database, then a sentence; nothing is stored."""
    ana = classroom.learner()
    classroom.read(ana)
    before = tools.count_rows()
    started, finished = Event(), Event()
    short_wait = {
        "postgresql": "SET lock_timeout = '200ms'",
        "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
    }

    def work(number):
        if number == 0:
            with transaction.atomic():
                LearnerPseudonym.objects.update(sequence=F("sequence"))
                started.set()
                finished.wait(timeout=30)
            return None
        started.wait(timeout=30)
        try:
            with connection.cursor() as cursor:
                cursor.execute(short_wait[connection.vendor])
            return classroom.answer(ana)
        finally:
            finished.set()

    (refusal,) = errors_in(tools.in_parallel(2, work))
    assert refusal.code == "busy"
    assert tools.count_rows() == before


@pytest.mark.parametrize("losses", [1, 2])
def test_the_victim_of_a_deadlock_is_run_again(classroom, tools, losses):
    """The whole function runs anew: what its first tries wrote is gone."""
    ana = classroom.learner()
    classroom.read(ana)
    raise_deadlock = {
        "postgresql": "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
        "mysql": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'",
    }
    heard = []

    def be_the_victim(**kwargs):
        heard.append(kwargs["event"])
        if len(heard) <= losses:
            with connection.cursor() as cursor:
                cursor.execute(raise_deadlock[connection.vendor])

    event_recorded.connect(be_the_victim)
    try:
        classroom.answer(ana)
    finally:
        event_recorded.disconnect(be_the_victim)
    assert PracticeAnswer.objects.count() == 1
    assert UnitCompletion.objects.count() == 1
    assert_no_gap()
