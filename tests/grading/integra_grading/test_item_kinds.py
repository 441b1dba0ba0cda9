"""Multiple choice, orders, matchings and grids: what they accept, what counts, what is said."""

import copy
import json
import xml.etree.ElementTree as ET
from itertools import combinations, permutations

import lxml.etree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.errors import ItemError, ResponseError
from integra_grading.item_view import show_item
from integra_grading.items import (
    Item,
    ItemScore,
    feedback_for,
    item_digest,
    list_errors,
    parse_response,
    presentation,
    score_response,
    solve,
)
from integra_grading.olx import read_item, write_item

COMMON = {"outcome": "6.1", "level": "aplicar", "stem": "<p>¿Qué haces?</p>"}
WHOLE = {"correct": "Eso es.", "wrong": "Mira otra vez."}

MULTIPLE = {
    "key": "fijos",
    "kind": "multiple",
    **COMMON,
    "options": [
        {"key": "a", "text": "Arriendo", "correct": True},
        {
            "key": "b",
            "text": "Harina",
            "error": "toma_variable_por_fijo",
            "feedback": "La harina sube con cada pan.",
        },
        {"key": "c", "text": "Tu pago", "correct": True},
        {"key": "d", "text": "Fundas", "error": "toma_variable_por_fijo"},
    ],
    "feedback": WHOLE,
}
SINGLE = {
    "key": "fijo",
    "kind": "single",
    **COMMON,
    "options": [
        {"key": "a", "text": "Arriendo", "correct": True, "feedback": "Eso es."},
        {"key": "b", "text": "Harina", "error": "toma_variable_por_fijo", "feedback": "Sube con cada pan."},
    ],
}
ORDERING = {
    "key": "pasos",
    "kind": "ordering",
    **COMMON,
    "options": [
        {"key": "a", "text": "Suma los fijos"},
        {"key": "b", "text": "Calcula el margen", "feedback": "El margen va antes de dividir."},
        {"key": "c", "text": "Divide"},
    ],
    "feedback": WHOLE,
}
MATCHING = {
    "key": "parejas",
    "kind": "matching",
    **COMMON,
    "options": [
        {"key": "arriendo", "text": "Arriendo", "target": "fijo"},
        {
            "key": "harina",
            "text": "Harina",
            "target": "variable",
            "error": "toma_variable_por_fijo",
            "feedback": "Sube.",
        },
        {"key": "luz", "text": "Luz del local", "target": "fijo", "error": "toma_fijo_por_variable"},
    ],
    "targets": [{"key": "fijo", "text": "Costo fijo"}, {"key": "variable", "text": "Costo variable"}],
    "feedback": WHOLE,
}
GRID = {
    "key": "hoja",
    "kind": "grid",
    **COMMON,
    "columns": [{"key": "precio", "text": "Precio"}, {"key": "margen", "text": "Margen"}],
    "rows": [
        {
            "key": "pan",
            "label": "Pan",
            "cells": [
                {"column": "precio", "text": "$0,20"},
                {
                    "column": "margen",
                    "answer": {
                        "value": "0.08",
                        "absolute": "0.005",
                        "unit": "USD",
                        "slips": [
                            {"value": "0.2", "error": "olvida_el_costo", "feedback": "Resta el costo."}
                        ],
                    },
                },
            ],
        },
        {
            "key": "jugo",
            "label": "Jugo",
            "cells": [
                {"column": "precio", "text": "$1,00"},
                {"column": "margen", "answer": {"value": "100", "relative": "0.05"}},
            ],
        },
    ],
    "feedback": WHOLE,
}
NUMERIC = {
    "key": "punto",
    "kind": "numeric",
    **COMMON,
    "answer": {
        "value": "300",
        "relative": "0.01",
        "unit": "jugos",
        "slips": [
            {"value": "120", "error": "divide_para_precio", "feedback": "Divide para el margen."},
            {"value": "122", "error": "otro"},
        ],
    },
    "feedback": WHOLE,
}
ALL = {raw["kind"]: raw for raw in (SINGLE, MULTIPLE, ORDERING, MATCHING, GRID, NUMERIC)}
RIGHT = {
    "single": {"option": "a"},
    "multiple": {"options": ["c", "a"]},
    "ordering": {"order": ["a", "b", "c"]},
    "matching": {"pairs": {"arriendo": "fijo", "harina": "variable", "luz": "fijo"}},
    "grid": {"cells": {"pan/margen": "$ 0,08", "jugo/margen": "95"}},
    "numeric": {"number": "303"},
}


