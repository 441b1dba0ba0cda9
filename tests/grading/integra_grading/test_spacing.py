"""Weak items come back until they were right once more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.spacing import PAUSE, Try, list_due_items

T0 = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _due(*tries, after=24, is_last=False):
    return list_due_items(tries, now=T0 + after * HOUR, is_last_practice=is_last)


WRONG, RIGHT = Try("a", T0, False), Try("a", T0 + HOUR / 10, True)


@pytest.mark.parametrize(
    ("tries", "after", "is_last", "due"),
    [
        ((), 24, True, ()),
        ((Try("a", T0, True),), 24, True, ()),
        ((WRONG, RIGHT), 24, False, ("a",)),
        ((WRONG, RIGHT), 12, False, ()),
        ((WRONG, RIGHT), 12.1, False, ("a",)),
        ((WRONG, RIGHT), 1, True, ("a",)),
        ((WRONG, RIGHT, Try("a", T0 + 20 * HOUR, True, True)), 48, True, ()),
        ((WRONG, RIGHT, Try("a", T0 + 20 * HOUR, False, True)), 24, False, ()),
        ((WRONG, RIGHT, Try("a", T0 + 20 * HOUR, False, True)), 48, False, ("a",)),
        ((WRONG, Try("a", T0 + 20 * HOUR, True)), 48, False, ("a",)),
    ],
)
def test_what_comes_back_and_when(tries, after, is_last, due):
    assert _due(*tries, after=after, is_last=is_last) == due


def test_the_weakest_come_first_and_never_more_than_three():
    tries = [
        Try(key, T0 + n * HOUR, False)
        for key, count in (("a", 1), ("b", 3), ("c", 2), ("d", 1))
        for n in range(count)
    ]
    assert _due(*tries) == ("b", "c", "a")


TRIES = st.lists(
    st.builds(
        Try,
        st.sampled_from("abcde"),
        st.integers(0, 60).map(lambda hours: T0 + hours * HOUR),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(TRIES, st.booleans(), st.randoms())
def test_order_does_not_matter_and_a_right_answer_adds_nothing(tries, is_last, chance):
    due = _due(*tries, after=80, is_last=is_last)
    mixed = list(tries)
    chance.shuffle(mixed)
    assert _due(*mixed, after=80, is_last=is_last) == due
    more = Try("z", T0 + 70 * HOUR, True)
    assert "z" not in _due(*tries, more, after=80, is_last=is_last)
    assert len(due) <= 3


@given(TRIES)
def test_the_last_practice_leaves_nothing_out_that_was_due_before(tries):
    ends = T0 + 60 * HOUR + PAUSE
    everything = list_due_items(tries, now=ends, is_last_practice=True)
    assert set(list_due_items(tries, now=ends, is_last_practice=False)) == set(everything)
