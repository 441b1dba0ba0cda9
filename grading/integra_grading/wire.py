"""Strict reading and writing of JSON-shaped data, declared once on the fields of dataclasses.

A dataclass field made with ``wire(codec)`` says how it is read, written and described; ``Record(cls)`` reads
an object into that dataclass, refusing unknown and missing keys. No value from outside is ever echoed in a
message.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from integra_grading.errors import GradingError, WireError
from integra_grading.numbers import parse_plain_decimal
from integra_grading.text import has_bad_character

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTANT_TEXT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)(?:Z|\+00:00)"
)


class Codec(Protocol):
    """How one value is read, written and described."""

    def read(self, raw: object, at: str) -> Any:
        """Return the value of ``raw``, or raise WireError naming ``at``."""

    def write(self, value: Any) -> Any:
        """Return the JSON form of ``value``."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the JSON form."""


def wire(codec: Codec, *, optional: bool = False, default: object = None, name: str = "") -> Any:
    """Declare a dataclass field that travels.

    Args:
        codec: How it is read and written.
        optional: May be absent; then it is ``default``, and ``default`` is never written.
        default: Value when absent.
        name: Key on the wire where it differs from the field (``from`` is a word of Python).
    """
    metadata = {"codec": codec, "optional": optional, "name": name}
    if optional:
        return dataclasses.field(default=default, metadata=metadata)
    return dataclasses.field(metadata=metadata)


@contextmanager
def refusing_as(error: Callable[[str, str, str], GradingError]) -> Iterator[None]:
    """Turn a WireError or NumberError of the block into ``error`` with the same code, field and message."""
    try:
        yield
    except GradingError as refusal:
        raise error(refusal.code, refusal.field, refusal.message) from None


@dataclass(frozen=True, slots=True)
class Text:
    """A string of ``minimum`` to ``maximum`` code points, matching ``pattern`` as a whole."""

    maximum: int
    pattern: str = ""
    minimum: int = 1
    multiline: bool = False

    def read(self, raw: object, at: str) -> str:
        if not isinstance(raw, str):
            raise WireError("wrong_type", at, "A string is expected.")
        if not self.minimum <= len(raw) <= self.maximum:
            raise WireError(
                "wrong_length", at, f"From {self.minimum} to {self.maximum} characters are expected."
            )
        if has_bad_character(raw, multiline=self.multiline):
            raise WireError("bad_character", at, "A control character or half a character pair.")
        if self.pattern and compiled(self.pattern).fullmatch(raw) is None:
            raise WireError("wrong_form", at, f"Expected to match {self.pattern}.")
        return raw

    def write(self, value: str) -> str:
        return value

    def schema(self) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "string", "minLength": self.minimum, "maxLength": self.maximum}
        if self.pattern:
            described["pattern"] = f"^{self.pattern}$"
        return described


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from ``minimum`` to ``maximum``; true and false are no integers."""

    minimum: int
    maximum: int

    def read(self, raw: object, at: str) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise WireError("wrong_type", at, "An integer is expected.")
        if not self.minimum <= raw <= self.maximum:
            raise WireError("out_of_range", at, f"From {self.minimum} to {self.maximum} is expected.")
        return raw

    def write(self, value: int) -> int:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, raw: object, at: str) -> bool:
        if not isinstance(raw, bool):
            raise WireError("wrong_type", at, "true or false is expected.")
        return raw

    def write(self, value: bool) -> bool:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of an enumeration."""

    words: type[StrEnum]

    def read(self, raw: object, at: str) -> StrEnum:
        if not isinstance(raw, str):
            raise WireError("wrong_type", at, "A string is expected.")
        try:
            return self.words(raw)
        except ValueError:
            words = ", ".join(self.words)
            raise WireError("unknown_value", at, f"One of {words} is expected.") from None

    def write(self, value: StrEnum) -> str:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [str(word) for word in self.words]}


@dataclass(frozen=True, slots=True)
class Constant:
    """Exactly this string."""

    value: str

    def read(self, raw: object, at: str) -> str:
        if raw != self.value:
            raise WireError("unknown_value", at, f"{self.value} is expected.")
        return self.value

    def write(self, value: str) -> str:
        return value

    def schema(self) -> dict[str, Any]:
        return {"const": self.value}


@dataclass(frozen=True, slots=True)
class Uid:
    """A uuid in its one canonical spelling: lower case, with hyphens."""

    def read(self, raw: object, at: str) -> UUID:
        if not isinstance(raw, str):
            raise WireError("wrong_type", at, "A string is expected.")
        if UUID_TEXT.fullmatch(raw) is None:
            raise WireError("not_a_uuid", at, "A lower-case uuid with hyphens is expected.")
        return UUID(raw)

    def write(self, value: UUID) -> str:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment in UTC, RFC 3339 with ``Z`` or ``+00:00``, at most microseconds."""

    def read(self, raw: object, at: str) -> datetime:
        if not isinstance(raw, str):
            raise WireError("wrong_type", at, "A string is expected.")
        match = INSTANT_TEXT.fullmatch(raw)
        if match is not None:
            with suppress(ValueError):  # the 30th of February
                return datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        raise WireError("not_a_time", at, "A UTC time such as 2026-03-01T14:05:00Z is expected.")

    def write(self, value: datetime) -> str:
        if value.utcoffset() != timedelta(0):
            raise WireError("not_a_time", "", "An aware time in UTC is expected.")
        return value.replace(tzinfo=None).isoformat() + "Z"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": r"(Z|\+00:00)$"}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar as text: ``2026-05-20``."""

    def read(self, raw: object, at: str) -> str:
        if not isinstance(raw, str):
            raise WireError("wrong_type", at, "A string is expected.")
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw) is not None:
            with suppress(ValueError):  # the 30th of February
                return date.fromisoformat(raw).isoformat()
        raise WireError("not_a_day", at, "A day such as 2026-05-20 is expected.")

    def write(self, value: str) -> str:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


