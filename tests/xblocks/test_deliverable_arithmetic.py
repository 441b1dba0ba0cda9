"""The page's script and the core calculate alike: the same cases run in both."""

from __future__ import annotations

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_grading.arithmetic import calculate, holds, parse_comparison, parse_formula
from integra_grading.errors import NumberError
from integra_grading.numbers import format_decimal, parse_decimal

RUN = """
const vm = require("node:vm");
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const window = {};
vm.runInNewContext(input.script, { window, BigInt });
const A = window.IntegraArithmetic;
const number = (text) => (text === null ? null : A.parse(text, {}));
const answers = input.cases.map((one) => {
  if (one.kind === "parse") {
    const value = A.parse(one.text, one.options);
    return value === null ? null : A.format(value, 6);
  }
  const values = Object.fromEntries(Object.entries(one.values).map(([key, text]) => [key, number(text)]));
  const columns = { t: { m: one.column.map(number) } };
  if (one.kind === "holds") return A.holds(one.node, values, columns);
  const result = A.calculate(one.node, values, columns);
  return result === null ? null : A.format(result, 6);
});
process.stdout.write(JSON.stringify(answers));
"""

TYPED = [
    "1.013,50", "1,013.50", "1.013", "1,013", "1.013.500", "1.0135", "0.450", "0,45", ",50", "5,", "12..3", "1,2,3",
    "$ 1,50", "USD 3", "usd3", "-3", "−3", "- 3", "", " ", ".", "1e5", "NaN", "١٢", "999999999999", "9999999999999",
    "0001", "1,1234567", "1 000", "0.000", "01.013", "123.456.789,12",
]  # fmt: skip

FORMULAS = [
    ("suma(t.m)", {}, ["0,18", "0,22", "0,10", "0,05"]),
    ("suma(t.m)", {}, []),
    ("techo(a / (b - c))", {"a": "405", "b": "1", "c": "0,55"}, []),
    ("techo(a / (b - c))", {"a": "405", "b": "1", "c": "0,60"}, []),
    ("techo(a / (b - c))", {"a": "405", "b": "0,55", "c": "0,55"}, []),
    ("techo(1 / 3 * 3)", {}, []),
    ("techo(2 / 3 * 30)", {}, []),
    ("techo(-1.5)", {}, []),
    ("redondea(a / 3, 2)", {"a": "10"}, []),
    ("redondea(0.5, 0) + redondea(-0.5, 0)", {}, []),
    ("redondea(2.5, 0)", {}, []),
    ("a - b", {"a": "1", "b": None}, []),
    ("a * b - c", {"a": "999999999999,99", "b": "999999999999,99", "c": "0,01"}, []),
    ("a * a * a", {"a": "999999999999,99"}, []),
    ("a / b", {"a": "1", "b": "7"}, []),
    ("-(a + 1) / 2", {"a": "3"}, []),
]


def run_script(cases: list[dict[str, Any]], package_root: Path) -> list[Any]:
    node = shutil.which("node")
    assert node, "Node 20 or later is needed; make test says how to get it."
    script = (package_root / "public/deliverable/arithmetic.min.js").read_text("utf-8")
    done = subprocess.run(
        [node, "-e", RUN],
        input=json.dumps({"script": script, "cases": cases}),
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


def show(value: Decimal | None) -> str | None:
    return None if value is None else format_decimal(value, 6)


def expect_number(text: str, places: int, negative: bool) -> str | None:
    try:
        return show(parse_decimal(text, places=places, negative=negative))
    except NumberError:
        return None


def make_case(
    formula: str, values: dict[str, str | None], column: list[str]
) -> tuple[dict[str, Any], str | None]:
    node = parse_formula(formula)
    numbers = {key: None if text is None else parse_decimal(text) for key, text in values.items()}
    result = calculate(node, numbers, {("t", "m"): [parse_decimal(text) for text in column]})
    case = {"kind": "formula", "node": node.to_json(), "values": values, "column": column}
    return case, show(result)


@pytest.mark.parametrize(("places", "negative"), [(6, True), (2, False), (0, False)])
def test_typed_numbers_are_read_alike(package_root: Path, places: int, negative: bool) -> None:
    options = {"places": places, "negative": negative}
    cases = [{"kind": "parse", "text": text, "options": options} for text in TYPED]
    expected = [expect_number(text, places, negative) for text in TYPED]

    assert run_script(cases, package_root) == expected
    assert None in expected
    assert any(expected)


def test_formulas_give_the_same(package_root: Path) -> None:
    cases, expected = zip(*(make_case(*each) for each in FORMULAS), strict=True)

    assert run_script(list(cases), package_root) == list(expected)
    assert expected[2] == "900,000000"
    assert expected[3] == "1.013,000000"
    assert expected[4] is None


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "=", "!="])
def test_conditions_hold_alike(package_root: Path, operator: str) -> None:
    condition = parse_comparison(f"a {operator} b * 2")
    pairs = [("1", "0,5"), ("0,99", "0,5"), ("1,01", "0,5"), (None, "1")]
    cases = [
        {"kind": "holds", "node": condition.to_json(), "values": {"a": a, "b": b}, "column": []}
        for a, b in pairs
    ]
    expected = [
        holds(condition, {"a": None if a is None else parse_decimal(a), "b": parse_decimal(b)}, {})
        for a, b in pairs
    ]
    assert run_script(cases, package_root) == expected


numbers = st.sampled_from(
    ["0", "0,1", "1", "3", "7", "0,45", "405", "1.013,50", "999999999999,99", "0,000001"]
)
formulas = st.recursive(
    st.sampled_from(["a", "b", "0.45", "3", "7", "suma(t.m)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda one: f"techo({one})"),
        st.tuples(inner, st.integers(0, 6)).map(lambda p: f"redondea({p[0]}, {p[1]})"),
        inner.map(lambda one: f"-({one})"),
    ),
    max_leaves=8,
).filter(lambda text: len(text) <= 200)


@given(
    st.lists(st.tuples(formulas, numbers, numbers, st.lists(numbers, max_size=4)), min_size=100, max_size=100)
)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_formula_gives_the_same(package_root: Path, drawn: list[Any]) -> None:
    made = [make_case(formula, {"a": a, "b": b}, column) for formula, a, b, column in drawn]
    answers = run_script([case for case, _ in made], package_root)
    assert answers == [expected for _, expected in made]
