"""The facilitator's desk. Two mirrored cities: what is seen in one must not be seen in the other."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_gradebook.models import RatingClaim


@pytest.fixture
def cities(classroom):
    """In each of two cities a cohort, a learner with a work handed in, and a facilitator."""
    people = {}
    for city in ("quito", "manta"):
        cohort = classroom.cohort(f"{city}-1", city)
        learner = classroom.learner(f"ana-{city}", cohort=cohort)
        rater = classroom.facilitator(f"facilita-{city}", cohort)
        classroom.later(minutes=1)
        people[city] = (rater, learner, classroom.hand_in(learner))
    return people


def queue_of(classroom, rater, **more):
    return api.list_queue(rater, classroom.key, now=classroom.now, **more)


def test_a_facilitator_sees_their_own_cohorts_work_and_no_other(classroom, cities):
    for city, (rater, _, work) in cities.items():
        queue = queue_of(classroom, rater)
        assert [(row.submission_uuid, row.cohort_key) for row in queue.rows] == [(work.uuid, f"{city}-1")]
        assert queue.waiting_count == 1


def test_a_facilitator_sees_their_own_cohorts_learners_and_no_other(classroom, cities):
    for city, (rater, _, _) in cities.items():
        rows = api.list_roster(rater, classroom.key, now=classroom.now)
        assert [(row.username, row.cohort_key, row.submitted_count) for row in rows] == [
            (f"ana-{city}", f"{city}-1", 1)
        ]


def test_another_citys_work_looks_like_none(classroom, cities, refused):
    rater, foreign = cities["quito"][0], cities["manta"][2]
    refused("submission_unknown", classroom.claim, rater, foreign)
    refused("submission_unknown", classroom.rate, rater, foreign)
    unknown = replace(foreign, uuid=uuid4())
    refused("submission_unknown", classroom.claim, rater, unknown)


@pytest.mark.parametrize("who", ["learner", "nobody", "past", "future", "other_run"])
def test_the_desk_is_absent_for_everybody_else(classroom, cities, refused, tools, who):
    work = cities["quito"][2]
    cohort = work.cohort_key
    day = timedelta(days=1)
    people = {
        "learner": cities["quito"][1].user_id,
        "nobody": classroom.person("nadie"),
        "past": classroom.facilitator(
            "ayer", cohort, starts_on=tools.TODAY - 9 * day, ends_on=tools.TODAY - day
        ),
        "future": classroom.facilitator("manana", cohort, starts_on=tools.TODAY + day),
        "other_run": classroom.person("otra"),
    }
    if who == "other_run":
        api.register_course(tools.OTHER_RUN, classroom.course.manifest)
        api.open_cohort(tools.OTHER_RUN, cohort_key=cohort, city_key="quito")
        api.appoint_facilitator(people[who], tools.OTHER_RUN, cohort_key=cohort, starts_on=tools.TODAY)
    person = people[who]

    refused("not_a_facilitator", queue_of, classroom, person)
    refused("not_a_facilitator", api.list_roster, person, classroom.key, now=classroom.now)
    refused("not_a_facilitator", classroom.claim, person, work)
    refused("not_a_facilitator", classroom.rate, person, work)


def test_a_role_ends_with_its_last_day_where_the_cohort_is(classroom, cities, tools):
    rater = classroom.facilitator("hoy", "quito-1", ends_on=tools.TODAY)
    classroom.now = tools.NOW.replace(hour=4, minute=59) + timedelta(days=1)  # 23:59 in Guayaquil
    assert queue_of(classroom, rater).waiting_count == 1
    classroom.later(minutes=1)
    with pytest.raises(api.GradebookError):
        queue_of(classroom, rater)


def test_a_facilitator_can_be_asked_for_by_day(classroom, cities, tools):
    rater = cities["quito"][0]
    assert api.is_facilitator(rater, classroom.key, on=tools.TODAY)
    assert not api.is_facilitator(rater, classroom.key, on=tools.TODAY - timedelta(days=1))
    assert not api.is_facilitator(cities["quito"][1].user_id, classroom.key, on=tools.TODAY)
    assert set(api.list_facilitators(classroom.key, on=tools.TODAY)) == {
        people[0] for people in cities.values()
    }


def test_the_queue_is_read_in_pages_oldest_first(classroom, cities):
    rater = cities["quito"][0]
    for number in range(4):
        classroom.later(minutes=1)
        classroom.hand_in(classroom.learner(f"persona-{number}", cohort="quito-1"))
    whole = queue_of(classroom, rater)
    assert [row.submitted_at for row in whole.rows] == sorted(row.submitted_at for row in whole.rows)
    assert (len(whole.rows), whole.next_after) == (5, None)

    pages, after = [], None
    while True:
        page = queue_of(classroom, rater, limit=2, after=after)
        pages.append(page.rows)
        after = page.next_after
        if after is None:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert tuple(row for page in pages for row in page) == whole.rows


@pytest.mark.parametrize(
    "after", ["", "x", "2026-03-02T15:00:00_1", "2026-03-02T15:00:00+00:00_", "_1", "2026_٣"]
)
def test_a_cursor_nobody_gave_is_refused(classroom, cities, refused, after):
    refused("cursor_invalid", queue_of, classroom, cities["quito"][0], after=after)


def test_one_person_reads_a_work_at_a_time(classroom, cities, refused):
    first, _, work = cities["quito"]
    second = classroom.facilitator("otra", "quito-1")
    view = classroom.claim(first, work)
    assert view.document == work.document
    assert view.claimed_until == classroom.now + timedelta(minutes=20)
    refused("claimed_by_other", classroom.claim, second, work)
    assert [(row.is_claimed, row.is_mine) for row in queue_of(classroom, first).rows] == [(False, True)]
    assert [(row.is_claimed, row.is_mine) for row in queue_of(classroom, second).rows] == [(True, False)]

    classroom.later(minutes=15)
    classroom.claim(first, work)  # renewed
    classroom.later(minutes=19)
    refused("claimed_by_other", classroom.claim, second, work)
    classroom.later(minutes=1)
    classroom.claim(second, work)
    refused("not_claimed", classroom.rate, first, work)


def test_a_work_is_rated_once_and_the_standing_follows(classroom, cities):
    rater, ana, work = cities["quito"]
    classroom.finish(ana)
    classroom.claim(rater, work)
    rating = classroom.rate(rater, work)

    assert (rating.score, rating.max_score, rating.outcome, rating.by) == (8, 8, "accepted", "facilitator")
    assert api.get_deliverable_state(ana, "m06-hoja").rating == rating
    assert api.get_module_standing(ana, "m06").reasons == ()
    assert queue_of(classroom, rater).rows == ()
    said = classroom.last_said("deliverable.rated")
    assert said["levels"] == [
        {"criterion_key": key, "points": 2} for key in ("datos", "pasos", "decision", "accion")
    ]
    assert said["submission_uuid"] == str(work.uuid)
    assert "Bien hecho" not in str(said)
    assert said["rater_uuid"] != said["submission_uuid"]


def test_a_repeated_rating_gives_the_stored_one(classroom, cities, tools):
    rater, _, work = cities["quito"]
    uuid = uuid4()
    classroom.claim(rater, work)
    first = classroom.rate(rater, work, uuid=uuid)
    rows = tools.count_rows()
    assert classroom.rate(rater, work, 0, "returned", uuid=uuid) == first
    assert tools.count_rows() == rows


def test_a_second_rating_is_refused(classroom, cities, refused):
    rater, _, work = cities["quito"]
    second = classroom.facilitator("otra", "quito-1")
    classroom.claim(rater, work)
    classroom.rate(rater, work)
    refused("already_rated", classroom.rate, rater, work)
    refused("already_rated", classroom.rate, second, work)
    refused("already_rated", classroom.claim, second, work)


def test_a_version_that_is_no_longer_the_latest_is_not_rated(classroom, cities, refused):
    rater, ana, work = cities["quito"]
    classroom.claim(rater, work)
    newer = classroom.hand_in(ana)
    refused("submission_replaced", classroom.rate, rater, work)
    assert [row.submission_uuid for row in queue_of(classroom, rater).rows] == [newer.uuid]


def test_returned_work_is_revised_and_accepted(classroom, cities):
    rater, ana, work = cities["quito"]
    classroom.claim(rater, work)
    classroom.rate(rater, work, 1, "returned")
    assert api.get_deliverable_state(ana, "m06-hoja").state == "returned"

    again = classroom.hand_in(ana)
    assert (again.version, again.state) == (2, "submitted")
    classroom.claim(rater, again)
    classroom.rate(rater, again)
    state = api.get_deliverable_state(ana, "m06-hoja")
    assert [version.state for version in state.versions] == ["accepted", "returned"]


def test_nobody_rates_their_own_work(classroom, cities, refused):
    both = classroom.facilitator("ambas", "quito-1")
    work = classroom.hand_in(classroom.learner("ambas", cohort="quito-1"))
    refused("own_work", classroom.claim, both, work)
    refused("own_work", classroom.rate, both, work)
    assert work.uuid not in [row.submission_uuid for row in queue_of(classroom, both).rows]
    assert work.uuid in [row.submission_uuid for row in queue_of(classroom, cities["quito"][0]).rows]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"levels": {"datos": 2}}, "levels_invalid"),
        ({"levels": dict.fromkeys(("datos", "pasos", "decision", "otro"), 2)}, "levels_invalid"),
        ({"levels": dict.fromkeys(("datos", "pasos", "decision", "accion"), 3)}, "levels_invalid"),
        ({"levels": dict.fromkeys(("datos", "pasos", "decision", "accion"), True)}, "levels_invalid"),
        ({"levels": dict.fromkeys(("datos", "pasos", "decision", "accion"), float("nan"))}, "levels_invalid"),
        ({"levels": []}, "levels_invalid"),
        ({"levels": {"datos": 0, "pasos": 2, "decision": 2, "accion": 2}}, "below_cut"),
        ({"levels": dict.fromkeys(("datos", "pasos", "decision", "accion"), 1)}, "below_cut"),
        ({"outcome": "perfecto"}, "outcome_invalid"),
        ({"comments": {"otro": "x"}}, "comment_invalid"),
        ({"comments": {"": "x" * 2001}}, "comment_invalid"),
        ({"comments": {"": "\x00"}}, "comment_invalid"),
        ({"comments": {"": 7}}, "comment_invalid"),
        ({"comments": []}, "comment_invalid"),
    ],
)
def test_levels_and_comments_that_do_not_fit_are_refused(classroom, cities, refused, change, code):
    rater, _, work = cities["quito"]
    classroom.claim(rater, work)
    refused(code, classroom.rate, rater, work, **change)
    assert RatingClaim.objects.filter(rater_user_id=rater).count() == 1


def test_work_that_was_not_opened_is_not_rated(classroom, cities, refused):
    rater, _, work = cities["quito"]
    refused("not_claimed", classroom.rate, rater, work)


def test_somebody_elses_rating_uuid_is_refused(classroom, cities, refused):
    uuid = uuid4()
    for city in ("quito", "manta"):
        rater, _, work = cities[city]
        classroom.claim(rater, work)
        if city == "quito":
            classroom.rate(rater, work, uuid=uuid)
        else:
            refused("uuid_reused", classroom.rate, rater, work, uuid=uuid)


def test_the_queue_follows_a_learner_who_moves(classroom, cities):
    from integra_gradebook.enrolments import change_enrolment, get_cohort
    from integra_gradebook.models import Enrolment

    _, ana, work = cities["quito"]
    enrolment = Enrolment.objects.get(learner__user_id=ana.user_id)
    change_enrolment(
        enrolment.pk,
        cohort_id=get_cohort(classroom.key, "manta-1").pk,
        status="active",
        route_intended="training",
        accommodations=[],
        now=classroom.now,
    )
    assert queue_of(classroom, cities["quito"][0]).rows == ()
    assert work.uuid in [row.submission_uuid for row in queue_of(classroom, cities["manta"][0]).rows]
    moved = classroom.last_said("learner.moved")
    assert (moved["from"], moved["to"], moved["city_key"]) == ("quito-1", "manta-1", "manta")


@pytest.mark.parametrize("learners", [1, 3])
def test_roster_and_queue_cost_the_same_for_any_number_of_learners(
    classroom, cities, django_assert_num_queries, learners
):
    rater = cities["quito"][0]
    for number in range(learners):
        learner = classroom.learner(f"persona-{number}", cohort="quito-1")
        classroom.finish(learner)
        classroom.hand_in(learner)
    with django_assert_num_queries(12):
        assert len(api.list_roster(rater, classroom.key, now=classroom.now)) == learners + 1
    with django_assert_num_queries(3):
        assert len(queue_of(classroom, rater).rows) == learners + 1


def test_the_roster_tells_who_needs_help(classroom, cities):
    rater, ana, work = cities["quito"]
    classroom.finish(ana)
    classroom.take(ana, "pre", 3)
    classroom.claim(rater, work)
    classroom.rate(rater, work, 1, "returned")
    (row,) = api.list_roster(rater, classroom.key, now=classroom.now)

    assert (row.units_complete, row.units_total) == (1, 2)
    assert [(module.key, module.state, module.route) for module in row.modules] == [
        ("m04", "open", None),
        ("m06", "done", "training"),
    ]
    assert (row.has_pre, row.has_post, row.returned_count, row.submitted_count) == (True, False, 1, 0)
    assert row.last_seen_at == classroom.now
    assert row.is_course_reached is False
