"""``integra_rehearse_restore [BACKUP]``: what a restore would bring back, how long it takes and what would be lost."""

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection

from integra_service.audit.services import get_head
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError
from integra_service.people.erasures import list_files
from integra_service.upkeep.backups import (
    BackupError,
    BackupNote,
    database_url,
    is_postgresql,
    read_note,
    require_erasures,
    take_backup,
)

INBOX = "records_inboxevent"
INSUFFICIENT_PRIVILEGE = "42501"  # of PostgreSQL's error codes


class Command(BaseCommand):
    help = "Restore a backup (a fresh one without argument) into a database of its own, check it, and drop it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", type=Path, nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="integra-rehearsal-") as folder:
                began = time.monotonic()
                place = options["backup"] or take_backup(Path(folder), utc_now())
                note = read_note(place)
                require_erasures(note)  # here, where the folder still has its name
                if options["backup"] is None:
                    self.stdout.write(f"backup: {time.monotonic() - began:.1f} s")
                with empty_database(Path(folder)) as url:
                    self.stdout.write(restore(place, url).rstrip())
                self.stdout.write(describe_loss(note, utc_now()))
        except ServiceError as error:
            raise CommandError(error.message) from error


def restore(place: Path, url: str) -> str:
    """Run ``integra_restore`` as an operator would, in a process that knows only the other database."""
    with tempfile.TemporaryDirectory(prefix="integra-rehearsal-") as erasures:
        # What is forgotten again in the rehearsal is no act: it is noted in a copy.
        copy_erasures(Path(erasures))
        environment = {**os.environ, "INTEGRA_DATABASE_URL": url, "INTEGRA_ERASURES": erasures}
        command = [sys.executable, "-m", "integra_service", "integra_restore", str(place)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise BackupError(f"The restore failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def copy_erasures(folder: Path) -> None:
    for path in list_files():
        (folder / path.name).write_bytes(path.read_bytes())


@contextmanager
def empty_database(folder: Path) -> Iterator[str]:
    """Yield the address of a new database beside the configured one; it is gone afterwards."""
    if not is_postgresql():
        yield f"sqlite:///{folder / 'rehearsal.sqlite3'}"
        return
    name = f"integra_rehearsal_{os.getpid()}_{int(time.time())}"
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"CREATE DATABASE {quoted}")
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
                raise
            role = connection.ops.quote_name(connection.settings_dict["USER"])
            raise BackupError(
                "The rehearsal needs a database of its own, and the service's role may not make one. As a superuser: "
                f"ALTER ROLE {role} CREATEDB;"
            ) from error
    try:
        yield database_url(name)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {quoted} WITH (FORCE)")


def describe_loss(note: BackupNote, now: datetime) -> str:
    """Say what stands here and not in the backup: what a disaster at this moment would cost."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {INBOX}")  # noqa: S608 - our own table
        (events,) = cursor.fetchone()
    age = (now - datetime.fromisoformat(note.created_at)).total_seconds()
    return (
        f"loss at this moment: {events - note.counts[INBOX]} events (integra_reconcile brings them back) and "
        f"{get_head()[0] - note.audit_sequence} audit entries of the last {age:.0f} s"
    )
