"""``integra_backup FOLDER``: one backup of the database, with a note of what is in it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.lib.clock import utc_now
from integra_service.upkeep.backups import BackupError, read_note, take_backup


class Command(BaseCommand):
    help = "Back up the database while the service goes on. Keep INTEGRA_NAME_KEY and INTEGRA_ERASURES elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = take_backup(options["folder"], utc_now())
            note = read_note(place)
        except BackupError as error:
            raise CommandError(error.message) from error
        rows = sum(note.counts.values())
        self.stdout.write(f"{place}: {rows} rows, audit head {note.audit_sequence} {note.audit_hash}")