@dataclass(frozen=True, slots=True)
class DecimalText:
    """A finite decimal written as a string with a point, so that no reader makes a float of it."""

    def read(self, raw: object, at: str) -> Decimal:
        return parse_plain_decimal(raw, field=at)

    def write(self, value: Decimal) -> str:
        return f"{value:f}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"}


@dataclass(frozen=True, slots=True)
class Many:
    """An array of ``minimum`` to ``maximum`` values; a tuple in Python."""

    codec: Codec
    maximum: int
    minimum: int = 0

    def read(self, raw: object, at: str) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            raise WireError("wrong_type", at, "An array is expected.")
        if not self.minimum <= len(raw) <= self.maximum:
            raise WireError(
                "wrong_length", at, f"From {self.minimum} to {self.maximum} entries are expected."
            )
        return tuple(self.codec.read(value, f"{at}[{index}]") for index, value in enumerate(raw))

    def write(self, value: tuple[Any, ...]) -> list[Any]:
        return [self.codec.write(entry) for entry in value]

    def schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": self.codec.schema(),
            "minItems": self.minimum,
            "maxItems": self.maximum,
        }


@dataclass(frozen=True, slots=True)
class Nullable:
    """Another value, or null, which is None."""

    codec: Codec

    def read(self, raw: object, at: str) -> Any:
        return None if raw is None else self.codec.read(raw, at)

    def write(self, value: Any) -> Any:
        return None if value is None else self.codec.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.codec.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Record:
    """An object with exactly the wire fields of a dataclass."""

    of: type[Any]

    def read(self, raw: object, at: str) -> Any:
        if not isinstance(raw, dict):
            raise WireError("not_an_object", at, "An object is expected.")
        declared = declared_fields(self.of)  # type: ignore[arg-type]  # a class is hashable
        for key in raw:
            if key not in declared:
                raise WireError("unknown_key", join(at, key), "A key this schema does not have.")
        values: dict[str, Any] = {}
        for key, field in declared.items():
            # Declared keys are ours: their paths need no look at what they hold.
            path = f"{at}.{key}" if at else key
            if key in raw:
                values[field.name] = field.metadata["codec"].read(raw[key], path)
            elif not field.metadata["optional"]:
                raise WireError("missing_key", path, "A key is missing.")
        return self.of(**values)

    def write(self, value: Any) -> dict[str, Any]:
        written = {}
        for field in dataclasses.fields(self.of):
            entry = getattr(value, field.name)
            if not (field.metadata["optional"] and entry == field.default):
                written[field.metadata["name"] or field.name] = field.metadata["codec"].write(entry)
        return written

    def schema(self) -> dict[str, Any]:
        fields = dataclasses.fields(self.of)
        names = {field.name: field.metadata["name"] or field.name for field in fields}
        return {
            "type": "object",
            "properties": {names[field.name]: field.metadata["codec"].schema() for field in fields},
            "required": [names[field.name] for field in fields if not field.metadata["optional"]],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Tagged:
    """One of several records, told apart by the word under ``tag``."""

    tag: str
    records: Mapping[str, Codec]

    def read(self, raw: object, at: str) -> Any:
        if not isinstance(raw, dict):
            raise WireError("not_an_object", at, "An object is expected.")
        word = raw.get(self.tag)
        codec = self.records.get(word) if isinstance(word, str) else None
        if codec is None:
            raise WireError(
                "unknown_value", join(at, self.tag), f"One of {', '.join(self.records)} is expected."
            )
        return codec.read(raw, at)

    def write(self, value: Any) -> Any:
        return self.records[getattr(value, self.tag)].write(value)

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [codec.schema() for codec in self.records.values()]}


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@functools.cache
def declared_fields(of: type[Any]) -> Mapping[str, dataclasses.Field[Any]]:
    """Return the fields of a wire dataclass by their keys on the wire."""
    return {field.metadata["name"] or field.name: field for field in dataclasses.fields(of)}


def join(at: str, key: object) -> str:
    """Return the path of ``key`` under ``at``; a key that could not be one of ours is not echoed."""
    shown = key if isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", key) else "?"
    return f"{at}.{shown}" if at else shown


def require_distinct(keys: list[str], at: str) -> None:
    """Raise ``duplicate_key`` if two of ``keys`` are equal."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise WireError("duplicate_key", join(at, key), "The key appears twice.")
        seen.add(key)


# Keys chosen by a person: modules, units, items, criteria, outcomes ("6.3"), forms ("A").
KEY = Text(64, r"[A-Za-z0-9][A-Za-z0-9._-]*")
# "course-v1:UNDP+CAP40+2026" and "cap40".
COURSE_KEY = Text(255, r"[A-Za-z0-9][A-Za-z0-9._:+~-]*")
# Digests and versions are only ever compared for equality.
TOKEN = Text(128, r"[A-Za-z0-9][A-Za-z0-9._:+/=-]*")
TITLE = Text(200)
PROSE = Text(4000, multiline=True)
