"""Gain: of one learner, of a group, by order of forms, and what may not be said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.errors import InvalidScoreError
from integra_grading.gain import (
    OutcomeHint,
    Pair,
    count_reliable_change,
    describe_gain,
    describe_gain_by_order,
    hint_outcomes,
    normalized_gain,
    raw_gain,
)

SHARES = st.floats(0, 1)
PAIRS = st.lists(st.builds(Pair, SHARES, SHARES, st.sampled_from("AB")), min_size=2, max_size=30)


@given(SHARES, SHARES)
def test_gain_of_a_learner(pre, post):
    assert raw_gain(pre, post) == -raw_gain(post, pre)
    assert raw_gain(pre, pre) == 0
    if pre < 1:
        assert normalized_gain(pre, pre) == 0
        assert normalized_gain(pre, 1) == pytest.approx(1)
        assert normalized_gain(pre, post) <= 1 + 1e-9


def test_no_improvement_was_possible():
    assert normalized_gain(1, 1) is None


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_results_outside_their_range_are_refused(value):
    for call in (raw_gain, normalized_gain):
        with pytest.raises(InvalidScoreError):
            call(value, 0.5)
        with pytest.raises(InvalidScoreError):
            call(0.5, value)
    with pytest.raises(InvalidScoreError):
        describe_gain([Pair(value, 0.5)])
    with pytest.raises(InvalidScoreError):
        count_reliable_change([Pair(0.5, value)], reliability=0.8)
    with pytest.raises(InvalidScoreError):
        count_reliable_change([], reliability=value)
    with pytest.raises(InvalidScoreError):
        hint_outcomes([({"6.3": value}, {"6.3": 0.5})])


def test_gain_of_a_group_agrees_with_numpy():
    chance = np.random.default_rng(4)
    pre = chance.uniform(0.2, 0.7, 50)
    post = np.clip(pre + chance.normal(0.15, 0.1, 50), 0, 1)
    found = describe_gain([Pair(*both) for both in zip(pre, post, strict=True)], enrolled=80)
    assert (found.n, found.n_learners, found.coverage) == (50, 50, 50 / 80)
    assert found.raw == pytest.approx((post - pre).mean(), abs=1e-9)
    assert found.group == pytest.approx((post.mean() - pre.mean()) / (1 - pre.mean()), abs=1e-9)
    assert found.learners == pytest.approx(((post - pre) / (1 - pre)).mean(), abs=1e-9)
    variances, m = (pre.var(ddof=1), post.var(ddof=1)), 49
    s2 = sum(variances) / 2
    d = (post - pre).mean() / math.sqrt(s2)
    r = np.corrcoef(pre, post)[0, 1]
    error = math.sqrt(
        d**2
        * (variances[0] ** 2 + variances[1] ** 2 + 2 * r**2 * variances[0] * variances[1])
        / (8 * s2**2 * m)
        + (post - pre).var(ddof=1) / (s2 * m)
    )
    assert found.effect.d == pytest.approx(d, abs=1e-9)
    assert found.effect.low == pytest.approx(d - 1.959963984540054 * error, abs=1e-9)
    assert found.effect.high == pytest.approx(d + 1.959963984540054 * error, abs=1e-9)


def test_the_interval_holds_the_true_effect_nineteen_times_in_twenty():
    chance = np.random.default_rng(11)
    held = 0
    for _ in range(2_000):
        ability = chance.normal(0.5, 0.08, 40)
        pre, post = ability + chance.normal(0, 0.06, 40), ability + 0.08 + chance.normal(0, 0.06, 40)
        effect = describe_gain(
            [Pair(*both) for both in zip(pre.clip(0, 1), post.clip(0, 1), strict=True)]
        ).effect
        held += effect.low <= 0.8 <= effect.high  # 0.08 / sqrt(0.08^2 + 0.06^2)
    assert 0.935 <= held / 2_000 <= 0.965


def test_a_group_too_small_is_counted_and_nothing_else():
    found = describe_gain([Pair(0.2, 0.6)] * 9, enrolled=12)
    assert (found.n, found.coverage, found.n_learners) == (9, 0.75, 9)
    assert (found.pre_mean, found.post_mean, found.raw, found.group, found.learners, found.effect) == (
        None,
    ) * 6
    assert describe_gain([]).coverage is None


def test_more_pairs_than_enrolled_cannot_be():
    with pytest.raises(InvalidScoreError):
        describe_gain([Pair(0.2, 0.6)] * 3, enrolled=2)


def test_a_group_that_knew_everything_has_no_normalised_gain():
    found = describe_gain([Pair(1.0, 1.0)] * 10)
    assert (found.raw, found.group, found.learners, found.n_learners, found.effect) == (
        0,
        None,
        None,
        0,
        None,
    )


def test_by_order_of_forms_the_difference_of_the_forms_shows():
    pairs = [Pair(0.4, 0.7, "A")] * 10 + [Pair(0.5, 0.6, "B")] * 12
    found = describe_gain_by_order(pairs)
    assert {form: report.n for form, report in found.items()} == {"A": 10, "B": 12}
    assert found["A"].raw == pytest.approx(0.3)
    assert found["B"].raw == pytest.approx(0.1)


def test_outcomes_are_hinted_at_from_those_who_have_both():
    results = [({"6.3": 0.5, "6.1": 1.0}, {"6.3": 1.0})] * 10 + [({"4.3": 0.0}, {"4.3": 1.0})] * 3
    assert hint_outcomes(results) == (OutcomeHint("4.3", 3, None, None), OutcomeHint("6.3", 10, 0.5, 1.0))


def test_reliable_change_is_beyond_the_error_of_the_test():
    pairs = [Pair(0.4, 0.45), Pair(0.5, 0.95), Pair(0.6, 0.1)] * 5
    sd = np.std([pair.pre for pair in pairs], ddof=1)
    found = count_reliable_change(pairs, reliability=0.8)
    assert found.threshold == pytest.approx(1.959963984540054 * math.sqrt(2) * sd * math.sqrt(0.2))
    assert (found.n, found.improved, found.unchanged, found.worse) == (15, 5, 5, 5)
    assert count_reliable_change(pairs[:9], reliability=0.8) is None
    assert count_reliable_change([Pair(0.5, 0.9)] * 10, reliability=0.8) is None


@given(PAIRS, st.randoms())
def test_a_group_s_gain_hangs_together_in_any_order(pairs, chance):
    found = describe_gain(pairs, minimum=2)
    mixed = list(pairs)
    chance.shuffle(mixed)
    assert describe_gain(mixed, minimum=2).raw == found.raw
    assert found.raw == pytest.approx(found.post_mean - found.pre_mean, abs=1e-9)
    if found.effect is not None:
        assert found.effect.low <= found.effect.d <= found.effect.high
        assert math.copysign(1, found.effect.d) == math.copysign(1, found.raw) or found.raw == 0
    same = describe_gain([Pair(pair.pre, pair.pre) for pair in pairs], minimum=2)
    assert same.raw == 0
    assert same.group in (0, None)
