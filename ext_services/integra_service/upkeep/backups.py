"""A backup of the database with a note of what is in it, and its way back into an empty one.

PostgreSQL goes through ``pg_dump`` and ``pg_restore``, SQLite through its online backup. The note (counts, head of the
audit chain, digest of the file, random ids of who was forgotten) is taken from the same snapshot and written last:
without it there is no backup.
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
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from integra_service.audit import services as audit
from integra_service.audit.services import SYSTEM, get_head
from integra_service.lib import encryption
from integra_service.lib.errors import ServiceError
from integra_service.people.erasures import ensure_files, list_erasures, list_files, note_erasure
from integra_service.people.models import Person
from integra_service.privacy.erasing import erase_person

from .name_key import key_ids_query

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
    key_ids: Sequence[
        str
    ]  # of the keys that something is encrypted with; the keys themselves are kept elsewhere
    counts: Mapping[str, int]  # rows by table
    # What INTEGRA_ERASURES must hold where this is restored: the files that were there, and the random ids of everybody
    # who had been forgotten, by whichever host. They lead to nobody in this backup.
    erasure_files: Sequence[str]
    forgotten: Sequence[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the database held at the moment that was copied."""

    counts: dict[str, int]
    head: tuple[int, str]
    forgotten: list[str]
    key_ids: list[str]


def take_backup(folder: Path, now: datetime) -> Path:
    """Write a backup into a new folder inside ``folder`` and return it."""
    place = make_place(folder, now)
    content = place / CONTENT
    files = ensure_files()
    found = dump_postgresql(content) if is_postgresql() else copy_sqlite(content)
    sequence, digest = found.head
    note = BackupNote(
        created_at=now.isoformat(),
        vendor=connection.vendor,
        sha256=digest_file(content),
        audit_sequence=sequence,
        audit_hash=digest,
        key_ids=found.key_ids,
        counts=found.counts,
        erasure_files=[path.name for path in files],
        forgotten=found.forgotten,
    )
    draft = place / f"{NOTE}.part"
    draft.write_text(json.dumps(asdict(note), indent=1), encoding="utf-8")
    draft.replace(place / NOTE)
    return place


def make_place(folder: Path, now: datetime) -> Path:
    """Make the folder of one backup. What ``folder`` is in must be there: a disk that is not mounted is not made up."""
    if not folder.absolute().parent.is_dir():
        raise BackupError(f"There is no folder {folder.absolute().parent}: is its disk mounted?")
    place = folder / f"integra-{now:%Y%m%dT%H%M%S%fZ}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        place.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"{place} cannot be made: {error.strerror}.") from error
    return place


def dump_postgresql(content: Path) -> Snapshot:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # Dump, counts and head of one moment, while others go on writing.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        call("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={content}")
        forgotten = Person.objects.for_system().filter(erased_at__isnull=False).values_list("uuid", flat=True)
        cursor.execute(key_ids_query())
        key_ids = sorted(key_id for (key_id,) in cursor.fetchall())
        return Snapshot(count_rows(), get_head(), sorted(map(str, forgotten)), key_ids)


def copy_sqlite(content: Path) -> Snapshot:
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
        erased = copy.execute("SELECT uuid FROM people_person WHERE erased_at IS NOT NULL").fetchall()
        key_ids = sorted(key_id for (key_id,) in copy.execute(key_ids_query()))
    return Snapshot(counts, head or get_head(), sorted(str(UUID(text)) for (text,) in erased), key_ids)


def read_note(place: Path) -> BackupNote:
    """Return the note of a complete backup, or raise BackupError."""
    inside = sorted(path.parent for path in place.glob(f"*/{NOTE}"))
    if inside:
        raise BackupError(f"{place} holds backups: name one of its folders, the latest is {inside[-1]}.")
    try:
        note = BackupNote(**json.loads((place / NOTE).read_text(encoding="utf-8")))
        digest = digest_file(place / CONTENT)
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{place} is no complete backup: {type(error).__name__}.") from error
    if digest != note.sha256:
        raise BackupError(f"{place / CONTENT} was changed: its digest is not the one in the note.")
    return note


def require_erasures(note: BackupNote) -> None:
    """Raise BackupError unless the folder of erasures holds what it held as the backup was taken."""
    problems = list_missing_erasures(note)
    if problems:
        raise BackupError(
            "\n".join(
                [
                    "Who was forgotten would come back with their names:",
                    *problems,
                    "Copy the folder INTEGRA_ERASURES of every host into one and set INTEGRA_ERASURES to it.",
                ]
            )
        )


def list_missing_erasures(note: BackupNote) -> list[str]:
    """Return in sentences what of the note the folder of erasures does not hold."""
    folder: Path = settings.INTEGRA_ERASURES
    if not folder.is_dir():
        return [f"There is no folder {folder}."]
    absent = sorted({*note.erasure_files} - {path.name for path in list_files()})
    problems = [f"{folder} has no file {name}." for name in absent]
    noted = {str(erasure.person_uuid) for erasure in list_erasures()}
    lost = len({*note.forgotten} - noted)
    if lost:
        problems.append(
            f"Of {len(note.forgotten)} people who were forgotten before the backup, {folder} does not name {lost}."
        )
    return problems


def restore_backup(place: Path, *, without_erasures: bool = False) -> BackupNote:
    """Put a backup into the configured database, which must be empty.

    Args:
        place: The folder of the backup.
        without_erasures: Also where the folder of erasures lacks what the note names.
    """
    note = read_note(place)
    if not without_erasures:
        require_erasures(note)
    if note.vendor != connection.vendor:
        raise BackupError(f"The backup is of {note.vendor}, this database is {connection.vendor}.")
    missing = {*note.key_ids} - {encryption.key_id(key) for key in encryption.current_keys()}
    if missing:
        raise BackupError(
            f"INTEGRA_NAME_KEY lacks {len(missing)} of {len(note.key_ids)} keys that this backup is encrypted with."
        )
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


@transaction.atomic
def record_restored_without(problems: Sequence[str], note: BackupNote, now: datetime) -> None:
    """Keep in the restored database that it came back without knowing whom to forget.

    Whom it knows as forgotten is noted anew, so that its own backups are whole again.
    """
    noted = [erasure.person_uuid for erasure in list_erasures()]
    for person in Person.objects.for_system().filter(erased_at__isnull=False).exclude(uuid__in=noted):
        note_erasure(person, now)
    audit.record(
        "restore.without_erasures",
        actor=SYSTEM,
        subject="service",
        now=now,
        data={"backup": note.created_at, "missing": list(problems)},
    )


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
