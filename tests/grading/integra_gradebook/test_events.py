"""What is said, to whom, and that it and the fact are stored together or not at all."""

from datetime import date
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from integra_gradebook import api
from integra_gradebook.models import LearnerEvent, LearnerPseudonym, Submission
from integra_gradebook.signals import event_recorded
from integra_grading.deliverables import read_definition, read_document


def test_events_are_numbered_without_a_gap(classroom):
    ana, beto = classroom.learner("ana"), classroom.learner("beto")
    for learner in (ana, beto):
        classroom.take(learner, "pre", 4)
        classroom.finish(learner, "m04-u03")
        classroom.take(learner, "bypass", 12)
        classroom.hand_in(learner)
        classroom.take(learner, "post", 7)

    for learner in LearnerPseudonym.objects.all():
        numbers = list(learner.events.order_by("pk").values_list("sequence", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert learner.sequence == len(numbers)
    assert classroom.said(ana) == [
        "learner.enrolled",
        "assessment.submitted",
        "module.standing.changed",
        "unit.completed",
        "module.standing.changed",
        "course.standing.changed",
        "assessment.submitted",
        "module.standing.changed",
        "course.standing.changed",
        "deliverable.submitted",
        "module.standing.changed",
        "course.standing.changed",
        "assessment.submitted",
        "course.standing.changed",
    ]


def test_a_receiver_hears_each_event_once_inside_the_transaction(classroom, heard):
    ana = classroom.learner()
    classroom.finish(ana)
    assert [event.type for event, _ in heard] == list(
        LearnerEvent.objects.order_by("sequence").values_list("type", flat=True)
    )
    assert [event.sequence for event, _ in heard] == [1, 2, 3, 4, 5][: len(heard)]
    assert all(is_inside for _, is_inside in heard)
    assert {event.learner_uuid for event, _ in heard} == {api.get_learner_uuid(ana)}


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_raises_takes_the_fact_with_it(classroom, tools):
    ana = classroom.learner()
    classroom.read(ana)
    before = tools.count_rows()

    def raise_it(**kwargs):
        raise RuntimeError("the outbox is full")

    event_recorded.connect(raise_it)
    try:
        with pytest.raises(RuntimeError, match="full"):
            classroom.answer(ana)
    finally:
        event_recorded.disconnect(raise_it)
    assert tools.count_rows() == before
    classroom.answer(ana)
    assert LearnerPseudonym.objects.get().sequence == LearnerEvent.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_fact_inside_somebody_elses_transaction_is_a_visible_error(classroom, tools):
    ana = classroom.learner()
    classroom.read(ana)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        classroom.answer(ana)


def test_the_journal_gives_back_what_was_said(classroom, heard):
    classroom.finish(classroom.learner())
    entries = api.read_journal(after=0, limit=100)

    assert [entry.event for entry in entries] == [event for event, _ in heard]
    assert api.read_journal(after=entries[1].id, limit=1) == entries[2:3]


def test_no_event_holds_a_name_or_free_text(classroom):
    cohort = classroom.cohort("quito-1", "quito")
    rater = classroom.facilitator("facilita-maria", cohort)
    learner = classroom.learner("maria-perez", cohort=cohort)
    work = classroom.hand_in(learner)
    classroom.claim(rater, work)
    classroom.rate(rater, work, comments={"": "Bien, María Pérez."})
    text = str(list(LearnerEvent.objects.values_list("data", flat=True)))
    for word in ("maria", "María", "perez", "Bien", "2,50"):
        assert word not in text


def count_statements(run):
    with CaptureQueriesContext(connection) as captured:
        run()
    return [query["sql"] for query in captured]


def is_transaction_control(statement):
    return statement.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK"))


@pytest.fixture
def statements():
    def run(function, *args, **kwargs):
        return [
            sql
            for sql in count_statements(partial(function, *args, **kwargs))
            if not is_transaction_control(sql)
        ]

    return run


def test_the_lock_is_the_first_statement_of_every_fact(classroom, statements):
    ana = classroom.learner()
    classroom.read(ana, "m04-u03")
    attempt = classroom.start(ana)
    facts = [
        (classroom.start, ana, "bypass"),
        (classroom.read, ana),
        (classroom.answer, ana),
        (classroom.save, ana, attempt, attempt.items[0].key, "b"),
        (classroom.submit, ana, attempt),
        (classroom.hand_in, ana),
    ]
    for function, *arguments in facts:
        raw = count_statements(partial(function, *arguments))
        opened = next(index for index, sql in enumerate(raw) if sql.startswith(("SAVEPOINT", "BEGIN")))
        first = raw[opened + 1]
        assert first.startswith("UPDATE") and "learnerpseudonym" in first, function.__name__


def test_what_a_submit_costs(classroom, statements):
    """Literal numbers: a statement more is a decision, not an accident."""
    ana = classroom.learner()
    classroom.read(ana, "m04-u03")
    costs = {}
    costs["wrong answer"] = len(statements(classroom.answer, ana, option="a"))
    costs["lesson"] = len(statements(classroom.read, ana))
    costs["last answer"] = len(statements(classroom.answer, ana))
    attempt = classroom.start(ana)
    costs["save"] = len(statements(classroom.save, ana, attempt, attempt.items[0].key, "b"))
    costs["submit"] = len(statements(classroom.submit, ana, attempt))
    costs["hand in"] = len(statements(classroom.hand_in, ana))
    assert costs == {
        "wrong answer": 11,
        "lesson": 24,
        "last answer": 25,
        "save": 4,
        "submit": 22,
        "hand in": 24,
    }


def test_retiring_forgets_the_person_and_tells_the_service(classroom, tools):
    ana = classroom.learner()
    me = api.get_learner_uuid(ana)
    classroom.finish(ana)
    facts = tools.count_rows()
    with transaction.atomic():  # as the platform's own retirement runs
        api.retire_learner(ana.user_id, now=classroom.now)

    assert api.find_user_id(me) is None
    assert classroom.last_said("learner.retired")["course_key"] == classroom.key
    assert tools.count_rows() - facts == {"LearnerEvent": 1}
    api.retire_learner(ana.user_id, now=classroom.now)
    assert tools.count_rows() - facts == {"LearnerEvent": 1}
    api.retire_learner(classroom.person("nadie"), now=classroom.now)


def test_the_words_of_a_retired_learner_go_and_the_outcome_stays(classroom):
    cohort = classroom.cohort("quito-1", "quito")
    rater = classroom.facilitator("facilita", cohort)
    told = {"key": "producto", "kind": "text", "label": "¿Qué vendes?", "required": True}
    section = classroom.course.definition["sections"][0]
    definition = {
        **classroom.course.definition,
        "sections": [{**section, "fields": [told, *section["fields"]]}],
    }
    document = {"values": {**classroom.course.document["values"], "producto": "Las empanadas de Ana"}}
    works = {}
    for name in ("ana", "beto"):
        learner = classroom.learner(name, cohort=cohort)
        works[name] = classroom.hand_in(
            learner, definition=definition, document={**document, "self_check": ["mi-pago"]}
        )
        classroom.claim(rater, works[name])
        classroom.rate(rater, works[name])
    before = Submission.objects.get(uuid=works["ana"].uuid)

    api.retire_learner(classroom.learner("ana").user_id, now=classroom.now)

    after = Submission.objects.get(uuid=works["ana"].uuid)
    assert after.document["values"] == {**before.document["values"], "producto": "—"}
    assert after.rating.comments == {}
    assert (after.digest, after.state, after.rating.score) == (
        before.digest,
        before.state,
        before.rating.score,
    )
    assert read_document(read_definition(after.definition), after.document)
    kept = Submission.objects.get(uuid=works["beto"].uuid)
    assert kept.document["values"]["producto"] == "Las empanadas de Ana"
    assert kept.rating.comments


def test_a_retired_facilitators_ratings_stay(classroom):
    cohort = classroom.cohort("quito-1", "quito")
    rater = classroom.facilitator("facilita", cohort)
    ana = classroom.learner(cohort=cohort)
    work = classroom.hand_in(ana)
    classroom.claim(rater, work)
    rating = classroom.rate(rater, work)
    api.retire_learner(rater, now=classroom.now)

    assert api.get_deliverable_state(ana, "m06-hoja").rating == rating
    assert not api.is_facilitator(rater, classroom.key, on=date(2026, 3, 2))
