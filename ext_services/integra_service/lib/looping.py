"""Commands that do their work once, or with ``--every`` again and again until they are told to stop."""

import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections


class LoopingCommand(BaseCommand):
    """A command whose subclass says in ``work_once`` what is done each time; SIGTERM lets the work at hand finish."""

    is_stopping = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=int, metavar="SECONDS", help="go on, with this pause")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["every"]:
            signal.signal(signal.SIGTERM, self.stop)
            signal.signal(signal.SIGINT, self.stop)
        self.work_once()
        while options["every"] and not self.is_stopping:
            time.sleep(options["every"])
            close_old_connections()
            self.work_once()

    def work_once(self) -> None:
        raise NotImplementedError

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True
