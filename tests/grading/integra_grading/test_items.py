"""Items, responses, and their XML."""

import copy
import xml.etree.ElementTree as ET

import lxml.etree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.errors import ItemError, ResponseError
from integra_grading.items import (
    Item,
    ItemKind,
    ItemScore,
    NumericAnswer,
    Option,
    bank_digest,
    feedback_for,
    item_digest,
    parse_response,
    presentation,
    score_response,
)
from integra_grading.olx import read_item, write_item


@pytest.fixture
def single(raw_single):
    return Item.from_dict(raw_single)


@pytest.fixture
def numeric(raw_numeric):
    return Item.from_dict(raw_numeric)


def test_item_comes_back_from_its_json(raw_single, raw_numeric):
    assert Item.from_dict(raw_single).to_dict() == raw_single
    assert Item.from_dict(raw_numeric).to_dict() == raw_numeric


def test_absent_and_default_have_one_form(raw_single):
    spelled_out = copy.deepcopy(raw_single)
    spelled_out["options"][0]["correct"] = False
    assert item_digest(Item.from_dict(spelled_out)) == item_digest(Item.from_dict(raw_single))


def test_author_html_may_have_lines(raw_single):
    raw_single["stem"] = "<p>Uno.</p>\n<p>Dos.</p>"
    raw_single["options"][0]["feedback"] = "Uno.\nDos."
    assert Item.from_dict(raw_single).to_dict() == raw_single


def test_digest_changes_with_the_answer_key(raw_single):
    before = item_digest(Item.from_dict(raw_single))
    raw_single["options"][1].pop("correct")
    raw_single["options"][0]["correct"] = True
    assert item_digest(Item.from_dict(raw_single)) != before


def test_bank_digest_ignores_order():
    pairs = [("a", "1"), ("b", "2")]
    assert bank_digest(pairs) == bank_digest(reversed(pairs))
    assert bank_digest(pairs) != bank_digest([("a", "2"), ("b", "1")])


def _bent(raw, path, value):
    *parents, last = path
    target = raw
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "code", "field"),
    [
        (("key",), "con espacio", "wrong_form", "key"),
        (("key",), "a\n", "bad_character", "key"),
        (("key",), ..., "missing_key", "key"),
        (("kind",), "essay", "unknown_value", "kind"),
        (("kind",), 1, "wrong_type", "kind"),
        (("stem",), "a\x00b", "bad_character", "stem"),
        (("stem",), "\ud800", "bad_character", "stem"),
        (("stem",), "", "wrong_length", "stem"),
        (("points",), 5, "unknown_key", "points"),
        (("__proto__",), {}, "unknown_key", "__proto__"),
        (("options",), {}, "wrong_type", "options"),
        (("options", 0), [], "not_an_object", "options[0]"),
        (("options", 0, "correct"), 1, "wrong_type", "options[0].correct"),
        (("options", 0, "key"), "b", "duplicate_key", "options"),
        (("options", 0, "key"), "no_lo_se", "reserved_key", "options"),
        (("options", 0, "correct"), True, "not_one_correct", "options"),
        (("options", 1, "correct"), ..., "not_one_correct", "options"),
        (("options",), [], "too_few_options", "options"),
        (("answer",), {"value": "1", "absolute": "0"}, "wrong_parts", "answer"),
        (("feedback",), {"wrong": "x"}, "wrong_parts", "feedback"),
        (("options", 0, "target"), "a", "wrong_parts", "options.a.target"),
    ],
)
def test_single_item_is_refused(raw_single, path, value, code, field):
    with pytest.raises(ItemError) as caught:
        Item.from_dict(_bent(raw_single, path, value))
    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize(
    ("path", "value", "code", "field"),
    [
        (("answer",), ..., "wrong_parts", "answer"),
        (("options",), [{"key": "a", "text": "x"}], "wrong_parts", "options"),
        (("answer", "value"), 0.45, "not_a_number", "answer.value"),
        (("answer", "value"), "NaN", "not_a_number", "answer.value"),
        (("answer", "absolute"), "-0.01", "out_of_range", "answer.absolute"),
        (("feedback", "when"), "x", "unknown_key", "feedback.when"),
    ],
)
def test_numeric_item_is_refused(raw_numeric, path, value, code, field):
    with pytest.raises(ItemError) as caught:
        Item.from_dict(_bent(raw_numeric, path, value))
    assert (caught.value.code, caught.value.field) == (code, field)


# Responses


