"""Register the rules of a course run, as ``integra-course build`` wrote them."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_gradebook import api


class Command(BaseCommand):
    help = "Registers a manifest for a course run. Repeating it changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("manifest", type=Path)
        parser.add_argument("--course", required=True, help="course key, such as course-v1:org+cap40+2026")

    def handle(self, *, manifest: Path, course: str, **options: Any) -> None:
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{manifest}: {error}") from error
        try:
            rule_version = api.register_course(course, content)
        except api.GradebookError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{course}: {rule_version}")
