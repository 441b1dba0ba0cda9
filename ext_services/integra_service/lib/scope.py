"""City scope: a model that belongs to a city cannot be queried without saying for which cities.

``Model.objects.in_cities({...})`` is for people, ``Model.objects.for_system()`` for machine work that runs
without a person (applying events, issuing, checking). Anything else raises UnscopedQueryError.
"""

from collections.abc import Collection
from typing import Any, NoReturn, TypeVar

from django.db import models

from .errors import UnscopedQueryError

M = TypeVar("M", bound=models.Model)


class CityScopedManager(models.Manager[M]):
    """Default manager of a city-owned model; ``path`` leads from the model to its city's id."""

    def __init__(self, path: str = "city_id") -> None:
        super().__init__()
        self.path = path

    def get_queryset(self) -> NoReturn:
        raise UnscopedQueryError(self.model.__name__)

    def in_cities(self, city_ids: Collection[int]) -> models.QuerySet[M]:
        """Return the rows of those cities; none for an empty collection."""
        return self.for_system().filter(**{f"{self.path}__in": list(city_ids)})

    def for_system(self) -> models.QuerySet[M]:
        """Return every row, for machine work only."""
        return models.QuerySet(self.model, using=self._db)

    def create(self, **values: Any) -> M:
        return self.for_system().create(**values)
