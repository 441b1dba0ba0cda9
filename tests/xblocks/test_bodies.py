"""Strict reading of request bodies (reliability X03 to X06, T03)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integra_xblocks.bodies import BodyError, parse_body


@dataclass(frozen=True, slots=True)
class Command:
    uuid: UUID
    text: str
    count: int
    flag: bool
    levels: dict[str, int]
    names: list[str]
    free: Any
    note: str | None = None


GOOD = {
    "uuid": "0b5fdb3e-6f0e-4a1c-9d3b-1f2e3d4c5b6a",
    "text": "Año: «1.013,5» 👨‍👩‍👧",
    "count": 3,
    "flag": True,
    "levels": {"a": 1},
    "names": ["x"],
    "free": {"deep": [1, "two", None]},
}


def parse(**changes: object) -> Command:
    return parse_body(json.dumps({**GOOD, **changes}).encode(), Command)


def test_a_good_body_becomes_the_command() -> None:
    assert parse(note="n") == Command(
        uuid=UUID(GOOD["uuid"]),
        text=GOOD["text"],
        count=3,
        flag=True,
        levels={"a": 1},
        names=["x"],
        free={"deep": [1, "two", None]},
        note="n",
    )
    assert parse().note is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"NaN", "not_a_number"),
        (b'{"count": Infinity}', "not_a_number"),
        (b'{"count": 1e999}', "not_a_number"),
        (b'{"count": ' + b"9" * 5000 + b"}", "not_a_number"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b"[" * 60_000, "not_json"),
        (b'{"free": ' + b"[" * 50 + b"]" * 50 + b"}", "too_deep"),
        (b'{"text": "' + b"a" * 70_000 + b'"}', "body_too_large"),
        (b'{"text": "' + b"a" * 10_001 + b'"}', "too_long"),
        (b'{"text": "a\\u0000b"}', "unwanted_character"),
        (b'{"text": "\\ud800"}', "unwanted_character"),
        (b'{"free": {"\\ufffe": 1}}', "unwanted_character"),
    ],
)
def test_what_is_not_an_object_of_ours_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BodyError) as refused:
        parse_body(body, Command)
    assert refused.value.code == code
    assert 400 <= refused.value.status < 500


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"score": 8}, "unknown_field", "score"),
        ({"__proto__": {}}, "unknown_field", "__proto__"),
        ({"uuid": "{0b5fdb3e-6f0e-4a1c-9d3b-1f2e3d4c5b6a}"}, "not_a_uuid", "uuid"),
        ({"uuid": GOOD["uuid"].upper()}, "not_a_uuid", "uuid"),
        ({"uuid": 5}, "not_a_uuid", "uuid"),
        ({"count": True}, "wrong_type", "count"),
        ({"count": "3"}, "wrong_type", "count"),
        ({"count": 3.0}, "wrong_type", "count"),
        ({"flag": 1}, "wrong_type", "flag"),
        ({"text": None}, "wrong_type", "text"),
        ({"levels": {"a": "1"}}, "wrong_type", "levels.a"),
        ({"levels": []}, "wrong_type", "levels"),
        ({"names": ["x", 2]}, "wrong_type", "names[1]"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(BodyError) as refused:
        parse(**changes)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_field_is_refused_by_name(name: str) -> None:
    rest = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BodyError) as refused:
        parse_body(json.dumps(rest).encode(), Command)
    assert (refused.value.code, refused.value.field) == ("missing_field", name)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from([*GOOD, "x"]), json_values).map(
        lambda value: json.dumps({**GOOD, **value}).encode()
    )
)
@example(b'{"uuid": ')
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_command_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(parse_body(body, Command), Command)
    except BodyError as refused:
        assert refused.code
        assert 400 <= refused.status < 500
