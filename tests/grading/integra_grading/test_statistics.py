"""Statistics against NumPy and SciPy, against published figures, and what holds for every table."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from integra_grading.consistency import describe_beta, estimate_consistency
from integra_grading.errors import InvalidScoreError
from integra_grading.statistics import (
    ItemStatistics,
    OptionStatistics,
    ReviewReason,
    analyse,
    analyse_options,
    compare_forms,
    find_review_reasons,
    measure_exposure,
)

CLOSE = 1e-9
PUBLISHED = Path(__file__).parent / "published"


def _table(seed, learners, items, *, gaps=0.0, is_binary=True):
    chance = np.random.default_rng(seed)
    ability = chance.normal(size=(learners, 1))
    hardness = chance.normal(size=(1, items))
    right = 1 / (1 + np.exp(hardness - ability))
    table = (chance.random((learners, items)) < right).astype(float) if is_binary else right.round(3)
    table[chance.random(table.shape) < gaps] = np.nan
    return table


def _rows(table):
    return [[None if math.isnan(value) else value for value in row] for row in table.tolist()]


def _keys(table):
    return [f"q{number}" for number in range(table.shape[1])]


# Against an independent implementation


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("gaps", "is_binary"), [(0.0, True), (0.0, False), (0.3, True), (0.3, False)])
def test_items_agree_with_scipy(seed, gaps, is_binary):
    table = _table(seed, 400, 12, gaps=gaps, is_binary=is_binary)
    found = analyse(_keys(table), _rows(table))
    assert found.n == 400
    for index, item in enumerate(found.items):
        column = table[:, index]
        rest = np.nanmean(np.delete(table, index, axis=1), axis=1)
        had = ~np.isnan(column)
        both = had & ~np.isnan(rest)
        assert item.n == had.sum()
        assert item.facility == pytest.approx(column[had].mean(), abs=CLOSE)
        assert item.sd == pytest.approx(column[had].std(ddof=1), abs=CLOSE)
        assert item.item_rest == pytest.approx(stats.pearsonr(column[both], rest[both])[0], abs=CLOSE)


@pytest.mark.parametrize("is_binary", [True, False])
@pytest.mark.parametrize("gaps", [0.0, 0.05])
def test_the_whole_test_agrees_with_numpy(gaps, is_binary):
    table = _table(7, 500, 20, gaps=gaps, is_binary=is_binary)
    complete = table[~np.isnan(table).any(axis=1)]
    found = analyse(_keys(table), _rows(table))
    covariance = np.cov(complete, rowvar=False)
    k = table.shape[1]
    alpha = k / (k - 1) * (1 - np.trace(covariance) / covariance.sum())
    totals = complete.sum(axis=1)
    assert found.n_complete == len(complete)
    assert found.mean == pytest.approx(totals.mean(), abs=CLOSE)
    assert found.sd == pytest.approx(totals.std(ddof=1), abs=CLOSE)
    assert found.alpha == pytest.approx(alpha, abs=CLOSE)
    assert found.sem == pytest.approx(totals.std(ddof=1) * math.sqrt(1 - alpha), abs=CLOSE)
    if is_binary:
        p = complete.mean(axis=0)
        # Formula 20 with the variances of n; the factor n / (n - 1) cancels.
        kr20 = k / (k - 1) * (1 - (p * (1 - p)).sum() / totals.var())
        assert found.kr20 == pytest.approx(kr20, abs=CLOSE)
    else:
        assert found.kr20 is None


def test_options_agree_with_scipy():
    chance = np.random.default_rng(3)
    rest = chance.normal(10, 3, 300)
    chosen = np.where(rest + chance.normal(0, 3, 300) > 10, "a", chance.choice(["b", "c"], 300))
    found = analyse_options(
        [([key], value) for key, value in zip(chosen, rest, strict=True)], ["a", "b", "c", "d"]
    )
    for option in found[:3]:
        is_chosen = (chosen == option.key).astype(float)
        assert option.n == is_chosen.sum()
        assert option.share == pytest.approx(is_chosen.mean(), abs=CLOSE)
        assert option.point_biserial == pytest.approx(stats.pointbiserialr(is_chosen, rest)[0], abs=CLOSE)
    assert found[3] == OptionStatistics("d", 0, 0.0, None)


def test_several_marks_of_one_answer_count_each():
    found = analyse_options([(["a", "b"], float(n)) for n in range(10)] + [([], 3.0)] * 10, ["a", "b"])
    assert [(option.n, option.share) for option in found] == [(10, 0.5), (10, 0.5)]


def test_forms_agree_with_numpy():
    chance = np.random.default_rng(5)
    a, b = chance.normal(28, 5, 60), chance.normal(27, 5.5, 70)
    found = compare_forms(a.tolist(), b.tolist())
    pooled = math.sqrt((59 * a.var(ddof=1) + 69 * b.var(ddof=1)) / 128)
    assert found.difference == pytest.approx(abs(a.mean() - b.mean()) / pooled, abs=CLOSE)
    low, high = sorted([a.std(ddof=1), b.std(ddof=1)])
    assert found.sd_ratio == pytest.approx(high / low, abs=CLOSE)


@pytest.mark.parametrize(
    ("b", "is_equivalent"),
    [((0, 1, 2, 3, 4) * 4, True), ((2, 3, 4, 5, 6) * 4, False), ((0, 0, 2, 4, 4) * 4, False)],
)
def test_forms_are_equivalent_within_a_quarter_and_fifteen_per_cent(b, is_equivalent):
    assert compare_forms((0, 1, 2, 3, 4) * 4, b).is_equivalent is is_equivalent


# Published figures


def test_published_data_give_the_published_figures():
    with (PUBLISHED / "lsat-section-6.csv").open(encoding="utf-8") as file:
        rows = [
            [int(mark) for mark in line["pattern"]]
            for line in csv.DictReader(file)
            for _ in range(int(line["examinees"]))
        ]
    found = analyse(["1", "2", "3", "4", "5"], rows)
    assert found.n == 1000
    assert [item.facility for item in found.items] == pytest.approx(
        [0.924, 0.709, 0.553, 0.763, 0.870], abs=CLOSE
    )
    assert found.alpha == pytest.approx(0.2950, abs=5e-5)
    assert found.kr20 == found.alpha
    published = [0.1128, 0.1532, 0.1728, 0.1444, 0.1216]
    assert [item.item_rest for item in found.items] == pytest.approx(published, abs=5.1e-5)


@pytest.mark.parametrize(
    ("items", "cut", "accuracy", "consistency", "kappa"),
    [
        (3, 3, 0.67, 0.61, 0.22),
        (5, 4, 0.76, 0.68, 0.30),
        (8, 6, 0.79, 0.72, 0.38),
        (10, 7, 0.81, 0.76, 0.41),
        (12, 9, 0.81, 0.75, 0.45),
        (20, 14, 0.85, 0.80, 0.54),
        (30, 21, 0.88, 0.83, 0.61),
        (40, 28, 0.89, 0.85, 0.65),
        (60, 42, 0.91, 0.87, 0.71),
    ],
)
def test_decisions_are_as_dependable_as_the_dossier_says(items, cut, accuracy, consistency, kappa):
    """Dossier 5.2: true scores with mean 0.75 and SD 0.15, standard 0.70."""
    strength = 0.75 * 0.25 / 0.15**2 - 1
    found = describe_beta(0.75 * strength, 0.25 * strength, items=items, cut=cut, standard=0.7)
    assert found.accuracy == pytest.approx(accuracy, abs=0.006)
    assert found.consistency == pytest.approx(consistency, abs=0.006)
    assert found.kappa == pytest.approx(kappa, abs=0.006)


def test_consistency_agrees_with_scipy_and_a_simulation():
    mean, sd, items, cut = 28.4, 6.1, 40, 28
    found = estimate_consistency(mean=mean, sd=sd, items=items, cut=cut)
    kr21 = items / (items - 1) * (1 - mean * (items - mean) / (items * sd**2))
    a, b = (1 / kr21 - 1) * mean, (1 / kr21 - 1) * (items - mean)
    true = np.random.default_rng(1).beta(a, b, 400_000)
    chance = np.random.default_rng(2)
    first, second = chance.binomial(items, true) >= cut, chance.binomial(items, true) >= cut
    assert found.consistency == pytest.approx((first == second).mean(), abs=0.003)
    share = 1 - stats.betabinom(items, a, b).cdf(cut - 1)
    expected = (found.consistency - share**2 - (1 - share) ** 2) / (1 - share**2 - (1 - share) ** 2)
    assert found.kappa == pytest.approx(expected, abs=CLOSE)
    assert found.accuracy == pytest.approx((first == (true >= cut / items)).mean(), abs=0.003)
    assert found.method == "huynh-1976-beta-binomial"


@pytest.mark.parametrize(
    "values", [{"sd": 0}, {"mean": 0.0}, {"mean": 40.0}, {"sd": 0.5}, {"mean": 20.0, "sd": 39.0}]
)
def test_scores_that_do_not_fit_the_model_give_no_figure(values):
    found = estimate_consistency(**{"mean": 28.0, "sd": 6.0, "items": 40, "cut": 28, **values})
    assert (found.consistency, found.kappa, found.accuracy) == (None, None, None)


@pytest.mark.parametrize(
    "values",
    [
        {"items": 1},
        {"items": 201},
        {"cut": 0},
        {"cut": 41},
        {"mean": -1},
        {"mean": 41},
        {"sd": -1},
        {"sd": math.nan},
        {"standard": 0.0},
        {"standard": 1.7},
    ],
)
def test_values_outside_their_range_are_refused(values):
    with pytest.raises(InvalidScoreError):
        estimate_consistency(**{"mean": 28.0, "sd": 6.0, "items": 40, "cut": 28, **values})


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (math.inf, 1), (1, math.nan)])
def test_beta_parameters_are_checked(a, b):
    with pytest.raises(InvalidScoreError):
        describe_beta(a, b, items=10, cut=5)


@pytest.mark.parametrize("values", [{"items": 1}, {"cut": 11}, {"standard": 1.0}])
def test_the_form_is_checked_for_beta_parameters_too(values):
    with pytest.raises(InvalidScoreError):
        describe_beta(3.0, 1.0, **{"items": 10, "cut": 5, **values})


@pytest.mark.parametrize(("mean", "sd", "cut"), [(37.0, 7.0, 28), (34.0, 7.0, 28), (3.0, 4.0, 2)])
def test_scores_that_crowd_at_an_end_are_integrated_exactly(mean, sd, cut):
    """A Beta parameter below 1: the density has no value at that end."""
    items = 40
    kr21 = items / (items - 1) * (1 - mean * (items - mean) / (items * sd**2))
    a, b = (1 / kr21 - 1) * mean, (1 / kr21 - 1) * (items - mean)
    assert min(a, b) < 1
    points = np.arange(items + 1)
    below = stats.beta(a + points, b + items - points).cdf(cut / items)
    expected = (stats.betabinom(items, a, b).pmf(points) * np.where(points < cut, below, 1 - below)).sum()
    assert estimate_consistency(mean=mean, sd=sd, items=items, cut=cut).accuracy == pytest.approx(
        expected, abs=CLOSE
    )


@given(st.floats(0.01, 300), st.floats(0.01, 300), st.integers(2, 60), st.floats(0.01, 0.99), st.data())
def test_accuracy_agrees_with_scipy_whatever_the_form(a, b, items, standard, data):
    cut = data.draw(st.integers(1, items))
    points = np.arange(items + 1)
    below = stats.beta(a + points, b + items - points).cdf(standard)
    expected = (stats.betabinom(items, a, b).pmf(points) * np.where(points < cut, below, 1 - below)).sum()
    found = describe_beta(a, b, items=items, cut=cut, standard=standard)
    assert found.accuracy == pytest.approx(expected, abs=CLOSE)


def test_alpha_is_never_above_one():
    """Three times the same item: rounding would give 1.0000000000000002, and no standard error."""
    found = analyse(["a", "b", "c"], [[1, 1, 1]] * 5 + [[0, 0, 0]] * 25)
    assert (found.alpha, found.sem) == (1.0, 0.0)


def test_kr20_looks_at_the_rows_alpha_looks_at():
    rows = [[1, 1], [0, 0], [1, 0]] * 10
    assert analyse(["a", "b"], [*rows, [0.5, None]]).kr20 == analyse(["a", "b"], rows).alpha
    assert analyse(["a", "b"], [*rows, [0.5, 1]]).kr20 is None


def test_a_cut_at_the_ends_is_integrated_too():
    assert describe_beta(3.0, 1.0, items=10, cut=10).accuracy == pytest.approx(
        1 - stats.betabinom(10, 3, 1).pmf(10), abs=1e-6
    )
    assert describe_beta(3.0, 1.0, items=10, cut=10, standard=1e-10).accuracy == pytest.approx(
        stats.betabinom(10, 3, 1).pmf(10), abs=1e-6
    )


def test_a_test_nobody_can_fail_has_no_kappa():
    assert describe_beta(5000.0, 1e-9, items=2, cut=1).kappa is None


# Silence


def test_below_the_minimum_every_figure_is_silent_and_n_is_told():
    table = _table(1, 9, 4)
    found = analyse(_keys(table), _rows(table), minimum=10)
    assert found.n == found.n_complete == 9
    assert (found.mean, found.sd, found.alpha, found.kr20, found.sem) == (None,) * 5
    assert found.items[0] == ItemStatistics("q0", 9, None, None, None)
    assert analyse_options([(["a"], 1.0)] * 9, ["a"])[0] == OptionStatistics("a", 9, None, None)
    assert compare_forms([1, 2] * 4, [1, 2] * 9).is_equivalent is None


def test_what_does_not_vary_has_no_correlation():
    rows = [[1, 0, n % 2] for n in range(40)]
    found = analyse(["a", "b", "c"], rows)
    assert [item.item_rest for item in found.items] == [None, None, None]
    assert [item.facility for item in found.items] == [1.0, 0.0, 0.5]
    assert analyse(["a", "b"], [[1, 1]] * 20).alpha is None
    assert compare_forms([3] * 20, [1, 2] * 10).is_equivalent is None


def test_one_item_alone_has_a_facility_and_nothing_else():
    found = analyse(["a"], [[n % 2] for n in range(20)])
    assert (found.items[0].facility, found.items[0].item_rest, found.alpha) == (0.5, None, None)


def test_learners_with_one_item_count_for_its_facility_only():
    rows = [[1, 0], [0, 1]] * 10 + [[1, None]] * 20 + [[None, None]] * 5
    found = analyse(["a", "b"], rows)
    assert (found.n, found.items[0].n, found.items[1].n) == (45, 40, 20)
    assert found.items[0].facility == 0.75
    assert found.items[0].sd == pytest.approx(np.std([1, 0] * 10 + [1] * 20, ddof=1), abs=CLOSE)
    assert found.items[0].item_rest == pytest.approx(-1)
    assert analyse(["a", "b"], [[None, None]] * 20).items[0] == ItemStatistics("a", 0, None, None, None)


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        (["a"], [[1.5]]),
        (["a"], [[-0.1]]),
        (["a"], [[math.nan]]),
        (["a"], [[1, 0]]),
        ([], []),
        (["a", "a"], []),
    ],
)
def test_tables_that_cannot_be_are_refused(keys, rows):
    with pytest.raises(InvalidScoreError):
        analyse(keys, rows)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_refused(value):
    with pytest.raises(InvalidScoreError):
        analyse_options([(["a"], value)], ["a"])
    with pytest.raises(InvalidScoreError):
        compare_forms([value], [1])


# After the try-out


@pytest.mark.parametrize(
    ("facility", "item_rest", "share", "reasons"),
    [
        (0.3, 0.2, 0.05, ()),
        (0.29, 0.2, 0.05, (ReviewReason.TOO_HARD,)),
        (
            0.91,
            0.19,
            0.04,
            (ReviewReason.TOO_EASY, ReviewReason.DOES_NOT_DISCRIMINATE, ReviewReason.UNUSED_DISTRACTOR),
        ),
        (None, None, None, ()),
    ],
)
def test_what_to_revise(facility, item_rest, share, reasons):
    item = ItemStatistics("q", 30, facility, None, item_rest)
    assert find_review_reasons(item, [OptionStatistics("b", 1, share, None)]) == reasons


def test_exposure_counts_forms_and_not_places():
    assert measure_exposure([["a", "a"], ["a", "b"]], ["a", "b", "c"]) == {
        "a": (2, 1.0),
        "b": (1, 0.5),
        "c": (0, 0.0),
    }
    assert measure_exposure([], ["a"]) == {"a": (0, None)}


# Whatever the table

TABLES = st.integers(1, 5).flatmap(
    lambda items: st.lists(
        st.lists(st.none() | st.sampled_from([0, 1]) | st.floats(0, 1), min_size=items, max_size=items),
        max_size=30,
    )
)


@given(TABLES, st.randoms())
def test_figures_stay_in_their_range_and_ignore_the_order_of_learners(rows, chance):
    keys = [f"q{number}" for number in range(len(rows[0]) if rows else 1)]
    found = analyse(keys, rows, minimum=2)
    for item in found.items:
        assert item.facility is None or -1e-12 <= item.facility <= 1 + 1e-12
        assert item.item_rest is None or -1 <= item.item_rest <= 1
    assert found.alpha is None or found.alpha <= 1 + 1e-9
    mixed = list(rows)
    chance.shuffle(mixed)
    again = analyse(keys, mixed, minimum=2)
    for one, other in zip(found.items, again.items, strict=True):
        assert (one.n, one.facility) == (other.n, pytest.approx(other.facility, abs=1e-9))


@given(st.lists(st.lists(st.sampled_from([0, 1]), min_size=4, max_size=4), min_size=10, max_size=30))
def test_an_item_more_changes_no_other_facility(rows):
    before = analyse(["a", "b", "c", "d"], rows)
    after = analyse(["a", "b", "c", "d", "e"], [[*row, 1] for row in rows])
    assert [item.facility for item in before.items] == [item.facility for item in after.items[:4]]
