"""Seeded orders, forms and the ring."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.errors import FormError, RingError
from integra_grading.forms import (
    CutAttempt,
    PostRules,
    first_form,
    form_for_post,
    form_for_pre,
    has_reached_cut,
    may_start_test,
)
from integra_grading.ordering import hash_rank, is_drawn, shuffle, shuffle_within_blocks
from integra_grading.reasons import Permission, Reason, ReasonCode
from integra_grading.ring import RingItem, Stratum, draw_form

FORMS = ("A", "B")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = st.lists(st.text(max_size=5), unique=True, max_size=30)


@given(KEYS, st.text(), st.randoms())
def test_shuffle_is_a_permutation_that_ignores_input_order(keys, seed, random):
    mixed = random.sample(keys, len(keys))
    assert shuffle(mixed, seed=seed) == shuffle(keys, seed=seed)
    assert sorted(shuffle(keys, seed=seed)) == sorted(keys)


def test_shuffle_depends_on_the_seed():
    assert len({shuffle("abcdef", seed=str(seed)) for seed in range(50)}) > 40


def test_hash_rank_tells_where_parts_end():
    assert hash_rank("ab", "c") != hash_rank("a", "bc")
    assert hash_rank("\ud800")


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 99)), unique=True), st.text())
def test_shuffle_within_blocks_keeps_blocks_together(pairs, seed):
    named = [(block, f"{block}{number}") for block, number in pairs]
    shuffled = shuffle_within_blocks(named, seed=seed)
    assert sorted(shuffled) == sorted(key for _, key in named)
    blocks = list(dict.fromkeys(block for block, _ in named))
    assert [key[0] for key in shuffled] == sorted((key[0] for key in shuffled), key=blocks.index)


def test_is_drawn_draws_about_its_share_and_a_larger_sample_holds_a_smaller_one():
    twenty = {n for n in range(2000) if is_drawn(str(n), "m06-hoja", percent=20)}
    thirty = {n for n in range(2000) if is_drawn(str(n), "m06-hoja", percent=30)}
    assert 340 < len(twenty) < 460
    assert twenty < thirty
    assert not any(is_drawn(str(n), percent=0) for n in range(100))
    assert all(is_drawn(str(n), percent=100) for n in range(100))


# Forms


@given(st.text(), st.integers(0, 500))
def test_every_block_of_four_gets_each_form_twice(seed, block):
    given_forms = [first_form(FORMS, seed=seed, place=4 * block + n) for n in range(4)]
    assert Counter(given_forms) == {"A": 2, "B": 2}


def test_blocks_differ_so_that_nobody_can_tell_the_next_form():
    orders = {
        tuple(first_form(FORMS, seed="c", place=4 * block + n) for n in range(4)) for block in range(100)
    }
    assert len(orders) == 6


def test_post_test_starts_with_the_twin_and_alternates():
    assert form_for_pre("A") == "A"
    assert [form_for_post(FORMS, first="A", ordinal=n) for n in (1, 2, 3)] == ["B", "A", "B"]
    assert [form_for_post(FORMS, first="B", ordinal=n) for n in (1, 2, 3)] == ["A", "B", "A"]


@pytest.mark.parametrize("first", FORMS)
def test_a_second_post_test_has_a_form_nobody_saw_before(first):
    turn = [form_for_post(FORMS, first=first, ordinal=n, further_forms=("C",)) for n in (1, 2, 3, 4)]
    twin = "B" if first == "A" else "A"
    assert turn == [twin, "C", first, twin]


@given(st.sampled_from(FORMS), st.integers(1, 30), st.sampled_from([(), ("C",), ("C", "D")]))
def test_no_two_attempts_in_a_row_have_the_same_form(first, ordinal, further):
    one = form_for_post(FORMS, first=first, ordinal=ordinal, further_forms=further)
    other = form_for_post(FORMS, first=first, ordinal=ordinal + 1, further_forms=further)
    assert one != other
    assert form_for_post(FORMS, first=first, ordinal=1, further_forms=further) != form_for_pre(first)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: first_form(("A",), seed="c", place=0), "not_two_forms"),
        (lambda: first_form(("A", "A"), seed="c", place=0), "not_two_forms"),
        (lambda: first_form(("A", "B", "B"), seed="c", place=0), "not_two_forms"),
        (lambda: first_form(FORMS, seed="c", place=-1), "bad_place"),
        (lambda: form_for_post(FORMS, first="C", ordinal=1), "unknown_form"),
        (lambda: form_for_post(FORMS, first="A", ordinal=0), "bad_ordinal"),
    ],
)
def test_forms_refuse(call, code):
    with pytest.raises(FormError) as caught:
        call()
    assert caught.value.code == code


POST = PostRules(forms=FORMS, max_score=8, minutes=10, cut=6, max_attempts=2, wait_hours=48)


@pytest.mark.parametrize(
    ("score", "max_score", "reached"),
    [(5, 8, False), (6, 8, True), (7, 8, True), (0, 8, False), (29, 40, False), (30, 40, True)],
)
def test_the_cut_itself_is_enough(score, max_score, reached):
    assert has_reached_cut(CutAttempt(NOW, score, max_score), POST) is reached


def test_first_post_test_may_start():
    assert may_start_test([], POST, key="post", now=NOW) == Permission()
    assert may_start_test([], POST, key="post", now=NOW).is_granted


def test_second_post_test_waits_48_hours_to_the_second():
    attempts = [CutAttempt(NOW, 5, 8)]
    until = NOW + timedelta(hours=48)
    refused = may_start_test(attempts, POST, key="post", now=until - timedelta(microseconds=1))
    assert refused == Permission((Reason(ReasonCode.COOLDOWN, "post"),), until)
    assert may_start_test(attempts, POST, key="post", now=until).is_granted


def test_after_two_attempts_or_a_pass_no_other_may_start():
    later = NOW + timedelta(days=100)
    failed, passed = CutAttempt(NOW, 0, 8), CutAttempt(NOW, 6, 8)
    assert may_start_test([failed, failed], POST, key="post", now=later) == Permission(
        (Reason(ReasonCode.ATTEMPTS_USED, "post"),)
    )
    assert may_start_test([passed], POST, key="post", now=later) == Permission(
        (Reason(ReasonCode.ALREADY_PASSED, "post"),)
    )


# Ring


@st.composite
def rings(draw, *, forms_without_repeat=1):
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    strata = [Stratum(key=f"s{index}", per_form=count) for index, count in enumerate(counts)]
    items = [
        RingItem(f"{stratum.key}-{number}", stratum.key)
        for stratum in strata
        for number in range(
            draw(st.integers(forms_without_repeat * stratum.per_form, 3 * stratum.per_form + 2))
        )
    ]
    return items, strata


def _stratum(key):
    return key.partition("-")[0]


@given(rings(), st.integers(1, 8), st.text(max_size=5), st.randoms())
def test_ring_draws_exact_strata_without_a_repeat_until_it_is_used_up(ring, sittings, seed, random):
    items, strata = ring
    history = []
    for number in range(sittings):
        drawn = draw_form(items, strata, history=history, seed=f"{seed}{number}")
        mixed = random.sample(items, len(items))
        assert draw_form(mixed, strata, history=history, seed=f"{seed}{number}") == drawn
        assert len(set(drawn)) == len(drawn)
        assert Counter(map(_stratum, drawn)) == {stratum.key: stratum.per_form for stratum in strata}
        _assert_least_used(items, history, drawn)
        history.append(drawn)


def _assert_least_used(items, history, drawn):
    used = Counter(key for form in history for key in form)
    last = {key: index for index, form in enumerate(history) for key in form}
    for item in items:
        if item.key in drawn:
            continue
        for key in drawn:
            if _stratum(key) == item.stratum:
                assert (used[key], last.get(key, -1)) <= (used[item.key], last.get(item.key, -1))


@given(rings(forms_without_repeat=2), st.integers(0, 5), st.text(max_size=5))
def test_second_form_shares_nothing_with_the_first(ring, earlier, seed):
    items, strata = ring
    history = []
    for number in range(earlier):
        history.append(draw_form(items, strata, history=history, seed=f"{seed}{number}"))
    first = draw_form(items, strata, history=history, seed=f"{seed}-1")
    second = draw_form(items, strata, history=[*history, first], seed=f"{seed}-2", avoid=first)
    assert not set(first) & set(second)


def test_second_form_avoids_the_first_also_where_new_items_joined_the_ring():
    strata = [Stratum(key="a", per_form=2)]
    items = [RingItem(key, "a") for key in ("old1", "old2", "new1", "new2")]
    history = [("old1", "old2")] * 3
    first = draw_form(items, strata, history=history, seed="x")
    assert sorted(first) == ["new1", "new2"]
    second = draw_form(items, strata, history=[*history, first], seed="y", avoid=first)
    assert sorted(second) == ["old1", "old2"]


def test_second_form_of_a_small_ring_repeats_no_more_than_it_must():
    items = [RingItem(f"a{number}", "a") for number in range(6)]
    first = draw_form(items, [Stratum(key="a", per_form=4)], history=[], seed="x")
    second = draw_form(items, [Stratum(key="a", per_form=4)], history=[first], seed="y", avoid=first)
    assert len(set(first) & set(second)) == 2


def test_items_that_left_the_ring_do_not_matter():
    items = [RingItem("a1", "a"), RingItem("a2", "a")]
    assert draw_form(items, [Stratum(key="a", per_form=1)], history=[("gone", "a1")], seed="x") == ("a2",)


@pytest.mark.parametrize(
    ("items", "strata", "code", "field"),
    [
        ([RingItem("a1", "a")], [Stratum(key="a", per_form=2)], "stratum_too_small", "a"),
        ([RingItem("b1", "b")], [Stratum(key="a", per_form=1)], "unknown_stratum", "b1"),
        ([RingItem("a1", "a")] * 2, [Stratum(key="a", per_form=1)], "duplicate_key", "a1"),
        ([RingItem("a1", "a")], [Stratum(key="a", per_form=1)] * 2, "duplicate_key", "strata"),
    ],
)
def test_ring_refuses(items, strata, code, field):
    with pytest.raises(RingError) as caught:
        draw_form(items, strata, history=[], seed="x")
    assert (caught.value.code, caught.value.field) == (code, field)


@given(st.integers(1, 5), st.integers(1, 3), st.text(max_size=8))
def test_a_form_asks_nothing_twice_while_another_question_is_as_due(pairs, rounds, seed):
    items = [RingItem(f"q{n}{letter}", "s", f"q{n}") for n in range(pairs) for letter in "ab"]
    history = []
    for number in range(2 * rounds):
        drawn = draw_form(items, [Stratum(key="s", per_form=pairs)], history=history, seed=f"{seed}{number}")
        assert len({key[:-1] for key in drawn}) == pairs
        history.append(drawn)


def test_a_twin_comes_before_what_was_used():
    items = [
        RingItem("a1", "s", "a"),
        RingItem("a2", "s", "a"),
        RingItem("b1", "s", "b"),
        RingItem("b2", "s", "b"),
    ]
    drawn = draw_form(items, [Stratum(key="s", per_form=2)], history=[["b1", "b2"]], seed="x")
    assert set(drawn) == {"a1", "a2"}
