"""Strict reading of the JSON body of a handler into a frozen dataclass.

``json.loads`` alone lets NaN, duplicate keys, a list instead of an object and any depth through to the code
behind it. Here all of that is refused with a code, the field and a sentence.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from typing import Any, TypeVar, Union
from uuid import UUID

MAX_BODY_BYTES = 65_536
MAX_TEXT = 10_000
_MAX_DEPTH = 12
_MAX_INTEGER_DIGITS = 15
# Controls other than tab and line ends, lone surrogates and non-characters: no database or page keeps them.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")

Command = TypeVar("Command")


class BodyError(Exception):
    """A request body was refused; ``status`` is the HTTP status that says so.

    ``problems`` holds a dict per thing to mend, where there may be several.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str = "",
        status: int = 400,
        problems: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message
        self.status = status
        self.problems = problems


def parse_body(
    body: bytes, command: type[Command], *, max_bytes: int = MAX_BODY_BYTES, max_text: int = MAX_TEXT
) -> Command:
    """Return ``body`` as an instance of the dataclass ``command``.

    Supported field types: ``str``, ``int``, ``bool``, ``UUID``, ``dict[str, X]``, ``list[X]``, ``Any`` (checked
    for depth and texts only, for values the pure core reads itself) and each of them ``| None``. A field
    without a default must be there; a key that is no field is refused, so that a score or a maximum sent by
    a browser never reaches anything.

    Raises:
        BodyError: with ``code``, ``field`` and a sentence.
    """
    raw = _read_object(body, max_bytes, max_text)
    hints = typing.get_type_hints(command)
    fields = {field.name: field for field in dataclasses.fields(command)}  # type: ignore[arg-type] # a dataclass
    for key in raw:
        if key not in fields:
            raise BodyError("unknown_field", f"Unknown field: {key[:60]!r}.", field=key[:60])
    values = {}
    for name, field in fields.items():
        if name in raw:
            values[name] = _convert(raw[name], hints[name], name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BodyError("missing_field", f"The field {name!r} is missing.", field=name)
    return command(**values)


def _read_object(body: bytes, max_bytes: int, max_text: int) -> dict[str, Any]:
    if len(body) > max_bytes:
        raise BodyError("body_too_large", f"The body is larger than {max_bytes} bytes.", status=413)
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique_pairs,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short_integer,
        )
    except (UnicodeDecodeError, RecursionError) as error:
        raise BodyError("not_json", "The body is not JSON that can be read.") from error
    except json.JSONDecodeError as error:
        raise BodyError("not_json", f"The body is not JSON: {error.msg}.") from error
    if not isinstance(value, dict):
        raise BodyError("not_an_object", "The body must be a JSON object.")
    _check_texts(value, "", 0, max_text)
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise BodyError("duplicate_key", "A key stands twice in the same object.")
    return result


def _refuse_constant(name: str) -> None:
    raise BodyError("not_a_number", f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BodyError("not_a_number", "A number is too large.")
    return value


def _short_integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_DIGITS:
        raise BodyError("not_a_number", "A number has too many digits.")
    return int(text)


def _check_texts(value: Any, path: str, depth: int, max_text: int) -> None:
    if depth > _MAX_DEPTH:
        raise BodyError("too_deep", "The body is nested too deeply.", field=path)
    if isinstance(value, str):
        _check_text(value, path, max_text)
    elif isinstance(value, dict):
        for key, child in value.items():
            _check_text(key, path, max_text)
            _check_texts(child, f"{path}.{key[:60]}" if path else key[:60], depth + 1, max_text)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _check_texts(child, f"{path}[{index}]", depth + 1, max_text)


def _check_text(value: str, path: str, max_text: int) -> None:
    if len(value) > max_text:
        raise BodyError("too_long", f"A text is longer than {max_text} characters.", field=path)
    if _UNWANTED.search(value):
        raise BodyError("unwanted_character", "A text holds a character that cannot be kept.", field=path)


def _convert(value: Any, kind: Any, name: str) -> Any:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _convert(value, next(a for a in arguments if a is not type(None)), name)
    if kind is Any:
        return value
    if kind is UUID:
        return _convert_uuid(value, name)
    expected = origin or kind
    # bool is a subclass of int: compared by exact type, so that true is no number.
    if type(value) is not expected:
        raise BodyError("wrong_type", f"The field {name!r} has the wrong type.", field=name)
    if origin is dict:
        return {key: _convert(child, arguments[1], f"{name}.{key[:60]}") for key, child in value.items()}
    if origin is list:
        return [_convert(child, arguments[0], f"{name}[{index}]") for index, child in enumerate(value)]
    return value


def _convert_uuid(value: Any, name: str) -> UUID:
    # UUID() itself also reads braces, urn: and missing dashes: one spelling only.
    if not isinstance(value, str) or not _UUID.match(value):
        raise BodyError("not_a_uuid", f"The field {name!r} is not a UUID.", field=name)
    return UUID(value)
