"""Accommodations that a facilitator grants, and tests on paper that a second person types in."""

from datetime import timedelta
from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_gradebook.models import Attempt


@pytest.fixture
def ana(classroom):
    classroom.cohort("quito-2026-1", "quito")
    return classroom.learner("ana", cohort="quito-2026-1")


@pytest.fixture
def sofia(classroom, ana):
    return classroom.facilitator("sofia", "quito-2026-1")


def grant(classroom, who, learner, *accommodations):
    return api.set_accommodations(
        who,
        classroom.key,
        short_code=api.get_short_code(learner),
        accommodations=accommodations,
        now=classroom.now,
    )


def hand_out(classroom, tools, who, learner, kind="post", uuid=None):
    return api.start_paper(
        who,
        classroom.key,
        short_code=api.get_short_code(learner),
        kind=kind,
        block_key=tools.block(kind),
        bank=classroom.course.ring if kind == "bypass" else classroom.course.test,
        uuid=uuid or uuid4(),
        now=classroom.now,
    )


def type_in(classroom, who, learner, attempt, responses):
    return api.submit_paper(
        who,
        classroom.key,
        short_code=api.get_short_code(learner),
        attempt_uuid=attempt.uuid,
        block_key=attempt.block_key,
        responses=responses,
        now=classroom.now,
    )


def states(classroom, tools, who, kind="post"):
    rows = api.list_papers(who, classroom.key, block_key=tools.block(kind), now=classroom.now)
    return {row.username: row.state for row in rows}


# --- accommodations ---------------------------------------------------------------------------------------


def test_what_is_granted_applies_to_the_next_attempt_and_is_recorded_on_it(classroom, ana, sofia):
    before = classroom.start(ana, "pre")
    assert grant(classroom, sofia, ana, "assisted", "extra_time") == ("extra_time", "assisted")

    after = classroom.start(ana, "post")

    assert before.deadline_at - before.started_at == timedelta(minutes=10)
    assert after.deadline_at - after.started_at == timedelta(minutes=15)
    assert (before.mode, after.mode) == ("alone", "assisted")
    for item in after.items:
        classroom.save(ana, after, item.key, "b")
    classroom.submit(ana, after)
    said = classroom.last_said("assessment.submitted")
    assert (said["mode"], said["accommodations"]) == ("assisted", ["extra_time", "assisted"])


def test_what_is_taken_back_applies_no_more(classroom, ana, sofia):
    grant(classroom, sofia, ana, "extra_time")
    assert grant(classroom, sofia, ana) == ()
    attempt = classroom.start(ana, "pre")
    assert attempt.deadline_at - attempt.started_at == timedelta(minutes=10)


def test_only_known_accommodations_are_granted(classroom, ana, sofia, refused):
    refused("accommodation_unknown", grant, classroom, sofia, ana, "extra_time", "answers")


@pytest.mark.parametrize("who", ["learner", "other_city", "former"])
def test_nobody_else_grants_or_hands_out_anything(classroom, tools, ana, sofia, refused, who):
    classroom.cohort("manta-1", "manta")
    beto = classroom.learner("beto", cohort="manta-1")
    person = {
        "learner": beto.user_id,
        "other_city": classroom.facilitator("marta", "manta-1"),
        "former": classroom.facilitator(
            "fran", "quito-2026-1", starts_on=classroom.now.date(), ends_on=classroom.now.date()
        ),
    }[who]
    classroom.later(days=2)
    code = "learner_unknown" if who == "other_city" else "not_a_facilitator"

    refused(code, grant, classroom, person, ana, "extra_time")
    refused(code, hand_out, classroom, tools, person, ana)


def test_nobody_arranges_their_own_test(classroom, tools, ana, sofia, refused):
    own = api.Learner(sofia, classroom.key)
    api.enrol(own, cohort_key="quito-2026-1", now=classroom.now)

    refused("learner_unknown", grant, classroom, sofia, own, "extra_time")
    refused("learner_unknown", hand_out, classroom, tools, sofia, own)
    assert states(classroom, tools, sofia) == {"ana": ""}


# --- on paper ---------------------------------------------------------------------------------------------


def test_a_form_on_paper_is_drawn_printed_and_typed_in_by_another_person(classroom, tools, ana, sofia):
    attempt = hand_out(classroom, tools, sofia, ana)
    assert (attempt.mode, attempt.state, len(attempt.items)) == ("paper", "open", 8)
    assert states(classroom, tools, sofia) == {"ana": "paper"}
    classroom.later(days=9)

    done = type_in(classroom, sofia, ana, attempt, {item.key: {"option": "b"} for item in attempt.items[:6]})

    assert (done.state, done.score, done.outcome) == ("submitted", 6, "passed")
    assert states(classroom, tools, sofia) == {"ana": "submitted"}
    said = classroom.last_said("assessment.submitted")
    assert (said["mode"], said["score"], said["kind"]) == ("paper", 6, "post")
    assert Attempt.objects.get().entered_by_id == sofia
    found = api.find_attempt(ana, block_key=tools.block("post"))
    assert (found.score, found.mode) == (6, "paper")


def test_handing_out_twice_gives_the_same_sheet_and_typing_in_twice_the_same_result(
    classroom, tools, ana, sofia
):
    first = hand_out(classroom, tools, sofia, ana)
    assert hand_out(classroom, tools, sofia, ana).uuid == first.uuid
    marta = classroom.facilitator("marta", "quito-2026-1")
    done = type_in(classroom, marta, ana, first, {first.items[0].key: {"option": "b"}})
    rows = tools.count_rows()

    again = type_in(classroom, sofia, ana, first, {first.items[0].key: {"option": "b"}})

    assert again == done
    assert tools.count_rows() == rows
    assert Attempt.objects.get().entered_by_id == marta


