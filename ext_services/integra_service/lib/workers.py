"""Asking the workers for something that a command makes up for when nobody can be asked."""

import logging
import time
from typing import Any

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# After so long without another ask, nobody knows any more.
REMEMBERED_SECONDS = 15 * 60


class LastAsk:
    """When the broker was last found away by this process, until an ask comes through."""

    failed_at: float | None = None  # of the process's monotonic clock


last_ask = LastAsk()


def ask_workers(task: Any, *arguments: Any, otherwise: str) -> None:
    """Ask once; with the broker away nothing is raised, and the log says what does the same.

    Args:
        task: A Celery task.
        arguments: Ids and codes, never objects.
        otherwise: What makes it up, for example the name of a command.
    """
    if not reach_workers(task, *arguments):
        logger.warning("the broker is away; otherwise: %s", otherwise)


def reach_workers(task: Any, *arguments: Any, **options: Any) -> bool:
    """Ask once, with Celery's options, and return whether the broker took it; the answer is remembered."""
    try:
        task.apply_async(arguments, retry=False, **options)
    except (OperationalError, OSError):
        last_ask.failed_at = time.monotonic()
        return False
    last_ask.failed_at = None
    return True


def is_broker_away() -> bool:
    """Return whether this process's last ask failed, lately. Nobody is asked now: that could hang."""
    failed_at = last_ask.failed_at
    return failed_at is not None and time.monotonic() - failed_at < REMEMBERED_SECONDS
