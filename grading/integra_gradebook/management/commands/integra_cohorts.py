"""Fill cohorts, places and facilitator roles from a table.

One row per person. Columns: ``course_key``, ``cohort_key``, ``city_key``, ``username``, ``role`` (learner or
facilitator), and where wanted ``modality``, ``time_zone``, ``starts_on``, ``ends_on`` (of the cohort; of the
role for a facilitator), ``route_intended``, ``accommodations`` (keys separated by blanks).
"""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integra_gradebook.errors import GradebookError
from integra_gradebook.roster_import import apply_rows, read_rows


class Command(BaseCommand):
    help = "Imports cohorts, learners and facilitators from a CSV file. Repeating it changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, metavar="import.csv")

    def handle(self, *, table: Path, **options: Any) -> None:
        try:
            # Spreadsheets write a byte order mark.
            with table.open(encoding="utf-8-sig", newline="") as lines:
                rows, problems = read_rows(csv.DictReader(lines))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CommandError(f"{table}: {error}") from error
        if problems:
            raise CommandError("\n".join([*problems, "Nothing was imported."]))
        try:
            counts = apply_rows(rows, now=timezone.now())
        except GradebookError as error:
            raise CommandError(error.message) from error
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
