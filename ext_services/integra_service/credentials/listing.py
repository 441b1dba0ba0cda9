"""The register of issued credentials as staff go through it: filtered, newest first, one page after the other."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from integra_service.lib.errors import NotFoundError
from integra_service.lib.paging import Page, take_page
from integra_service.people.services import Staff

from .approvals import count_waiting_policies
from .models import Credential, CredentialDocument, CredentialState, Finding, RequestedAct
from .runs import list_runs

LONG_SUSPENSION = timedelta(days=30)


class Shown(StrEnum):
    """Which credentials to show, by what became of them."""

    VALID = "valid"
    SUSPENDED = "suspended"
    LONG_SUSPENDED = "long_suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ERASED = "erased"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the register is narrowed to; everything left out narrows nothing."""

    shown: Shown | None = None
    achievement_key: str = ""
    city_id: int | None = None
    from_at: datetime | None = None  # awarded at or after
    before_at: datetime | None = None  # awarded before
    has_finding: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an officer, in numbers."""

    finding_count: int
    act_count: int
    long_suspended_count: int
    policy_count: int
    run_count: int


def list_register(staff: Staff, filters: Filters, after: UUID | None, now: datetime) -> Page[Credential]:
    """Return the page that begins after the credential ``after``, or the first; NotFoundError for one of another city.

    Each row carries ``has_finding`` and ``waits`` (for a second person).
    """
    rows = _narrow(_list_issued(staff.city_ids), filters, now)
    if after is not None:
        rows = _go_on(rows, _list_issued(staff.city_ids), after)
    rows = rows.annotate(
        has_finding=Exists(_open_findings().filter(credential=OuterRef("pk"))),
        waits=Exists(_open_acts().filter(credential=OuterRef("pk"))),
    )
    return take_page(rows.select_related("person__city").order_by("-awarded_at", "-pk"))


def count_waiting(staff: Staff, now: datetime) -> Waiting:
    """Return what waits in the cities this member of the staff is an officer of."""
    issued = _list_issued(staff.officer_city_ids)
    return Waiting(
        finding_count=_narrow(issued, Filters(has_finding=True), now).count(),
        act_count=_narrow(issued, Filters(waits=True), now).count(),
        long_suspended_count=_narrow(issued, Filters(shown=Shown.LONG_SUSPENDED), now).count(),
        policy_count=count_waiting_policies(),
        run_count=list_runs(staff).filter(finished_at=None).count(),
    )


def _list_issued(city_ids: Collection[int]) -> QuerySet[Credential]:
    return Credential.objects.in_cities(city_ids).exclude(state=CredentialState.INTENDED)


def _go_on(rows: QuerySet[Credential], issued: QuerySet[Credential], after: UUID) -> QuerySet[Credential]:
    last = issued.filter(uuid=after).values_list("awarded_at", "pk").first()
    if last is None:
        raise NotFoundError
    awarded_at, pk = last
    # Two conditions and not one with OR: the first is what the index begins at.
    return rows.filter(awarded_at__lte=awarded_at).filter(Q(awarded_at__lt=awarded_at) | Q(pk__lt=pk))


def _narrow(rows: QuerySet[Credential], filters: Filters, now: datetime) -> QuerySet[Credential]:
    if filters.shown is not None:
        rows = rows.filter(_says(filters.shown, now))
    if filters.achievement_key:
        rows = rows.filter(achievement_key=filters.achievement_key)
    if filters.city_id is not None:
        rows = rows.filter(person__city_id=filters.city_id)
    if filters.from_at is not None:
        rows = rows.filter(awarded_at__gte=filters.from_at)
    if filters.before_at is not None:
        rows = rows.filter(awarded_at__lt=filters.before_at)
    if filters.has_finding:
        rows = rows.filter(pk__in=_open_findings().values("credential"))
    if filters.waits:
        rows = rows.filter(pk__in=_open_acts().values("credential"))
    return rows


def _says(shown: Shown, now: datetime) -> Q:
    is_past = Q(expires_at__isnull=False, expires_at__lt=now)
    is_valid = Q(state=CredentialState.VALID)
    replaced = CredentialDocument.objects.for_system().filter(replaced_at__isnull=False)
    return {
        Shown.VALID: is_valid & ~is_past,
        Shown.EXPIRED: is_valid & is_past,
        Shown.SUSPENDED: Q(state=CredentialState.SUSPENDED),
        Shown.LONG_SUSPENDED: Q(state=CredentialState.SUSPENDED, changed_at__lt=now - LONG_SUSPENSION),
        Shown.REVOKED: Q(state=CredentialState.REVOKED),
        Shown.ERASED: Q(state=CredentialState.ERASED),
        Shown.REPLACED: Q(pk__in=replaced.values("credential")),
    }[shown]


def _open_findings() -> QuerySet[Finding]:
    return Finding.objects.for_system().filter(settled_at=None)


def _open_acts() -> QuerySet[RequestedAct]:
    return RequestedAct.objects.for_system().filter(decision="")
