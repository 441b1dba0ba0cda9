"""The worker's task, and how it is asked for."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from integra_service.lib.clock import utc_now

from .apply import apply_inbox

logger = logging.getLogger(__name__)


@shared_task(name="integra.apply_inbox")  # type: ignore[untyped-decorator]  # Celery has no types
def apply_inbox_task() -> None:
    """Apply everything that waits; several workers may run at once."""
    apply_inbox(utc_now())


def request_apply() -> None:
    """Ask for the inbox to be applied soon; without a broker it happens here and now.

    An event is safe once it is stored: whatever fails here is made up by ``integra_apply``.
    """
    try:
        apply_inbox_task.apply_async(retry=False)
    except OperationalError:
        logger.warning("the broker is away; integra_apply will catch up")
