"""One byte form of equal data."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading import canonical
from integra_grading.canonical import MAX_DEPTH, canonical_json, digest
from integra_grading.errors import CanonicalError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda children: st.lists(children) | st.dictionaries(TEXT, children),
    max_leaves=20,
)


def test_canonical_json_sorts_keys_leaves_no_blanks_and_escapes_nothing():
    assert canonical_json({"b": [1, True, None], "a": "ñ", "c": ("x",)}) == (
        '{"a":"ñ","b":[1,true,null],"c":["x"]}'.encode()
    )


def test_digest_is_the_known_sha256():
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@given(VALUES)
def test_canonical_json_is_read_back_equal(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(TEXT, VALUES), st.randoms())
def test_digest_does_not_depend_on_the_order_of_keys(value, random):
    keys = list(value)
    random.shuffle(keys)
    assert digest({key: value[key] for key in keys}) == digest(value)


def _nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        ({"a": {"b": 1.5}}, "not_canonical", "a.b"),
        ([float("nan")], "not_canonical", "[0]"),
        ({1: "a"}, "not_canonical", ""),
        ({"a": [{1}]}, "not_canonical", "a[0]"),
        ([b"x"], "not_canonical", "[0]"),
        ({"a": 2**53}, "integer_too_large", "a"),
        (-(2**53), "integer_too_large", ""),
        ("a\x00", "bad_character", ""),
        ({"a": "\ud800"}, "bad_character", "a"),
        ({"\udfff": 1}, "bad_character", ""),
        (_nested(100_000), "too_deep", ""),
    ],
)
def test_canonical_json_refuses(value, code, field):
    with pytest.raises(CanonicalError) as caught:
        canonical_json(value)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_sixty_four_levels_are_allowed():
    assert canonical_json(_nested(64)).startswith(b"[[[[")
    objects = 1
    for _ in range(64):
        objects = {"a": objects}
    assert canonical_json(objects).startswith(b'{"a":{"a":')
    with pytest.raises(CanonicalError):
        canonical_json({"a": objects})


JSON_LIKE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**54), 2**54),
        st.floats(),
        st.text(st.characters(codec=None), max_size=5),
        st.binary(max_size=2),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(
            st.one_of(st.text(st.characters(codec=None), max_size=3), st.integers()), inner, max_size=3
        ),
    ),
    max_leaves=12,
)


@given(JSON_LIKE, st.integers(0, 4))
def test_the_quick_look_agrees_with_the_one_that_names_the_place(value, room):
    nested = value
    for _ in range(MAX_DEPTH - room):
        nested = [nested]
    try:
        canonical._check(nested, at="", depth=0)
    except CanonicalError:
        assert canonical._is_canonical(nested, MAX_DEPTH) is False
    else:
        assert canonical._is_canonical(nested, MAX_DEPTH) is True
