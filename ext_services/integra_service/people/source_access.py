"""The one door through which operators reach sources: those all of whose cities are theirs, and nothing else."""

from django.db.models import QuerySet

from integra_service.lib.errors import NotFoundError

from .access import Staff
from .models import City, Source


def operated_sources(staff: Staff) -> QuerySet[Source]:
    """Return the sources this operator keeps; one that also speaks of another's city is not among them."""
    others = City.objects.exclude(pk__in=staff.operator_city_ids)
    theirs = Source.objects.filter(cities__in=list(staff.operator_city_ids)).exclude(cities__in=others)
    return theirs.distinct().order_by("key")


def access_source(staff: Staff, key: str) -> Source:
    """Return the operator's source of that key, else raise NotFoundError, whether it exists or not."""
    source = operated_sources(staff).filter(key=key).first() if key.isprintable() else None
    if source is None:
        raise NotFoundError
    return source
