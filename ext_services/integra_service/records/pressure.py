"""When senders are asked to come back later: too much waits already, or one source sends too fast.

What is refused here was not stored, not even in part: both are asked before anything is. The sender keeps it and obeys
``Retry-After``.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count

from integra_service.lib.errors import BusyError

from .models import InboxEvent, InboxState

# Looked at this seldom, the backlog costs nothing; it may grow over its bound by what arrives meanwhile.
LOOK_SECONDS = 5
BEHIND_WAIT_SECONDS = 60
MINUTE_SECONDS = 60


@dataclass(slots=True)
class Backlog:
    """Whether the inbox has room, as this process last saw it."""

    clock: Callable[[], float] = time.monotonic
    lock: threading.Lock = field(default_factory=threading.Lock)
    look_at: float = -math.inf
    full_for: frozenset[int] = frozenset()  # sources

    def require_room(self, source_id: int, now: datetime) -> None:
        """Raise BusyError (503) for whoever fills the inbox, while more waits, or for longer, than is configured."""
        with self.lock:
            is_due = self.clock() >= self.look_at
            if is_due:
                self.look_at = self.clock() + LOOK_SECONDS
        if is_due:
            self.full_for = find_crowding(now)
        if source_id in self.full_for:
            message = "Too many events wait to be applied. Nothing of this was stored; send it again later."
            raise BusyError("inbox_full", message, wait_seconds=BEHIND_WAIT_SECONDS)


def find_crowding(now: datetime) -> frozenset[int]:
    """Return the sources for which the inbox is full: none of whose events may wait longer, or whose share is used up.

    One that floods it is told to come back; whoever waits for little goes on being taken in.
    """
    waiting = InboxEvent.objects.filter(state=InboxState.NEW).order_by()
    oldest = now - timedelta(hours=settings.INTEGRA_INBOX_MAX_AGE_HOURS)
    late = frozenset(waiting.filter(received_at__lt=oldest).values_list("source_id", flat=True).distinct())
    most = settings.INTEGRA_INBOX_MAX_WAITING
    if not waiting.values("pk")[most - 1 : most].exists():
        return late
    counts = dict(waiting.values_list("source_id").annotate(n=Count("pk")))
    return late | {source_id for source_id, count in counts.items() if count * len(counts) >= most}


@dataclass(slots=True)
class Allowances:
    """How many events each source may still send through this process: a bucket per source that fills up by itself.

    In memory, because a row would cost as much as storing the event: with several processes a source gets the
    configured number from each.
    """

    clock: Callable[[], float] = time.monotonic
    lock: threading.Lock = field(default_factory=threading.Lock)
    left: dict[str, tuple[float, float]] = field(default_factory=dict)  # by source: events, as of when

    def take(self, source_key: str, count: int) -> None:
        """Count so many events of an authentic source, or raise BusyError (429) and count nothing."""
        most = settings.INTEGRA_SOURCE_EVENTS_PER_MINUTE
        with self.lock:
            now = self.clock()
            left, then = self.left.get(source_key, (float(most), now))
            left = min(float(most), left + (now - then) * most / MINUTE_SECONDS)
            wanted = min(count, most)  # a batch larger than a minute's worth passes through a full bucket
            if left < wanted:
                wait = math.ceil((wanted - left) * MINUTE_SECONDS / most)
                message = "This source sends too fast. Nothing of this was stored; send it again later."
                raise BusyError("source_too_fast", message, wait_seconds=wait, status=429)
            self.left[source_key] = (left - wanted, now)


backlog = Backlog()
allowances = Allowances()
