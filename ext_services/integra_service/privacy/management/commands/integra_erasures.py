"""``integra_erasures [--every SECONDS]``: carry out the erasures that are due, and go on with those that were begun."""

from integra_service.lib.clock import utc_now
from integra_service.lib.looping import LoopingCommand
from integra_service.privacy.erasing import work_off


class Command(LoopingCommand):
    help = "Carry out the erasures that are due, go on with those that were begun. --every: until SIGTERM."

    def work_once(self) -> None:
        erased_count = work_off(utc_now())
        if erased_count:
            self.stdout.write(f"{erased_count} people erased.")
