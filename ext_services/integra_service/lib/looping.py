"""Commands that do their work once, or with ``--every`` again and again until they are told to stop."""

import os
import select
import signal
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
        pause = options["every"]
        if not pause:
            self.work_once()
            return
        # A pipe, because a threading.Event that is set by a signal handler can wait for its own lock.
        self.woken, self.waker = os.pipe()
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        self.stdout.write(f"{type(self).__module__.rpartition('.')[2]}: every {pause} s")
        self.stdout.flush()
        self.work_once()
        while not self.is_stopping:
            select.select([self.woken], [], [], pause)
            if not self.is_stopping:
                close_old_connections()
                self.work_once()

    def work_once(self) -> None:
        raise NotImplementedError

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True
        os.write(self.waker, b"\n")
