"""Prints what an operator should mend; ends with 1 if there is anything."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integra_bridge.doctor import find_problems, list_versions


class Command(BaseCommand):
    help = "Check settings, outbox, relay, service, completion, facilitators and certificates."

    def handle(self, *args: Any, **options: Any) -> None:
        for line in list_versions():
            self.stdout.write(line)
        problems = find_problems(now=timezone.now())
        for problem in problems:
            self.stdout.write(f"- {problem}")
        if problems:
            sys.exit(1)
        self.stdout.write("No problems found.")
