"""Who was forgotten, kept where no backup of the database reaches, so that a restored backup can forget them again.

One line per act in a file per host: when, and the person's random id, which leads to nobody once their name is gone.
Decision: ``docs/decisions/0012-erasures-outlive-backups.md``.
"""

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from integra_service.lib.errors import ServiceError

from .models import Person


class UnreadableErasureError(ServiceError):
    """A line cannot be read: somebody has to look before names come back."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__("erasure_unreadable", f"{path}, line {line} cannot be read.")


@dataclass(frozen=True, slots=True)
class Erasure:
    """One act of forgetting."""

    person_uuid: UUID
    at: datetime


def note_erasure(person: Person, now: datetime) -> None:
    """Write the act down before it is committed: one line too many does no harm, one too few brings a name back."""
    line = json.dumps({"at": now.isoformat(), "person": str(person.uuid)}) + "\n"
    append(line.encode())


def append(line: bytes) -> None:
    folder: Path = settings.INTEGRA_ERASURES
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(
        folder / f"{socket.gethostname()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
    )
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def list_files() -> list[Path]:
    """Return the files of the hosts that are here; none where the folder is not there."""
    return sorted(settings.INTEGRA_ERASURES.glob("*.jsonl"))


def ensure_files() -> list[Path]:
    """Return the files of the hosts, at least one: an empty one of this host says that nobody was forgotten yet."""
    if not list_files():
        append(b"")
    return list_files()


def list_erasures() -> list[Erasure]:
    """Return every act noted by any host, each person once, or raise UnreadableErasureError."""
    found: dict[UUID, Erasure] = {}
    for path in list_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            erasure = read_erasure(path, number, line)
            found.setdefault(erasure.person_uuid, erasure)
    return sorted(found.values(), key=lambda erasure: erasure.at)


def read_erasure(path: Path, number: int, line: str) -> Erasure:
    try:
        raw = json.loads(line)
        return Erasure(UUID(raw["person"]), datetime.fromisoformat(raw["at"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableErasureError(path, number) from error
