"""``integra_work [--every SECONDS]``: what has to be finished whatever stopped; the safety net behind the workers."""

import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from integra_service.credentials.issuing import complete_intents
from integra_service.credentials.life import announce_expired
from integra_service.credentials.runs import list_open_runs, work
from integra_service.lib.clock import utc_now


class Command(BaseCommand):
    help = (
        "Sign what was begun, go on with open runs, tell the classrooms what expired. --every: until SIGTERM."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=int, metavar="SECONDS", help="go on, with this pause")

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopping = False
        if options["every"]:
            signal.signal(signal.SIGTERM, self.stop)
            signal.signal(signal.SIGINT, self.stop)
        self.work_off()
        while options["every"] and not self.is_stopping:
            time.sleep(options["every"])
            close_old_connections()
            self.work_off()

    def work_off(self) -> None:
        completed = complete_intents(utc_now())
        expired = announce_expired(utc_now())
        if completed or expired:
            self.stdout.write(f"{completed} begun credentials completed, {expired} expired.")
        for run in list_open_runs():
            while not self.is_stopping and not work(run, utc_now()):
                self.stdout.write(f"{run.kind}: {run.done_count} of {run.total_count}")
            self.stdout.write(
                f"{run.kind}: {run.done_count} of {run.total_count}, "
                f"{run.made_count} made, {run.failed_count} failed"
            )

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True  # the chunk at hand is finished first