def test_a_second_typist_with_other_answers_hears_that_the_sheet_is_in_already(
    classroom, tools, ana, sofia, refused
):
    sheet = hand_out(classroom, tools, sofia, ana)
    type_in(classroom, sofia, ana, sheet, {sheet.items[0].key: {"option": "b"}})
    everything = {item.key: {"option": "b"} for item in sheet.items}
    refused("sheet_typed_in", type_in, classroom, sofia, ana, sheet, everything)
    refused("sheet_typed_in", type_in, classroom, sofia, ana, sheet, {})
    assert Attempt.objects.get().score == 1


def test_the_learner_cannot_answer_or_send_what_is_on_paper_nor_begin_another(
    classroom, tools, ana, sofia, refused
):
    attempt = hand_out(classroom, tools, sofia, ana)

    refused("attempt_unknown", classroom.save, ana, attempt, attempt.items[0].key, "b")
    refused("attempt_unknown", classroom.submit, ana, attempt)
    refused("attempt_open", classroom.start, ana, "post")


def test_a_sheet_is_not_handed_out_while_the_learner_sits_the_test(classroom, tools, ana, sofia, refused):
    attempt = classroom.start(ana, "post")
    refused("attempt_open", hand_out, classroom, tools, sofia, ana)
    refused("attempt_unknown", type_in, classroom, sofia, ana, attempt, {})
    assert states(classroom, tools, sofia) == {"ana": "open"}


def test_a_sheet_that_does_not_come_back_is_taken_back_and_the_learner_begins_on_a_phone(
    classroom, tools, ana, sofia, refused
):
    def take_back(who, attempt):
        return api.take_back_paper(
            who,
            classroom.key,
            short_code=api.get_short_code(ana),
            attempt_uuid=attempt.uuid,
            block_key=attempt.block_key,
            now=classroom.now,
        )

    sheet = hand_out(classroom, tools, sofia, ana)
    classroom.cohort("manta-1", "manta")
    refused("learner_unknown", take_back, classroom.facilitator("marta", "manta-1"), sheet)
    take_back(sofia, sheet)

    assert states(classroom, tools, sofia) == {"ana": ""}
    refused("attempt_unknown", type_in, classroom, sofia, ana, sheet, {})
    attempt = classroom.start(ana, "post")
    assert (attempt.mode, attempt.ordinal) == ("alone", 2)
    assert "attempt.voided" not in classroom.said(ana)

    classroom.submit(ana, attempt)
    refused("attempt_unknown", take_back, sofia, attempt)
    typed = hand_out(classroom, tools, sofia, ana, "pre")
    take_back(sofia, typed)
    typed = hand_out(classroom, tools, sofia, ana, "pre")
    refused("take_back_used", take_back, sofia, typed)
    type_in(classroom, sofia, ana, typed, {})
    refused("attempt_closed", take_back, sofia, typed)


def test_a_facilitator_never_gets_what_the_learner_answers_alone(classroom, tools, ana, sofia, refused):
    attempt = classroom.start(ana, "post")
    classroom.save(ana, attempt, attempt.items[0].key, "b")

    refused("uuid_reused", hand_out, classroom, tools, sofia, ana, uuid=attempt.uuid)
    classroom.submit(ana, attempt)
    refused("uuid_reused", hand_out, classroom, tools, sofia, ana, uuid=attempt.uuid)


def test_one_bad_answer_stores_nothing_and_is_named(classroom, tools, ana, sofia, refused):
    attempt = hand_out(classroom, tools, sofia, ana)
    good = {item.key: {"option": "b"} for item in attempt.items}

    error = refused(
        "response_invalid",
        type_in,
        classroom,
        sofia,
        ana,
        attempt,
        good | {attempt.items[3].key: {"option": "z"}},
    )
    assert error.field == attempt.items[3].key
    refused("item_unknown", type_in, classroom, sofia, ana, attempt, good | {"pp-99": {"option": "b"}})
    refused(
        "response_invalid",
        type_in,
        classroom,
        sofia,
        ana,
        attempt,
        {attempt.items[0].key: {"option": "no_lo_se"}},
    )

    assert type_in(classroom, sofia, ana, attempt, good).score == 8


def test_i_do_not_know_may_stand_on_the_sheet_of_the_first_test(classroom, tools, ana, sofia):
    attempt = hand_out(classroom, tools, sofia, ana, "pre")
    done = type_in(classroom, sofia, ana, attempt, {attempt.items[0].key: {"option": "no_lo_se"}})
    assert (done.state, done.outcome) == ("submitted", "taken")


def test_an_evaluation_on_paper_may_need_its_second_sheet(classroom, tools, ana, sofia):
    first = hand_out(classroom, tools, sofia, ana, "bypass")
    answers = {item.key: {"option": "b" if n < 8 else "a"} for n, item in enumerate(first.items)}
    assert type_in(classroom, sofia, ana, first, answers).outcome == "second_form"

    second = hand_out(classroom, tools, sofia, ana, "bypass")

    assert second.stage == 2
    assert {item.key for item in second.items}.isdisjoint({item.key for item in first.items})
    done = type_in(classroom, sofia, ana, second, {item.key: {"option": "b"} for item in second.items})
    assert done.outcome == "exempt"


def test_whoever_typed_a_sheet_in_is_forgotten_when_they_go(classroom, tools, ana, sofia):
    attempt = hand_out(classroom, tools, sofia, ana)
    type_in(classroom, sofia, ana, attempt, {})

    api.retire_learner(sofia, now=classroom.now)

    assert Attempt.objects.get().entered_by_id is None
    assert not api.is_facilitator(sofia, classroom.key, on=classroom.now.date())
