"""``integra_apply [--every SECONDS]``: apply what waits in the inbox; the safety net behind the workers."""

import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from integra_service.lib.clock import utc_now
from integra_service.records.apply import apply_inbox
from integra_service.records.monitoring import measure_inbox


class Command(BaseCommand):
    help = "Inbox → records → certificates. With --every it goes on until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=int, metavar="SECONDS", help="go on, with this pause")
        parser.add_argument("--retry-parked", action="store_true", help="judge all parked events again")

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopping = False
        if options["every"]:
            signal.signal(signal.SIGTERM, self.stop)
            signal.signal(signal.SIGINT, self.stop)
        apply_all(retry_parked=options["retry_parked"])
        while options["every"] and not self.is_stopping:
            time.sleep(options["every"])
            close_old_connections()
            apply_all(retry_parked=False)
        figures = measure_inbox(utc_now())
        self.stdout.write(f"new: {figures.new_count}, parked: {figures.parked_counts or 0}")

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True  # the learner at hand is finished first


def apply_all(*, retry_parked: bool) -> None:
    """Go on while something waits; with ``retry_parked``, every parked event is looked at once."""
    if retry_parked:
        apply_inbox(utc_now(), limit=10_000, retry_parked=True)
    while apply_inbox(utc_now()):
        pass
