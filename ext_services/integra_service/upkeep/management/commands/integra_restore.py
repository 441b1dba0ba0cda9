"""``integra_restore BACKUP``: a backup into the configured, empty database; who was forgotten is forgotten again."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from integra_service.audit.services import check_chain
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError
from integra_service.people.erasures import list_erasures
from integra_service.upkeep.backups import (
    list_differences,
    list_missing_erasures,
    record_restored_without,
    replay_erasures,
    restore_backup,
)


class Command(BaseCommand):
    help = "Restore into an empty database, check counts, audit chain and records, replay erasures."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", type=Path)
        parser.add_argument(
            "--without-erasures",
            action="store_true",
            help="restore although INTEGRA_ERASURES lacks what the backup knows of: who was forgotten comes back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            note = restore_backup(options["backup"], without_erasures=options["without_erasures"])
            different = list_differences(note)
            if different:
                raise CommandError("The restored database differs from the note:\n" + "\n".join(different))
            missing = list_missing_erasures(note)
            erasures = list_erasures()
            forgotten = replay_erasures(utc_now())
            if missing:
                record_restored_without(missing, note, utc_now())
        except ServiceError as error:
            raise CommandError(error.message) from error
        rows = sum(note.counts.values())
        self.stdout.write(f"restored: {rows} rows in {len(note.counts)} tables, as noted {note.created_at}")
        if not check_chain((note.audit_sequence, note.audit_hash)).is_intact:
            raise CommandError("The audit chain is broken.")
        self.stdout.write(f"audit: chain intact, continues {note.audit_sequence} {note.audit_hash}")
        call_command("integra_rebuild_records", "--check", stdout=self.stdout, stderr=self.stderr)
        self.stdout.write(f"erasures: {len(erasures)} noted, {forgotten} of them forgotten again here")
        for problem in missing:
            self.stderr.write(f"WITHOUT ERASURES: {problem}")
        if missing:
            self.stderr.write(
                "People who asked to be forgotten may be back in this database with their names. Keep its doors closed "
                "until the missing files were found and a restore with them was made."
            )
        self.stdout.write(f"ready after {time.monotonic() - began:.1f} s")
        self.stdout.write(
            "Next: migrate, integra_reconcile (what happened since), integra_work; then open the door."
        )
