"""One page of a long list. By keys and never by an offset, so that a later page costs what the first one does."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

PAGE = 50
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Its rows, and the one to go on after; None on the last page."""

    rows: tuple[M, ...]
    last: M | None


def take_page(rows: QuerySet[M]) -> Page[M]:
    """Return the first page of ``rows``, which are in their order and begin where the page before ended."""
    found = tuple(rows[: PAGE + 1])
    return Page(found[:PAGE], found[PAGE - 1] if len(found) > PAGE else None)
