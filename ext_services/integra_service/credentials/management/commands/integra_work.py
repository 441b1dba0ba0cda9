"""``integra_work [--every SECONDS]``: what has to be finished whatever stopped; the safety net behind the workers."""

from datetime import timedelta

from django.contrib.sessions.backends.db import SessionStore

from integra_service.credentials.completing import complete_intents
from integra_service.credentials.life import announce_expired
from integra_service.credentials.runs import Progress, list_open_runs, work
from integra_service.lib import throttle
from integra_service.lib.clock import utc_now
from integra_service.lib.looping import LoopingCommand
from integra_service.people.handover import forget_uses

# Longer than any window of tries, and than any link lives.
TRIES_KEPT, LINKS_KEPT = timedelta(days=2 * 366), timedelta(days=1)


class Command(LoopingCommand):
    help = (
        "Sign what was begun, go on with open runs, tell the classrooms what expired, forget sessions and tries that "
        "are over. --every: until SIGTERM."
    )

    def work_once(self) -> None:
        self.forget()
        completed = complete_intents(utc_now())
        expired = announce_expired(utc_now())
        if completed or expired:
            self.stdout.write(f"{completed} begun credentials completed, {expired} expired.")
        for run in list_open_runs():
            # Told to stop, the chunk at hand is finished first.
            while not self.is_stopping and work(run, utc_now()) is Progress.GOES_ON:
                self.stdout.write(f"{run.kind}: {run.done_count} of {run.total_count}")
            self.stdout.write(
                f"{run.kind}: {run.done_count} of {run.total_count}, "
                f"{run.made_count} made, {run.failed_count} failed"
            )

    def forget(self) -> None:
        """Delete what only says who was here once."""
        SessionStore.clear_expired()
        throttle.forget_past(utc_now() - TRIES_KEPT)
        forget_uses(utc_now() - LINKS_KEPT)
