"""A backup of the database with a note of what is in it, and its way back into an empty one.

PostgreSQL goes through ``pg_dump`` and ``pg_restore``, SQLite through its online backup. The note (counts, head of the
audit chain, digest of the file) is taken from the same snapshot and written last: without it there is no backup.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection, transaction

from integra_service.audit.services import SYSTEM, get_head
from integra_service.lib import encryption
from integra_service.lib.errors import ServiceError
from integra_service.people.erasures import list_erasures
from integra_service.people.models import Person
from integra_service.privacy.erasing import erase_person

CONTENT, NOTE = "database", "note.json"
EXTRA_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class BackupError(ServiceError):
    """The backup cannot be made, read or put back; nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__("backup", message)


@dataclass(frozen=True, slots=True)
class BackupNote:
    """What a backup holds, as it was when it was taken."""

    created_at: str
    vendor: str
    sha256: str
    audit_sequence: int
    audit_hash: str
    key_id: str  # of the key that names were encrypted with; the key itself is kept elsewhere
    counts: Mapping[str, int]  # rows by table


def take_backup(folder: Path, now: datetime) -> Path:
    """Write a backup into a new folder inside ``folder`` and return it."""
    place = folder / f"integra-{now:%Y%m%dT%H%M%S%fZ}"
    place.mkdir(mode=0o700, parents=True)
    content = place / CONTENT
    counts, (sequence, digest) = dump_postgresql(content) if is_postgresql() else copy_sqlite(content)
    note = BackupNote(
        created_at=now.isoformat(),
        vendor=connection.vendor,
        sha256=digest_file(content),
        audit_sequence=sequence,
        audit_hash=digest,
        key_id=encryption.key_id(encryption.current_keys()[0]),
        counts=counts,
    )
    draft = place / f"{NOTE}.part"
    draft.write_text(json.dumps(asdict(note), indent=1), encoding="utf-8")
    draft.replace(place / NOTE)
    return place


def dump_postgresql(content: Path) -> tuple[dict[str, int], tuple[int, str]]:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # Dump, counts and head of one moment, while others go on writing.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        call("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={content}")
        return count_rows(), get_head()


def copy_sqlite(content: Path) -> tuple[dict[str, int], tuple[int, str]]:
    connection.ensure_connection()
    with closing(sqlite3.connect(content)) as copy:
        connection.connection.backup(copy)
        names = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {
            name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of our own tables
            for name in sorted(names)
            if not name.startswith("sqlite_")
        }
        head = copy.execute("SELECT sequence, hash FROM audit_audithead WHERE id = 1").fetchone()
    return counts, head or get_head()


def read_note(place: Path) -> BackupNote:
    """Return the note of a complete backup, or raise BackupError."""
    try:
        note = BackupNote(**json.loads((place / NOTE).read_text(encoding="utf-8")))
        digest = digest_file(place / CONTENT)
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{place} is no complete backup: {type(error).__name__}.") from error
    if digest != note.sha256:
        raise BackupError(f"{place / CONTENT} was changed: its digest is not the one in the note.")
    return note


def restore_backup(place: Path) -> BackupNote:
    """Put a backup into the configured database, which must be empty."""
    note = read_note(place)
    if note.vendor != connection.vendor:
        raise BackupError(f"The backup is of {note.vendor}, this database is {connection.vendor}.")
    if note.key_id not in {encryption.key_id(key) for key in encryption.current_keys()}:
        raise BackupError("INTEGRA_NAME_KEY is not the one the names in this backup are encrypted with.")
    if connection.introspection.table_names():
        raise BackupError("The database is not empty; a backup is only put into an empty one.")
    if is_postgresql():
        call("pg_restore", "--exit-on-error", "--no-owner", *database_name(), str(place / CONTENT))
    else:
        connection.ensure_connection()
        with closing(sqlite3.connect(f"{(place / CONTENT).resolve().as_uri()}?mode=ro", uri=True)) as copy:
            copy.backup(connection.connection)
    return note


def list_differences(note: BackupNote) -> list[str]:
    """Return in what the database differs from the note."""
    found = count_rows()
    different = [
        f"{table}: {found.get(table)} rows, {count} noted"
        for table, count in note.counts.items()
        if found.get(table) != count
    ]
    if get_head() != (note.audit_sequence, note.audit_hash):
        different.append("the head of the audit chain is another one")
    return different


def replay_erasures(now: datetime) -> int:
    """Forget again everybody who was ever forgotten; return how many people of this database that is about."""
    noted = {erasure.person_uuid for erasure in list_erasures()}
    people = list(Person.objects.for_system().filter(uuid__in=noted).order_by("pk"))
    for person in people:
        erase_person(person, by=SYSTEM, now=now)
    return len(people)


def count_rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for name in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")  # noqa: S608 - our own tables
            counts[name] = int(cursor.fetchone()[0])
    return counts


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def call(program: str, *arguments: str) -> None:
    """Run a client program of PostgreSQL against the configured database; the password is no argument."""
    name = find_program(program)
    settings = connection.settings_dict
    environment = {
        **os.environ,
        "PGHOST": str(settings["HOST"]),
        "PGPORT": str(settings["PORT"] or 5432),
        "PGUSER": str(settings["USER"]),
        "PGPASSWORD": str(settings["PASSWORD"]),
        "PGDATABASE": str(settings["NAME"]),
    }
    done = subprocess.run([name, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-2000:]}")


def database_name() -> Sequence[str]:
    return (f"--dbname={connection.settings_dict['NAME']}",)


def find_program(program: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, EXTRA_FOLDERS)])
    found = shutil.which(program, path=path)
    if found is None:
        raise BackupError(f"The program {program} is missing; Debian has it in postgresql-client.")
    return found


def digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def database_url(name: str) -> str:
    """Return the address of another database on the same server."""
    settings: dict[str, Any] = connection.settings_dict
    login = quote(settings["USER"], safe="")
    if settings["PASSWORD"]:
        login += f":{quote(settings['PASSWORD'], safe='')}"
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    return f"postgresql://{login}@{settings['HOST']}{port}/{quote(name, safe='')}"
