"""The closed grammar of formulas, against an oracle in fractions."""

import json
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integra_grading.arithmetic import (
    MAX_DEPTH,
    calculate,
    columns_of,
    holds,
    names_of,
    parse_comparison,
    parse_formula,
)
from integra_grading.errors import FormulaError

COLUMNS = {("fijos", "monto"): (Decimal("60"), Decimal("24"), Decimal("12"), Decimal("9"), Decimal("300"))}
VALUES = {"precio": Decimal("1.00"), "costo": Decimal("0.55"), "nada": None, "cero": Decimal(0)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("8 - 3 - 2", "3"),
        ("24 / 4 / 3", "2"),
        ("-2 * -3", "6"),
        ("--2", "2"),
        ("2*-3+1", "-5"),
        ("0.1 + 0.2", "0.3"),
        ("suma(fijos.monto)", "405"),
        ("precio - costo", "0.45"),
        ("techo(suma(fijos.monto) / (precio - costo))", "900"),
        ("techo(405 / 0.4)", "1013"),
        ("techo(1 / 3 * 3)", "1"),
        ("techo(10 / (1 / 3))", "30"),
        ("techo(-1.5)", "-1"),
        ("techo(2.0000000001)", None),
        ("redondea(48.5 / 29, 2)", "1.67"),
        ("redondea(2.5, 0)", "3"),
        ("redondea(1 / 3, 6)", "0.333333"),
        ("redondea(-2.5, 0)", "-3"),
        ("suma(otros.monto)", "0"),
        (" ( precio ) ", "1"),
    ],
)
def test_calculate(text, value):
    if value is None:  # more than six decimals are no number of this grammar
        with pytest.raises(FormulaError):
            parse_formula(text)
    else:
        assert calculate(parse_formula(text), VALUES, COLUMNS) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "0 / 0",
        "precio / cero",
        "precio + nada",
        "sin_escribir * 2",
        "techo(1 / cero)",
        "nada * cero",
    ],
)
def test_what_cannot_be_known_is_none(text):
    assert calculate(parse_formula(text), VALUES, COLUMNS) is None


def test_results_without_an_end_are_none():
    huge = {"a": Decimal("1e999998")}
    assert calculate(parse_formula("a * a"), huge, {}) is None
    assert calculate(parse_formula("redondea(a, 2)"), huge, {}) is None
    assert calculate(parse_formula("a"), {"a": Decimal("NaN")}, {}) is None


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("precio > 0", True),
        ("precio > 1", False),
        ("precio >= 1", True),
        ("precio < 1", False),
        ("precio <= 1", True),
        ("precio = 1.0", True),
        ("precio != 1", False),
        ("1 < precio - costo", False),
        ("nada > 0", None),
        ("0 < 1 / cero", None),
    ],
)
def test_holds(text, outcome):
    assert holds(parse_comparison(text), VALUES, COLUMNS) is outcome


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("1 +", 4),
        ("1 + + ", 5),
        ("* 2", 1),
        ("(1", 3),
        ("1)", 2),
        ("1 2", 3),
        ("a b", 3),
        ("1,5", 2),
        ("1e5", 1),
        ("1.", 1),
        (".5", 1),
        ("0x10", 1),
        ("a.b", 2),
        ("suma", 5),
        ("techo + 1", 7),
        ("suma()", 6),
        ("suma(a)", 7),
        ("suma(a.b, c)", 9),
        ("techo()", 7),
        ("techo(1, 2)", 8),
        ("redondea(1)", 11),
        ("redondea(1, a)", 13),
        ("a > 1", 3),
        ("a ** 2", 4),
        ("a // 2", 4),
        ("a % 2", 3),
        ("__import__('os')", 1),
        ("a[0]", 2),
        ("Á", 1),
        ("１", 1),
        ("a\x00", 2),
        ("a\n+1", 2),
    ],
)
def test_what_is_outside_the_grammar_is_refused_with_its_position(text, position):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    assert caught.value.code == "bad_formula"
    assert caught.value.message.endswith(f"character {position}.")


