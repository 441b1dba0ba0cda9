"""Between the pure record and its stored row: canonical JSON, the same bytes for the same record."""

import dataclasses
import hashlib
import json
import types
import typing
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from integra_service.people.models import LearnerIdentity

from .fold import LearningRecord
from .models import LearningRecordRow


def read_record(identity: LearnerIdentity) -> LearningRecord:
    row = LearningRecordRow.objects.for_system().filter(identity=identity).first()
    if row is None:
        return LearningRecord(identity.learner_uuid, None, False, (), 0, ())
    return load_record(row.content)


def dump_record(record: LearningRecord) -> str:
    return json.dumps(to_plain(record), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load_record(content: str) -> LearningRecord:
    record: LearningRecord = from_plain(LearningRecord, json.loads(content))
    return record


def digest_record(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def to_plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [to_plain(part) for part in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


def from_plain(wanted: Any, value: Any) -> Any:
    """Rebuild a value from its JSON by the declared type; only for what ``dump_record`` wrote."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        return None if value is None else from_plain(arguments[0], value)
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuple(from_plain(arguments[0], part) for part in value)
    if origin is tuple:
        return tuple(from_plain(kind, part) for kind, part in zip(arguments, value, strict=True))
    if dataclasses.is_dataclass(wanted):
        return _rebuild(wanted, value)
    if wanted is UUID:
        return UUID(value)
    if wanted is datetime:
        return datetime.fromisoformat(value)
    return value


def _rebuild(wanted: Any, value: Any) -> Any:
    hints = _read_hints(wanted)
    return wanted(**{name: from_plain(hints[name], part) for name, part in value.items()})


@lru_cache
def _read_hints(wanted: Any) -> dict[str, Any]:
    """Return the declared types of a dataclass's members; a course's record asks for them hundreds of times."""
    return typing.get_type_hints(wanted)