def _answer(raw, response):
    item = Item.from_dict(raw)
    return item, parse_response(item, response, allow_unknown=False)


@pytest.mark.parametrize("kind", ALL)
def test_item_comes_back_from_json_and_xml(kind):
    item = Item.from_dict(ALL[kind])
    assert item.to_dict() == ALL[kind]
    for library in (ET, lxml.etree):
        parent = library.Element("x")
        write_item(parent, item, library.SubElement)
        again = read_item(library.fromstring(library.tostring(parent, encoding="unicode"))[0])
        assert again == item
        assert item_digest(again) == item_digest(item)


@pytest.mark.parametrize("kind", ALL)
def test_the_right_response_is_a_point_and_confirmed(kind):
    item, response = _answer(ALL[kind], RIGHT[kind])
    assert score_response(item, response) == ItemScore(1, 1)
    assert feedback_for(item, response) == "Eso es."
    assert list_errors(item, response) == ()
    assert parse_response(item, response.to_dict(), allow_unknown=False) == response


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind != "single"])
def test_without_words_of_its_own_an_item_says_nothing(kind):
    raw = copy.deepcopy(ALL[kind])
    del raw["feedback"]
    item, response = _answer(raw, RIGHT[kind])
    assert feedback_for(item, response) == ""


@pytest.mark.parametrize(
    ("kind", "response", "said", "errors"),
    [
        ("single", {"option": "b"}, "Sube con cada pan.", ("toma_variable_por_fijo",)),
        ("multiple", {"options": ["a"]}, "Mira otra vez.", ()),
        (
            "multiple",
            {"options": ["a", "b", "c"]},
            "La harina sube con cada pan.",
            ("toma_variable_por_fijo",),
        ),
        ("multiple", {"options": ["d"]}, "Mira otra vez.", ("toma_variable_por_fijo",)),
        ("ordering", {"order": ["a", "c", "b"]}, "El margen va antes de dividir.", ()),
        ("ordering", {"order": ["c", "b", "a"]}, "Mira otra vez.", ()),
        ("matching", {"pairs": {"arriendo": "fijo"}}, "Mira otra vez.", ()),
        (
            "matching",
            {"pairs": {"arriendo": "fijo", "harina": "fijo", "luz": "variable"}},
            "Sube.",
            ("toma_variable_por_fijo", "toma_fijo_por_variable"),
        ),
        ("grid", {"cells": {"pan/margen": "0,2"}}, "Resta el costo.", ("olvida_el_costo",)),
        ("grid", {"cells": {"pan/margen": "0,08"}}, "Mira otra vez.", ()),
        ("grid", {"cells": {"pan/margen": "0,08", "jugo/margen": "94,9"}}, "Mira otra vez.", ()),
        ("numeric", {"number": "120,5"}, "Divide para el margen.", ("divide_para_precio",)),
        ("numeric", {"number": "122"}, "Mira otra vez.", ("otro",)),
        ("numeric", {"number": "304"}, "Mira otra vez.", ()),
    ],
)
def test_a_wrong_response_hears_what_its_error_is(kind, response, said, errors):
    item, parsed = _answer(ALL[kind], response)
    assert score_response(item, parsed) == ItemScore(0, 1)
    assert feedback_for(item, parsed) == said
    assert list_errors(item, parsed) == errors


@pytest.mark.parametrize("kind", ALL)
def test_not_knowing_has_neither_points_nor_errors(kind):
    item = Item.from_dict(ALL[kind])
    response = parse_response(item, {"option": "no_lo_se"}, allow_unknown=True)
    assert score_response(item, response) == ItemScore(0, 1)
    assert (feedback_for(item, response), list_errors(item, response)) == ("", ())