@pytest.mark.parametrize("text", ["a", "a >", "> a", "a > b > c", "a => b", "a == b"])
def test_comparison_is_exactly_one(text):
    with pytest.raises(FormulaError) as caught:
        parse_comparison(text)
    assert caught.value.code == "bad_formula"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "wrong_type"),
        (["a"], "wrong_type"),
        ("1" + "+1" * 100, "formula_too_long"),
        ("(" * 200, "formula_too_deep"),
        ("-" * 150 + "1", "formula_too_deep"),
        ("techo(" * 30 + "1" + ")" * 30, "formula_too_long"),
        ("eval(a)", "unknown_function"),
        ("max(a)", "unknown_function"),
        ("redondea(a, 7)", "bad_formula"),
        ("redondea(a, 1.0)", "bad_formula"),
    ],
)
def test_other_refusals(text, code):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    assert caught.value.code == code


def test_the_deepest_formula_allowed_is_calculated():
    for text in ("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH, "-" * MAX_DEPTH + "1"):
        assert calculate(parse_formula(text), {}, {}) == 1
        with pytest.raises(FormulaError) as caught:
            parse_formula(f"-({text})")
        assert caught.value.code == "formula_too_deep"


def test_to_json_is_nested_arrays_of_text_and_integers():
    node = parse_formula("techo(suma(fijos.monto) / -(precio - 0.50)) + redondea(a * 2, 1)")
    expected = [
        "+",
        ["techo", ["/", ["suma", "fijos", "monto"], ["neg", ["-", ["name", "precio"], ["number", "0.50"]]]]],
        ["redondea", ["*", ["name", "a"], ["number", "2"]], 1],
    ]
    assert node.to_json() == expected
    assert json.loads(json.dumps(node.to_json())) == expected
    assert parse_comparison("a >= 0").to_json() == [">=", ["name", "a"], ["number", "0"]]


def test_names_and_columns_of_a_formula():
    text = "techo(-a / (b + suma(t.c))) * redondea(d, 1) + 2"
    assert names_of(parse_formula(text)) == {"a", "b", "d"}
    assert columns_of(parse_formula(text)) == {("t", "c")}
    assert names_of(parse_comparison("a > suma(t.c)")) == {"a"}
    assert columns_of(parse_comparison("a > suma(t.c)")) == {("t", "c")}


# Against exact fractions: a formula is drawn together with its value.

LEAVES = st.decimals(min_value=0, max_value=10_000, places=2).map(lambda d: (f"{d:f}", Fraction(d)))


def _combine(children):
    def binary(pair):
        (left, x), operator, (right, y) = pair
        if operator == "/" and y == 0:
            return (f"({left} / 1)", x)
        value = {"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else x}[operator]
        return (f"({left} {operator} {right})", value)

    return st.tuples(children, st.sampled_from("+-*/"), children).map(binary) | children.map(
        lambda child: (f"(-{child[0]})", -child[1])
    )


FORMULAS = st.recursive(LEAVES, _combine, max_leaves=8)


@given(FORMULAS)
def test_calculate_agrees_with_exact_fractions(case):
    text, exact = case
    assume(len(text) <= 200)
    value = calculate(parse_formula(text), {}, {})
    assert value is not None
    scale = max(abs(exact), 1)
    assert abs(Fraction(value) - exact) <= scale * Fraction(1, 10**15) or exact == 0


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_ceiling_of_a_quotient_is_exact(numerator, denominator):
    assert calculate(parse_formula(f"techo({numerator} / {denominator})"), {}, {}) == ceil(
        Fraction(numerator, denominator)
    )


@given(st.text(alphabet="abc01.,()+-*/<>=! sumatecho_\x00ñ", max_size=60))
def test_any_text_is_parsed_or_refused(text):
    for parse in (parse_formula, parse_comparison):
        try:
            node = parse(text)
        except FormulaError:
            continue
        assert isinstance(node.to_json(), list)
