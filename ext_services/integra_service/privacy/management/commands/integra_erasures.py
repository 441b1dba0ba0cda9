"""``integra_erasures [--every SECONDS]``: carry out the erasures that are due, and go on with those that were begun."""

import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from integra_service.lib.clock import utc_now
from integra_service.privacy.erasing import work_off


class Command(BaseCommand):
    help = "Carry out the erasures that are due, go on with those that were begun. --every: until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=int, metavar="SECONDS", help="go on, with this pause")

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopping = False
        if options["every"]:
            signal.signal(signal.SIGTERM, self.stop)
            signal.signal(signal.SIGINT, self.stop)
        self.report(work_off(utc_now()))
        while options["every"] and not self.is_stopping:
            time.sleep(options["every"])
            close_old_connections()
            self.report(work_off(utc_now()))

    def report(self, erased_count: int) -> None:
        if erased_count:
            self.stdout.write(f"{erased_count} people erased.")

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True  # the person at hand is finished first
