"""Limits for guessing and for what costs much: so many tries of one thing in one window of time."""

import hashlib
import math
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from .errors import BusyError
from .models import ThrottleWindow


def take_turn(name: str, *, limit: int, window_seconds: int, now: datetime) -> bool:
    """Count one try of ``name`` and return whether it is still within the limit."""
    starts_at = find_start(window_seconds, now)
    with transaction.atomic():
        window, _ = ThrottleWindow.objects.get_or_create(key=make_key(name), starts_at=starts_at)
        ThrottleWindow.objects.filter(pk=window.pk).update(count=F("count") + 1)
        window.refresh_from_db(fields=["count"])
    return window.count <= limit


def require_turn(name: str, *, limit: int, window_seconds: int, now: datetime) -> None:
    """Count one try of ``name``, or raise BusyError (429) until the window ends."""
    if not take_turn(name, limit=limit, window_seconds=window_seconds, now=now):
        message = _("Too many requests came from your connection. Wait some minutes and try again.")
        wait_seconds = seconds_left(window_seconds, now)
        raise BusyError("too_many_requests", message, wait_seconds=wait_seconds, status=429)


def seconds_left(window_seconds: int, now: datetime) -> int:
    """Return the whole seconds after which another window has begun."""
    return math.ceil(window_seconds - (now - find_start(window_seconds, now)).total_seconds())


def has_turn(name: str, *, limit: int, window_seconds: int, now: datetime) -> bool:
    """Tell whether another try of ``name`` would be within the limit, without counting one."""
    windows = ThrottleWindow.objects.filter(key=make_key(name), starts_at=find_start(window_seconds, now))
    return not windows.filter(count__gte=limit).exists()


def forget_turns(name: str) -> None:
    """Count tries of ``name`` from nought again."""
    ThrottleWindow.objects.filter(key=make_key(name)).delete()


def forget_past(before: datetime) -> int:
    """Delete windows that began before then; return how many."""
    return ThrottleWindow.objects.filter(starts_at__lt=before).delete()[0]


def make_key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def find_start(window_seconds: int, now: datetime) -> datetime:
    return datetime.fromtimestamp(now.timestamp() // window_seconds * window_seconds, UTC)
