"""``integra_apply [--every SECONDS]``: apply what waits in the inbox; the safety net behind the workers."""

from argparse import ArgumentParser
from typing import Any

from integra_service.lib.clock import utc_now
from integra_service.lib.looping import LoopingCommand
from integra_service.records.apply import apply_inbox
from integra_service.records.monitoring import measure_inbox


class Command(LoopingCommand):
    help = "Inbox → records → certificates. With --every it goes on until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--retry-parked", action="store_true", help="judge all parked events again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retry_parked"]:
            apply_inbox(utc_now(), limit=10_000, retry_parked=True)
        super().handle(*args, **options)
        figures = measure_inbox(utc_now())
        self.stdout.write(f"new: {figures.new_count}, parked: {figures.parked_counts or 0}")

    def work_once(self) -> None:
        # Told to stop, the batch at hand is finished first.
        while not self.is_stopping and apply_inbox(utc_now()):
            pass
