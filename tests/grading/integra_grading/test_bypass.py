"""The two-stage decision, exhaustively, and when a sitting may start."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.bypass import (
    BypassOutcome,
    BypassRules,
    Sitting,
    decide,
    exemption_chance,
    exemption_until,
    may_sit,
)
from integra_grading.calendar import add_months
from integra_grading.errors import GradingError, InvalidScoreError
from integra_grading.reasons import Permission, ReasonCode

NUMBERS = {
    "form_items": 12,
    "exempt_at": 10,
    "take_at_most": 6,
    "second_exempt_at": 18,
    "max_sittings": 2,
    "window_months": 12,
    "wait_days": 30,
    "valid_months": 24,
    "minutes": 15,
}
RULES = BypassRules(**NUMBERS)
EXEMPT, TAKE, SECOND = BypassOutcome.EXEMPT, BypassOutcome.TAKE_MODULE, BypassOutcome.SECOND_FORM
T0 = datetime(2026, 1, 31, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def _day(year, month, day):
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize("first", range(13))
def test_first_form_alone(first):
    expected = TAKE if first <= 6 else SECOND if first <= 9 else EXEMPT
    assert decide(RULES, first) is expected


@pytest.mark.parametrize("first", range(13))
@pytest.mark.parametrize("second", range(13))
def test_both_forms(first, second):
    if first <= 6:
        expected = TAKE
    elif first >= 10:
        expected = EXEMPT
    else:
        expected = EXEMPT if first + second >= 18 else TAKE
    assert decide(RULES, first, second) is expected


@pytest.mark.parametrize(
    ("first", "second"), [(-1, None), (13, None), (True, None), (7.0, None), (7, 13), (7, -1)]
)
def test_scores_outside_a_form_are_refused(first, second):
    with pytest.raises(InvalidScoreError):
        decide(RULES, first, second)


@pytest.mark.parametrize(
    "change",
    [{"take_at_most": 10}, {"exempt_at": 13}, {"second_exempt_at": 25}],
)
def test_rules_that_contradict_themselves_are_refused(change):
    with pytest.raises(GradingError) as caught:
        BypassRules(**{**NUMBERS, **change})
    assert caught.value.code == "contradiction"


def _ask(sittings, now, *, can_be_bypassed=True, is_done=False, is_half_done=False):
    return may_sit(
        sittings,
        RULES,
        module_key="m06",
        can_be_bypassed=can_be_bypassed,
        is_done=is_done,
        is_half_done=is_half_done,
        now=now,
    )


def _codes(permission):
    assert all(reason.key == "m06" for reason in permission.reasons)
    return [reason.code for reason in permission.reasons]


def _sitting(started_at, outcome):
    return Sitting(started_at, started_at + timedelta(minutes=15), outcome)


@given(st.integers(0, 11), st.none() | st.integers(0, 11))
def test_one_more_right_answer_never_lowers_the_outcome(first, second):
    rank = {TAKE: 0, SECOND: 1, EXEMPT: 2}
    before = rank[decide(RULES, first, second)]
    # A higher first score can turn a decision into "second form" only from below.
    assert rank[decide(RULES, first + 1, second)] >= before
    if second is not None:
        assert rank[decide(RULES, first, second + 1)] >= before


@pytest.mark.parametrize(
    ("mastery", "published"), [(0.5, 0.03), (0.6, 0.14), (0.7, 0.44), (0.8, 0.84), (0.9, 0.99)]
)
def test_simulated_chance_of_exemption_is_the_published_one(mastery, published):
    """Dossier 2.7, one sitting of independent items; the seed is fixed, the margin is four standard errors."""
    people, chance = 20_000, random.Random(f"exemption/{mastery}")

    def score():
        return sum(chance.random() < mastery for _ in range(RULES.form_items))

    exempt = 0
    for _ in range(people):
        first = score()
        outcome = decide(RULES, first)
        if outcome is SECOND:
            outcome = decide(RULES, first, score())
        exempt += outcome is EXEMPT
    error = math.sqrt(published * (1 - published) / people)
    assert abs(exempt / people - published) <= 4 * error + 0.005  # published with two decimals


@pytest.mark.parametrize("mastery", [0.5, 0.7, 0.8])
def test_simulated_chance_of_exemption_in_two_sittings_is_the_one_computed(mastery):
    """Everybody who failed sits again as soon as the rules let them; the margin is four standard errors."""
    people, chance = 8_000, random.Random(f"twice/{mastery}")

    def sit():
        first, second = (sum(chance.random() < mastery for _ in range(RULES.form_items)) for _ in "12")
        outcome = decide(RULES, first)
        return decide(RULES, first, second) if outcome is SECOND else outcome

    exempt = 0
    for _ in range(people):
        sittings, now = [], T0
        while _ask(sittings, now).is_granted:
            outcome = sit()
            if outcome is EXEMPT:
                exempt += 1
                break
            sittings.append(_sitting(now, TAKE))
            now += timedelta(days=31)
        assert len(sittings) <= RULES.max_sittings
    expected = exemption_chance(RULES, mastery, sittings=RULES.max_sittings)
    error = math.sqrt(expected * (1 - expected) / people)
    assert abs(exempt / people - expected) <= 4 * error


@pytest.mark.parametrize(("mastery", "once", "twice"), [(0.5, 0.026, 0.052), (0.8, 0.835, 0.973)])
def test_chance_of_exemption_is_computed_exactly(mastery, once, twice):
    assert exemption_chance(RULES, mastery) == pytest.approx(once, abs=0.0005)
    assert exemption_chance(RULES, mastery, sittings=2) == pytest.approx(twice, abs=0.0005)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 4))
def test_who_knows_more_is_exempt_more_often_and_another_sitting_never_lowers_the_chance(
    one, other, sittings
):
    low, high = sorted((one, other))
    assert (
        0
        <= exemption_chance(RULES, low, sittings=sittings)
        <= exemption_chance(RULES, high, sittings=sittings) + 1e-12
        <= 1 + 1e-12
    )
    assert exemption_chance(RULES, low, sittings=sittings) <= exemption_chance(
        RULES, low, sittings=sittings + 1
    )


@pytest.mark.parametrize(("mastery", "sittings"), [(-0.1, 1), (1.1, 1), (math.nan, 1), (0.5, 0)])
def test_a_chance_outside_its_range_is_refused(mastery, sittings):
    with pytest.raises(InvalidScoreError):
        exemption_chance(RULES, mastery, sittings=sittings)


def test_half_the_module_done_ends_the_wait_and_nothing_else():
    failed = [_sitting(T0, TAKE)]
    tomorrow = T0 + timedelta(days=1)
    assert _codes(_ask(failed, tomorrow)) == [ReasonCode.COOLDOWN]
    assert _ask(failed, tomorrow, is_half_done=True) == Permission()
    assert _codes(_ask([*failed, _sitting(T0, TAKE)], tomorrow, is_half_done=True)) == [
        ReasonCode.SITTINGS_USED
    ]


def test_first_sitting_may_start():
    assert _ask([], T0) == Permission()


def test_a_module_that_is_done_or_has_no_quiz_gives_no_date():
    assert _ask([], T0, can_be_bypassed=False, is_done=True).until is None
    assert _codes(_ask([], T0, can_be_bypassed=False, is_done=True)) == [
        ReasonCode.NOT_BYPASSABLE,
        ReasonCode.MODULE_DONE,
    ]


def test_after_a_failed_sitting_one_waits_thirty_days_to_the_tick():
    failed = _sitting(T0, TAKE)
    until = failed.decided_at + timedelta(days=30)
    assert _codes(_ask([failed], until - TICK)) == [ReasonCode.COOLDOWN]
    assert _ask([failed], until - TICK).until == until
    assert _ask([failed], until).is_granted


def test_two_sittings_a_year_and_the_later_date_counts():
    first, second = _sitting(T0, TAKE), _sitting(T0 + timedelta(days=350), TAKE)
    year = add_months(T0, 12)
    cooldown = second.decided_at + timedelta(days=30)
    both = _ask([second, first], year - TICK)
    assert _codes(both) == [ReasonCode.COOLDOWN, ReasonCode.SITTINGS_USED]
    assert both.until == cooldown
    assert _codes(_ask([first, second], year)) == [ReasonCode.COOLDOWN]
    assert _ask([first, second], cooldown).is_granted


def test_sittings_used_ends_when_the_oldest_of_the_last_two_leaves_the_window():
    sittings = [_sitting(T0 + timedelta(days=40 * n), TAKE) for n in range(3)]
    until = add_months(sittings[1].started_at, 12)
    refused = _ask(sittings, until - TICK)
    assert (_codes(refused), refused.until) == ([ReasonCode.SITTINGS_USED], until)
    assert _ask(sittings, until).is_granted


def test_an_exemption_lasts_two_years_and_is_then_gone():
    sitting = _sitting(T0, EXEMPT)
    until = exemption_until(sitting.decided_at, RULES)
    assert until == datetime(2028, 1, 31, 9, 15, tzinfo=UTC)
    assert _codes(_ask([sitting], until - TICK)) == [ReasonCode.EXEMPT_ALREADY]
    assert _ask([sitting], until - TICK).until == until
    assert _ask([sitting], until).is_granted


def test_a_reason_without_an_end_leaves_no_date():
    refused = _ask([_sitting(T0, TAKE)], T0 + timedelta(days=1), is_done=True)
    assert _codes(refused) == [ReasonCode.MODULE_DONE, ReasonCode.COOLDOWN]
    assert refused.until is None


def test_the_latest_exemption_counts():
    old, new = _sitting(T0, EXEMPT), _sitting(T0 + timedelta(days=800), EXEMPT)
    assert _ask([new, old], T0 + timedelta(days=801)).until == exemption_until(new.decided_at, RULES)


def test_a_sitting_whose_second_form_is_due_counts_among_the_sittings_only():
    waiting = Sitting(T0, None, SECOND)
    assert _ask([waiting], T0 + TICK).is_granted
    assert _codes(_ask([waiting, waiting], T0 + TICK)) == [ReasonCode.SITTINGS_USED]


@given(
    st.lists(st.tuples(st.integers(0, 900), st.sampled_from([EXEMPT, TAKE])), max_size=5),
    st.integers(0, 2000),
)
def test_until_is_the_first_moment_at_which_nothing_stands_in_the_way(past, day):
    sittings = [_sitting(T0 + timedelta(days=days), outcome) for days, outcome in past]
    permission = _ask(sittings, T0 + timedelta(days=day))
    assert permission.is_granted == (permission.until is None)
    if permission.until is not None:
        assert _ask(sittings, permission.until).is_granted
        assert not _ask(sittings, permission.until - TICK).is_granted


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (_day(2026, 1, 31), 1, _day(2026, 2, 28)),
        (_day(2028, 1, 31), 1, _day(2028, 2, 29)),
        (_day(2026, 12, 15), 1, _day(2027, 1, 15)),
        (_day(2026, 5, 5), 0, _day(2026, 5, 5)),
        (_day(2024, 2, 29), 24, _day(2026, 2, 28)),
    ],
)
def test_add_months(day, months, expected):
    assert add_months(day, months) == expected