@pytest.mark.parametrize(
    ("kind", "response", "code"),
    [
        ("multiple", {"options": []}, "not_a_response"),
        ("multiple", {"options": "a"}, "not_a_response"),
        ("multiple", {"options": [1]}, "not_a_response"),
        ("multiple", {"options": ["a", "a"]}, "not_a_response"),
        ("multiple", {"options": ["z"]}, "unknown_option"),
        ("multiple", {"option": "a"}, "not_a_response"),
        ("ordering", {"order": ["a", "b"]}, "not_a_response"),
        ("ordering", {"order": ["a", "b", "b"]}, "not_a_response"),
        ("ordering", {"order": ["a", "b", "z"]}, "unknown_option"),
        ("ordering", {"order": {"a": 1}}, "not_a_response"),
        ("matching", {"pairs": {}}, "not_a_response"),
        ("matching", {"pairs": {"arriendo": 1}}, "not_a_response"),
        ("matching", {"pairs": {"arriendo": "harina"}}, "unknown_option"),
        ("matching", {"pairs": {"fijo": "fijo"}}, "unknown_option"),
        ("grid", {"cells": {"pan/precio": "1"}}, "unknown_cell"),
        ("grid", {"cells": {"pan/margen": "uno"}}, "not_a_number"),
        ("grid", {"cells": {"pan/margen": ""}}, "empty_number"),
        ("grid", {"cells": ["1"]}, "not_a_response"),
    ],
)
def test_what_is_no_response_is_refused(kind, response, code):
    with pytest.raises(ResponseError) as caught:
        _answer(ALL[kind], response)
    assert caught.value.code == code
    assert caught.value.message


def _bend(raw, path, value):
    bent = copy.deepcopy(raw)
    *parents, last = path
    target = bent
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return bent


@pytest.mark.parametrize(
    ("kind", "path", "value", "code"),
    [
        ("multiple", ("options",), MULTIPLE["options"][:2], "too_few_options"),
        ("multiple", ("options",), [{"key": k, "text": k} for k in "abc"], "none_correct"),
        ("multiple", ("targets",), MATCHING["targets"], "wrong_parts"),
        ("multiple", ("options", 0, "target"), "fijo", "wrong_parts"),
        ("ordering", ("options", 0, "correct"), True, "wrong_parts"),
        ("ordering", ("options", 0, "error"), "x", "wrong_parts"),
        ("ordering", ("options",), ORDERING["options"][:2], "too_few_options"),
        ("matching", ("options", 0, "target"), ..., "unknown_target"),
        ("matching", ("options", 0, "correct"), True, "wrong_parts"),
        ("matching", ("options",), MATCHING["options"][:1], "too_few_options"),
        ("matching", ("targets",), MATCHING["targets"][:1], "too_few_targets"),
        ("matching", ("targets", 0, "key"), "harina", "duplicate_key"),
        ("grid", ("rows", 0, "cells", 0, "text"), ..., "wrong_parts"),
        ("grid", ("rows", 0, "cells", 0, "answer"), {"value": "1"}, "wrong_parts"),
        ("grid", ("rows", 0, "cells", 1, "column"), "costo", "unknown_column"),
        ("grid", ("rows", 0, "cells", 1, "column"), "precio", "duplicate_key"),
        (
            "grid",
            ("rows",),
            [{"key": "r", "label": "R", "cells": [{"column": "precio", "text": "1"}]}],
            "nothing_asked",
        ),
        ("grid", ("rows", 1, "key"), "pan", "duplicate_key"),
        ("numeric", ("answer", "relative"), "1.5", "out_of_range"),
        ("numeric", ("answer", "slips", 0, "value"), "299", "slip_is_right"),
        ("numeric", ("answer", "slips", 0, "value"), "122", "duplicate_slip"),
    ],
)
def test_an_item_that_does_not_fit_together_is_refused(kind, path, value, code):
    with pytest.raises(ItemError) as caught:
        Item.from_dict(_bend(ALL[kind], path, value))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<row key='r'><cell column='c'><x/></cell></row>", "unknown_element"),
        ("<row key='r'><x/></row>", "unknown_element"),
        ("<answer value='1'><x/></answer>", "unknown_element"),
        ("<target key='a' x='1'>A</target>", "unknown_attribute"),
    ],
)
def test_unknown_xml_is_refused(xml, code):
    text = f"<item key='q' kind='grid' outcome='1.1' level='aplicar'><stem>¿?</stem>{xml}</item>"
    with pytest.raises(ItemError) as caught:
        read_item(lxml.etree.fromstring(text))
    assert caught.value.code == code


