"""What others may listen to, and what this app listens to."""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, transaction
from django.dispatch import Signal

from integra_gradebook.mirror import mirror_again

log = logging.getLogger(__name__)

# Sent with ``event`` (integra_grading.events.Event) inside the transaction of the fact, once per event.
# A receiver writes rows and nothing else; when it raises, the fact is not stored either.
event_recorded = Signal()


def on_course_published(sender: object, course_key: object, **kwargs: Any) -> None:
    """Show everything once more: a score for a block that was hidden stays unseen until it is set again.

    Connected by Studio (see apps.py). An author's publishing must not fail because of it.
    """
    try:
        with transaction.atomic():
            mirror_again(str(course_key))
    except DatabaseError:
        log.exception("The scores of %s were not marked to be shown again.", course_key)
