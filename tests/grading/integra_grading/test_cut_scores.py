"""Cut scores from a panel's record."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.cut_scores import Panel, compute_cut
from integra_grading.errors import ManifestError


def _panel(*ratings):
    judges = [
        {
            "key": f"j{number}",
            "expertise": "contadora",
            "ratings": [{"item": f"q{place}", "percent": percent} for place, percent in enumerate(row)],
        }
        for number, row in enumerate(ratings)
    ]
    return {"held_on": "2026-05-04", "form": "A", "judges": judges}


def test_the_cut_is_the_mean_of_the_judges_rounded_up():
    found = compute_cut(Panel.from_dict(_panel([80, 70, 60], [90, 60, 50], [70, 70, 70])))
    sums = np.array([2.1, 2.0, 2.1])
    assert (found.points, found.items, found.judges, found.held_on) == (3, 3, 3, "2026-05-04")
    assert found.mean_millipoints == round(sums.mean() * 1000)
    assert found.error_millipoints == round(sums.std(ddof=1) / np.sqrt(3) * 1000)


def test_a_mean_of_whole_points_is_not_rounded():
    assert compute_cut(Panel.from_dict(_panel([100, 100, 80], [100, 100, 20]))).points == 3
    assert compute_cut(Panel.from_dict(_panel([70, 70, 70], [60, 60, 70]))).points == 2
    assert compute_cut(Panel.from_dict(_panel([0], [0]))).points == 1


def _bend(raw, change):
    raw = copy.deepcopy(raw)
    change(raw)
    return raw


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda raw: raw["judges"].pop(), "too_few_judges"),
        (lambda raw: raw["judges"][0].update(key="j1"), "duplicate_key"),
        (lambda raw: raw["judges"][0]["ratings"].pop(), "rating_missing"),
        (lambda raw: raw["judges"][0]["ratings"][0].update(item="q1"), "duplicate_key"),
        (lambda raw: raw["judges"][0]["ratings"][0].update(percent=101), "out_of_range"),
        (lambda raw: raw["judges"][0]["ratings"][0].update(percent=50.5), "wrong_type"),
        (lambda raw: raw.update(held_on="ayer"), "not_a_day"),
        (lambda raw: raw.update(held_on="2026-02-30"), "not_a_day"),
        (lambda raw: raw.update(held_on=20260520), "wrong_type"),
        (lambda raw: raw.update(cut=30), "unknown_key"),
    ],
)
def test_a_record_that_is_not_whole_is_refused(change, code):
    with pytest.raises(ManifestError) as caught:
        Panel.from_dict(_bend(_panel([80, 70], [90, 60]), change))
    assert caught.value.code == code


RATINGS = st.integers(1, 6).flatmap(
    lambda items: st.lists(
        st.lists(st.integers(0, 100), min_size=items, max_size=items), min_size=2, max_size=8
    )
)


@given(RATINGS, st.data())
def test_a_higher_rating_never_lowers_the_cut(rows, data):
    before = compute_cut(Panel.from_dict(_panel(*rows)))
    judge, item = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    rows[judge][item] = data.draw(st.integers(rows[judge][item], 100))
    after = compute_cut(Panel.from_dict(_panel(*rows)))
    assert after.points >= before.points
    assert compute_cut(Panel.from_dict(_panel(*reversed(rows)))).points == after.points
    assert 1 <= after.points <= max(1, len(rows[0]))
