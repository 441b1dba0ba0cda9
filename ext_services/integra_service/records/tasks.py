"""What workers do, and how they are asked for it."""

import logging
import threading
import time

from celery import shared_task
from django.conf import settings

from integra_service.lib.clock import utc_now
from integra_service.lib.workers import reach_workers

from .apply import apply_inbox

logger = logging.getLogger(__name__)

# A request covers every event stored until it is carried out, so one per so many seconds is enough for a process.
GATHER_SECONDS = 1
# With the broker away, not every sender should wait for it.
BROKER_PAUSE_SECONDS = 10


@shared_task(name="integra.apply_inbox")  # type: ignore[untyped-decorator]  # Celery has no types
def apply_inbox_task() -> None:
    """Apply everything that waits; several workers may run at once."""
    while apply_inbox(utc_now()):
        pass


class Requests:
    """When this process may ask for workers again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.quiet_until = 0.0

    def take_turn(self) -> bool:
        """Return whether nobody in this process asked within the last moment, and count this as asking."""
        with self.lock:
            now = time.monotonic()
            if now < self.quiet_until:
                return False
            self.quiet_until = now + GATHER_SECONDS
            return True

    def pause(self) -> None:
        with self.lock:
            self.quiet_until = time.monotonic() + BROKER_PAUSE_SECONDS


requests = Requests()


def request_apply() -> None:
    """Ask for the inbox to be applied soon; without a broker it happens here and now.

    With one, the task waits ``GATHER_SECONDS`` before it runs, and whoever stores something meanwhile need not ask:
    it will be seen. An event is safe once it is stored: whatever fails here is made up by ``integra_apply``.
    """
    if settings.CELERY_TASK_ALWAYS_EAGER:
        apply_inbox_task.apply_async()
    elif requests.take_turn():
        # Apart from the request: a broker that does not answer must not hold a sender.
        threading.Thread(target=ask_broker, daemon=True).start()


def ask_broker() -> None:
    if not reach_workers(apply_inbox_task, countdown=GATHER_SECONDS):
        requests.pause()
        logger.warning("the broker is away; integra_apply will catch up")
