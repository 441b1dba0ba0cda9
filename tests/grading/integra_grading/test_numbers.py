"""How typed numbers are read and ranges checked."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integra_grading.errors import InvalidScoreError, NumberError
from integra_grading.numbers import (
    format_decimal,
    parse_decimal,
    parse_integer,
    parse_plain_decimal,
    proportion,
    require_count,
    require_proportion,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "numbers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("typed", "value"), VECTORS["accepted"])
def test_parse_decimal_reads(typed, value):
    assert parse_decimal(typed) == Decimal(value)


@pytest.mark.parametrize(("typed", "code"), VECTORS["refused"])
def test_parse_decimal_refuses(typed, code):
    with pytest.raises(NumberError) as caught:
        parse_decimal(typed, field="precio")
    assert (caught.value.code, caught.value.field) == (code, "precio")
    assert caught.value.message


@pytest.mark.parametrize("other", [None, 5, 1.5, True, ["1"], {"a": 1}, b"1"])
def test_parse_decimal_refuses_what_is_not_text(other):
    with pytest.raises(NumberError) as caught:
        parse_decimal(other)
    assert caught.value.code == "not_a_number"


def test_money_with_three_decimals_is_refused_and_explained():
    with pytest.raises(NumberError) as caught:
        parse_decimal("1,013", places=2)
    assert caught.value.code == "too_many_decimals"
    assert caught.value.message == "Usa hasta 2 decimales. Si son miles, escríbelo sin coma: 1013."


def test_negative_numbers_are_refused_where_they_make_no_sense():
    with pytest.raises(NumberError) as caught:
        parse_decimal("-1", negative=False)
    assert caught.value.code == "negative_number"
    assert str(parse_decimal("-0", negative=False)) == "0"


def test_parse_integer_reads_thousands_and_refuses_decimals():
    assert parse_integer("1.013") == 1013
    assert parse_integer("-3", negative=True) == -3
    with pytest.raises(NumberError) as caught:
        parse_integer("3,0")
    assert caught.value.code == "too_many_decimals"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
@example(Decimal("1013.50"))
@example(Decimal("-0.05"))
@example(Decimal("1013.00"))
def test_what_the_course_prints_is_read_back(value):
    assert parse_decimal(format_decimal(value, 2)) == value


@given(st.integers(min_value=-(10**11), max_value=10**11))
def test_whole_numbers_with_thousands_marks_are_read_back(value):
    assert parse_integer(format_decimal(Decimal(value), 0), negative=True) == value


@given(st.text(max_size=40))
def test_parse_decimal_returns_a_finite_number_in_its_range_or_refuses(text):
    try:
        value = parse_decimal(text)
    except NumberError:
        return
    assert value.is_finite()
    assert abs(value) < 10**12
    assert -value.as_tuple().exponent <= 6


def test_format_decimal_rounds_half_away_from_zero():
    assert format_decimal(Decimal("1012.5"), 0) == "1.013"
    assert format_decimal(Decimal("-0.005"), 2) == "-0,01"


@pytest.mark.parametrize("text", ["300", "0.45", "-1.5", "000"])
def test_parse_plain_decimal_reads(text):
    assert parse_plain_decimal(text) == Decimal(text)


@pytest.mark.parametrize("text", ["", "1,5", "1e5", "NaN", ".5", "5.", "+1", "１", "1\n", None, 5, "1" * 13])
def test_parse_plain_decimal_refuses(text):
    with pytest.raises(NumberError):
        parse_plain_decimal(text)


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, 0.5])
def test_require_proportion_accepts(value):
    assert require_proportion("pre", value) == value


@pytest.mark.parametrize("value", [-0.001, 1.001, float("nan"), float("inf"), True, "0.5", None])
def test_require_proportion_refuses(value):
    with pytest.raises(InvalidScoreError) as caught:
        require_proportion("pre", value)
    assert (caught.value.code, caught.value.field) == ("not_a_proportion", "pre")


@pytest.mark.parametrize(
    ("value", "maximum", "code"),
    [
        (-1, None, "not_a_count"),
        (True, None, "not_a_count"),
        (1.0, None, "not_a_count"),
        (13, 12, "too_large"),
    ],
)
def test_require_count_refuses(value, maximum, code):
    with pytest.raises(InvalidScoreError) as caught:
        require_count("score", value, maximum=maximum)
    assert caught.value.code == code


def test_require_count_accepts_both_ends():
    assert (require_count("score", 0), require_count("score", 12, maximum=12)) == (0, 12)


def test_proportion_of_zero_is_zero_and_of_no_points_is_refused():
    assert (proportion(0, 8), proportion(8, 8), proportion(6, 8)) == (0.0, 1.0, 0.75)
    with pytest.raises(InvalidScoreError):
        proportion(0, 0)
    with pytest.raises(InvalidScoreError):
        proportion(9, 8)
