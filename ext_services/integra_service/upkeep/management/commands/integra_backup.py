"""``integra_backup FOLDER``: one backup of the database, with a note of what is in it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError
from integra_service.people.erasures import list_erasures
from integra_service.upkeep.backups import read_note, take_backup


class Command(BaseCommand):
    help = "Back up the database while the service goes on. Keep INTEGRA_NAME_KEY and INTEGRA_ERASURES elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = take_backup(options["folder"], utc_now())
            note = read_note(place)
            noted = {str(erasure.person_uuid) for erasure in list_erasures()}
        except ServiceError as error:
            raise CommandError(error.message) from error
        rows = sum(note.counts.values())
        self.stdout.write(f"{place}: {rows} rows, audit head {note.audit_sequence} {note.audit_hash}")
        known, here = len(note.forgotten), len(noted.intersection(note.forgotten))
        folder = settings.INTEGRA_ERASURES
        self.stdout.write(f"erasures: {known} known, {here} of them noted on this host in {folder}")