@pytest.mark.parametrize(("option", "points"), [("a", 0), ("b", 1), ("c", 0)])
def test_single_response_is_scored_and_answered(single, option, points):
    response = parse_response(single, {"option": option}, allow_unknown=False)
    assert response.to_dict() == {"option": option}
    assert score_response(single, response) == ItemScore(points, 1)
    assert feedback_for(single, response) == next(o.feedback for o in single.options if o.key == option)


@pytest.mark.parametrize(
    ("typed", "points"),
    [
        ("0,45", 1),
        ("$ 0.45", 1),
        ("0,44", 1),
        ("0,46", 1),
        ("0,439", 0),
        ("0,461", 0),
        ("-0,45", 0),
        ("45", 0),
    ],
)
def test_numeric_response_is_right_within_its_distance(numeric, typed, points):
    response = parse_response(numeric, {"number": typed}, allow_unknown=False)
    assert response.to_dict() == {"number": typed}
    assert score_response(numeric, response) == ItemScore(points, 1)
    assert feedback_for(numeric, response) == (numeric.feedback.correct if points else numeric.feedback.wrong)


def test_numeric_item_without_feedback_says_nothing(raw_numeric):
    del raw_numeric["feedback"]
    item = Item.from_dict(raw_numeric)
    assert feedback_for(item, parse_response(item, {"number": "1"}, allow_unknown=False)) == ""


@pytest.mark.parametrize("name", ["single", "numeric"])
def test_saying_i_do_not_know_earns_nothing_and_is_offered_in_the_pre_test_only(name, request):
    item = request.getfixturevalue(name)
    response = parse_response(item, {"option": "no_lo_se"}, allow_unknown=True)
    assert response.is_unknown
    assert response.to_dict() == {"option": "no_lo_se"}
    assert score_response(item, response) == ItemScore(0, 1)
    assert feedback_for(item, response) == ""
    with pytest.raises(ResponseError) as caught:
        parse_response(item, {"option": "no_lo_se"}, allow_unknown=False)
    assert caught.value.code == "unknown_not_allowed"


def test_no_response_earns_nothing(single):
    assert score_response(single, None) == ItemScore(0, 1)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "not_a_response"),
        ([], "not_a_response"),
        ({}, "not_a_response"),
        ("a", "not_a_response"),
        ({"option": "b", "points": 1}, "not_a_response"),
        ({"option": "b", "is_correct": True}, "not_a_response"),
        ({"option": ["b"]}, "not_a_response"),
        ({"option": None}, "not_a_response"),
        ({"number": "300"}, "not_a_response"),
        ({"option": "z"}, "unknown_option"),
        ({"option": "b\x00"}, "unknown_option"),
        ({"option": ""}, "unknown_option"),
    ],
)
def test_single_response_is_refused(single, raw, code):
    with pytest.raises(ResponseError) as caught:
        parse_response(single, raw, allow_unknown=False)
    assert caught.value.code == code
    assert caught.value.message


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"option": "a"}, "not_a_response"),
        ({"number": 0.45}, "not_a_response"),
        ({"number": float("nan")}, "not_a_response"),
        ({"number": "nan"}, "not_a_number"),
        ({"number": "1e999"}, "not_a_number"),
        ({"number": ""}, "empty_number"),
        ({"number": "9" * 10_001}, "too_long"),
    ],
)
def test_numeric_response_is_refused(numeric, raw, code):
    with pytest.raises(ResponseError) as caught:
        parse_response(numeric, raw, allow_unknown=False)
    assert caught.value.code == code


def test_a_response_of_another_item_is_refused(single, numeric):
    with pytest.raises(ResponseError):
        score_response(single, parse_response(numeric, {"number": "1"}, allow_unknown=False))
    with pytest.raises(ResponseError):
        score_response(numeric, parse_response(single, {"option": "a"}, allow_unknown=False))


# Presentation


def _with_texts(*texts):
    options = tuple(
        Option(key=chr(97 + index), text=text, is_correct=index == 0) for index, text in enumerate(texts)
    )
    return Item(key="q", kind=ItemKind.SINGLE, outcome="6.3", level="aplicar", stem="¿?", options=options)


@pytest.mark.parametrize(
    "texts",
    [
        ("180", "300", "450"),
        ("810 empanadas", "900 empanadas", "1.013 empanadas"),
        ("<p>2,75 dólares</p>", "<p>6,88&nbsp;dólares</p>", "<p>11,00 dólares</p>"),
        ("$ 0,50.", "$ 1,50."),
    ],
)
def test_ascending_numbers_keep_their_order(texts):
    item = _with_texts(*texts)
    assert {presentation(item, str(seed)) for seed in range(20)} == {tuple("abcd"[: len(texts)])}


