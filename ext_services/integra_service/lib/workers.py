"""Asking the workers for something that a command makes up for when nobody can be asked."""

import logging
from typing import Any

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def ask_workers(task: Any, *arguments: Any, otherwise: str) -> None:
    """Ask once; with the broker away nothing is raised, and the log says what does the same.

    Args:
        task: A Celery task.
        arguments: Ids and codes, never objects.
        otherwise: What makes it up, for example the name of a command.
    """
    try:
        task.apply_async(arguments, retry=False)
    except OperationalError:
        logger.warning("the broker is away; otherwise: %s", otherwise)
