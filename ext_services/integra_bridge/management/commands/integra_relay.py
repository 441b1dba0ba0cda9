"""Delivers the outbox to the service: its own looping process, or one pass with ``--once``."""

from __future__ import annotations

import random
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from integra_bridge.conf import BridgeSettingsError, get_settings
from integra_bridge.relay import PassReport, run_pass

IDLE_SECONDS = 5


class Command(BaseCommand):
    help = "Send queued events to the INTEGRA service and read certificate states back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="One pass, then end.")
        parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="Seconds between passes.")

    def handle(self, *args: Any, once: bool, idle: float, **options: Any) -> None:
        try:
            settings = get_settings()
        except BridgeSettingsError as error:
            raise CommandError(str(error)) from error
        stopping = threading.Event()
        if not once:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopping.set())
        while True:
            self._pass(settings, stopping)
            if once or stopping.wait(idle):
                return

    def _pass(self, settings: Any, stopping: threading.Event) -> None:
        try:
            report = run_pass(
                settings, clock=timezone.now, chance=random.SystemRandom(), is_stopping=stopping.is_set
            )
        except DatabaseError as error:
            # Leased rows come free by themselves; the next pass opens a new connection.
            self.stderr.write(f"The database did not answer: {type(error).__name__}")
            return
        self._tell(report)

    def _tell(self, report: PassReport) -> None:
        if report.has_news:
            self.stdout.write(
                f"accepted {report.accepted}, refused {report.refused}, to retry {report.retried}, "
                f"states {report.states}, mirrored {report.mirrored}"
            )
        for problem in report.problems:
            self.stderr.write(problem)