@pytest.mark.parametrize(
    "texts",
    [
        ("El puesto", "La funda", "El plan"),
        ("300", "180", "450"),
        ("1", "2", "Nada"),
        ("1.2.3.4", "5", "6"),
        ("3", "3,0", "4"),
    ],
)
def test_other_options_are_mixed_by_seed(texts):
    item = _with_texts(*texts)
    orders = {presentation(item, str(seed)) for seed in range(100)}
    assert len(orders) == 6
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert presentation(item, "7") == presentation(item, "7")


def test_numeric_items_have_nothing_to_order(numeric):
    assert presentation(numeric, "x") == ()


# XML

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=30,
)
KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True).filter(lambda key: key != "no_lo_se")
MAYBE = st.none() | KEYS
PLACES = {
    "key": KEYS,
    "outcome": KEYS,
    "level": KEYS,
    "stem": TEXT,
    "form": MAYBE,
    "twin": MAYBE,
    "stratum": MAYBE,
}
AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=2)


@st.composite
def items(draw):
    common = {name: draw(strategy) for name, strategy in PLACES.items()}
    if draw(st.booleans()):
        keys = draw(st.lists(KEYS, min_size=2, max_size=5, unique=True))
        right = draw(st.sampled_from(keys))
        options = tuple(
            Option(
                key=key,
                text=draw(TEXT),
                feedback=draw(st.just("") | TEXT),
                is_correct=key == right,
                error=draw(MAYBE),
            )
            for key in keys
        )
        return Item(kind=ItemKind.SINGLE, options=options, **common)
    answer = NumericAnswer(value=draw(AMOUNTS), absolute=draw(AMOUNTS), unit=draw(st.just("") | TEXT))
    return Item(kind=ItemKind.NUMERIC, answer=answer, **common)


@given(items())
def test_item_comes_back_from_xml_of_either_library(item):
    for library in (ET, lxml.etree):
        parent = library.Element("integra_practice")
        write_item(parent, item, library.SubElement)
        again = library.fromstring(library.tostring(parent, encoding="unicode"))
        assert read_item(again[0]) == item


def test_numeric_feedback_travels_in_xml(numeric):
    element = write_item(ET.Element("x"), numeric, ET.SubElement)
    assert [(child.get("when"), child.text) for child in element.findall("feedback")] == [
        ("correct", "1,00 − 0,55."),
        ("wrong", "Resta el costo variable del precio."),
    ]
    assert read_item(element) == numeric


def test_comments_and_cdata_are_read():
    xml = (
        '<item key="q" kind="single" outcome="6.3" level="aplicar"><!-- nota --><stem><![CDATA[<p>¿Sí?</p>]]></stem>'
        '<option key="a" correct="true"><text>Sí</text><feedback>Bien.</feedback></option>'
        '<option key="b" correct="false"><?pi x?><text>No</text></option></item>'
    )
    item = read_item(lxml.etree.fromstring(xml))
    assert item.stem == "<p>¿Sí?</p>"
    assert [option.is_correct for option in item.options] == [True, False]


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<other/>", "wrong_tag"),
        ('<item key="q" points="9"/>', "unknown_attribute"),
        ("<item><video/></item>", "unknown_element"),
        ("<item><stem>a</stem><stem>b</stem></item>", "duplicate_element"),
        ("<item><stem><p>a</p></stem></item>", "markup_not_text"),
        ('<item><option correct="yes"/></item>', "wrong_form"),
        ("<item><option><hint/></option></item>", "unknown_element"),
        ("<item><option><text>a</text><text>b</text></option></item>", "duplicate_element"),
        ('<item><answer value="1" weight="2"/></item>', "unknown_attribute"),
        (
            '<item><feedback when="correct">a</feedback><feedback when="correct">b</feedback></item>',
            "duplicate_element",
        ),
        ("<item/>", "missing_key"),
        ("<item><feedback>a</feedback></item>", "missing_key"),
    ],
)
def test_read_item_refuses(xml, code):
    with pytest.raises(ItemError) as caught:
        read_item(lxml.etree.fromstring(xml))
    assert caught.value.code == code


def test_read_item_refuses_a_comment():
    with pytest.raises(ItemError) as caught:
        read_item(lxml.etree.Comment("x"))
    assert (caught.value.code, caught.value.field) == ("wrong_tag", "")