# Properties


@pytest.mark.parametrize("kind", ALL)
def test_the_solution_is_a_response_that_counts(kind):
    item = Item.from_dict(ALL[kind])
    assert score_response(item, parse_response(item, solve(item), allow_unknown=False)).points == 1


@given(st.decimals(min_value=-10_000, max_value=10_000, places=4))
def test_the_solution_of_a_number_is_typed_as_people_type_it(value):
    item = Item.from_dict({**NUMERIC, "answer": {"value": f"{value:f}", "absolute": "0"}})
    assert score_response(item, parse_response(item, solve(item), allow_unknown=False)).points == 1


@given(st.text(max_size=20))
def test_steps_are_never_shown_in_the_right_order(seed):
    shown = presentation(Item.from_dict(ORDERING), seed)
    assert sorted(shown) == ["a", "b", "c"]
    assert shown != ("a", "b", "c")


@given(st.text(max_size=20))
def test_rows_and_targets_are_mixed_apart(seed):
    shown = presentation(Item.from_dict(MATCHING), seed)
    assert sorted(shown[:3]) == ["arriendo", "harina", "luz"]
    assert sorted(shown[3:]) == ["fijo", "variable"]


def test_exactly_one_set_of_marks_and_one_order_are_right():
    item = Item.from_dict(MULTIPLE)
    sets = [list(marks) for size in range(1, 5) for marks in combinations("abcd", size)]
    right = [s for s in sets if score_response(item, parse_response(item, {"options": s}, False)).points]
    assert right == [["a", "c"]]
    item = Item.from_dict(ORDERING)
    orders = [list(order) for order in permutations("abc")]
    assert [o for o in orders if score_response(item, parse_response(item, {"order": o}, False)).points] == [
        ["a", "b", "c"]
    ]


@given(
    st.dictionaries(
        st.sampled_from(["arriendo", "harina", "luz"]), st.sampled_from(["fijo", "variable"]), min_size=1
    )
)
def test_mending_one_row_never_lowers_the_result(pairs):
    item = Item.from_dict(MATCHING)
    before = score_response(item, parse_response(item, {"pairs": pairs}, False)).points
    for option in item.options:
        mended = {**pairs, option.key: option.target}
        assert score_response(item, parse_response(item, {"pairs": mended}, False)).points >= before


# What a page may get


def test_a_shown_grid_has_a_cell_per_column_and_names_what_is_asked():
    raw = copy.deepcopy(GRID)
    del raw["rows"][1]["cells"][0]
    shown = show_item(Item.from_dict(raw), ())
    assert [
        [(cell.key, cell.text, cell.unit, cell.is_asked) for cell in row.cells] for row in shown.rows
    ] == [
        [("pan/precio", "$0,20", "", False), ("pan/margen", "", "USD", True)],
        [("", "", "", False), ("jugo/margen", "", "", True)],
    ]


@pytest.mark.parametrize("kind", ALL)
@given(seed=st.text(max_size=10))
def test_what_is_shown_tells_nothing_of_the_key(kind, seed):
    item = Item.from_dict(ALL[kind])
    order = presentation(item, seed)
    bare = json.dumps(ALL[kind])
    for secret in ("Mira otra vez.", "Eso es.", "toma_", "divide_para", "olvida_"):
        bare = bare.replace(secret, "x")
    other = json.loads(bare)
    for option in other.get("options", ()):
        if kind in ("single", "multiple"):
            option["correct"] = (
                not option.get("correct", False) if kind == "multiple" else option["key"] == "b"
            )
            option.pop("error", None)
        if kind == "matching":
            option["target"] = "variable"
    if kind == "numeric":
        other["answer"] = {"value": "7", "unit": "jugos"}
    if kind == "grid":
        other["rows"][0]["cells"][1]["answer"] = {"value": "7", "unit": "USD"}
    if kind == "ordering":
        other["options"].reverse()
    assert show_item(Item.from_dict(other), order) == show_item(item, order)
