"""Whatever arrives, the parsers answer or refuse by their own error."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_grading.arithmetic import parse_comparison, parse_formula
from integra_grading.deliverables import read_definition, read_document, read_draft
from integra_grading.errors import GradingError
from integra_grading.events import EVENT_TYPES, event_digest, parse_data, parse_event
from integra_grading.items import Item, feedback_for, parse_response, score_response
from integra_grading.manifest import parse_manifest
from integra_grading.numbers import parse_decimal, parse_integer, parse_plain_decimal
from integra_grading.pseudonym import read_short_code
from integra_grading.reasons import parse_reason
from integra_grading.rubric import rate

# As json.loads gives them: NaN, infinities, huge integers, lone surrogates and NUL included.
TEXT = st.text(st.characters(), max_size=10) | st.sampled_from(
    ["\x00", "\ud800", "__proto__", "no_lo_se", "1e5"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | TEXT
JSON = st.recursive(
    SCALARS, lambda child: st.lists(child, max_size=4) | st.dictionaries(TEXT, child, max_size=4)
)

DEEP_LIST = json.loads("[" * 900 + "]" * 900)
DEEP_OBJECT = json.loads('{"data":' * 900 + "1" + "}" * 900)
for _ in range(100_000):
    DEEP_LIST = [DEEP_LIST]


def _parsers(item, definition, rubric):
    return {
        "manifest": parse_manifest,
        "event": parse_event,
        "digest": event_digest,
        "data": lambda raw: [parse_data(name, raw) for name in EVENT_TYPES],
        "item": Item.from_dict,
        "response": lambda raw: parse_response(item, raw, True),
        "definition": read_definition,
        "document": lambda raw: read_document(definition, raw),
        "draft": read_draft,
        "levels": lambda raw: rate(rubric, raw),
        "decimal": parse_decimal,
        "integer": parse_integer,
        "plain": parse_plain_decimal,
        "formula": parse_formula,
        "comparison": parse_comparison,
        "reason": parse_reason,
        "short code": read_short_code,
    }


@pytest.fixture
def parsers(raw_single, raw_definition, rubric):
    return _parsers(Item.from_dict(raw_single), read_definition(raw_definition), rubric)


FIXED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@given(JSON)
@settings(FIXED, max_examples=150)
def test_any_json_is_read_or_refused(parsers, raw):
    for parse in parsers.values():
        try:
            parse(raw)
        except GradingError as error:
            assert error.code.replace("_", "").isalpha()
            assert len(str(error)) < 400


@pytest.mark.parametrize(
    "raw",
    [DEEP_LIST, DEEP_OBJECT, {"values": DEEP_OBJECT}, {"values": {"a": DEEP_LIST}}, {"data": DEEP_LIST}],
)
def test_deep_nesting_is_refused(parsers, raw):
    for parse in parsers.values():
        with pytest.raises(GradingError):
            parse(raw)


def _spots(value, path=()):
    """Every place inside a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _spots(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _spots(child, (*path, index))


def _replaced(value, path, new):
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = _replaced(value[path[0]], path[1:], new)
    return value


@given(st.data())
@settings(FIXED, max_examples=150)
@pytest.mark.parametrize(
    ("name", "fixture"),
    [
        ("manifest", "raw_manifest"),
        ("item", "raw_single"),
        ("item", "raw_numeric"),
        ("definition", "raw_definition"),
        ("document", "raw_document"),
        ("draft", "raw_document"),
    ],
)
def test_one_value_replaced_by_any_json_is_read_or_refused(parsers, request, name, fixture, data):
    valid = request.getfixturevalue(fixture)
    parsers[name](valid)
    spot = data.draw(st.sampled_from(list(_spots(valid))))
    bent = _replaced(valid, spot, data.draw(JSON))
    try:
        parsers[name](bent)
    except GradingError as error:
        assert error.code


@given(JSON)
@settings(FIXED)
def test_a_response_that_is_read_is_scored_and_answered(raw_single, raw_numeric, raw):
    for item in (Item.from_dict(raw_single), Item.from_dict(raw_numeric)):
        try:
            response = parse_response(item, raw, allow_unknown=True)
        except GradingError:
            continue
        assert 0 <= score_response(item, response).points <= 1
        assert isinstance(feedback_for(item, response), str)
        assert parse_response(item, response.to_dict(), allow_unknown=True) == response
