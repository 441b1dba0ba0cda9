"""Limits for guessing: so many tries of one thing in one window of time."""

import hashlib
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from .models import ThrottleWindow


def take_turn(name: str, *, limit: int, window_seconds: int, now: datetime) -> bool:
    """Count one try of ``name`` and return whether it is still within the limit."""
    key = hashlib.sha256(name.encode()).hexdigest()
    starts_at = datetime.fromtimestamp(now.timestamp() // window_seconds * window_seconds, UTC)
    with transaction.atomic():
        window, _ = ThrottleWindow.objects.get_or_create(key=key, starts_at=starts_at)
        ThrottleWindow.objects.filter(pk=window.pk).update(count=F("count") + 1)
        window.refresh_from_db(fields=["count"])
    return window.count <= limit
