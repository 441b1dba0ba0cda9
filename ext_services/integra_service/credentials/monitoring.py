"""How much of what was begun nobody goes on with: counts, never whose."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Coalesce

from .completing import list_unsigned
from .models import Run, RunKind


def count_idle_work(before: datetime, source_ids: Collection[int] | None = None) -> int:
    """Return how many begun credentials and open runs were not moved since then; of these sources' cities, or all."""
    unsigned = list_unsigned(before).filter(intended_at__lt=before)
    runs = Run.objects.filter(finished_at=None).annotate(
        last_moved_at=Coalesce("taken_until", "moved_at", "started_at")
    )
    runs = runs.filter(last_moved_at__lt=before)
    if source_ids is not None:
        unsigned = unsigned.filter(source__in=source_ids)
        runs = runs.filter(Q(city__sources__in=source_ids) | Q(city=None, kind=RunKind.RESIGN))
    return unsigned.count() + runs.distinct().count()
