"""What an operator may look at: parked and refused events, gaps, manifests; only of the sources they keep."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Count, QuerySet

from integra_grading.manifest import parse_manifest
from integra_service.lib.errors import NotFoundError
from integra_service.lib.paging import Page, take_page
from integra_service.people.models import LearnerIdentity, Source
from integra_service.people.services import Staff, operated_sources

from .models import CheckReport, InboxEvent, InboxState, LearningRecordRow, RefusedEvent
from .models import Manifest as ManifestRow

MAX_GAPS = 50
E = TypeVar("E", InboxEvent, RefusedEvent)


@dataclass(frozen=True, slots=True)
class ParkedGroup:
    """How many events of one source are parked for one reason."""

    source_key: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A learner of whom events never arrived: pseudonyms and numbers only."""

    source_key: str
    short_code: str
    last_sequence: int
    missing_count: int
    missing: tuple[int, ...]  # the first of them


@dataclass(frozen=True, slots=True)
class ManifestView:
    """One registered manifest and who relies on it."""

    digest: str
    course_key: str
    title: str
    registered_at: datetime
    facts_count: int  # of the operator's sources
    banks: tuple[tuple[str, bool], ...]  # id, public


def list_parked(staff: Staff, *, source_key: str, reason: str, before: int | None) -> Page[InboxEvent]:
    """Return a page of parked events, the latest first."""
    events = parked_events(staff)
    if reason:
        events = events.filter(reason=reason)
    return page_before(events, source_key=source_key, before=before)


def count_parked(staff: Staff) -> tuple[ParkedGroup, ...]:
    groups = parked_events(staff).values_list("source__key", "reason").annotate(n=Count("pk"))
    return tuple(ParkedGroup(*group) for group in groups.order_by("source__key", "reason"))


def access_parked(staff: Staff, pk: int) -> InboxEvent:
    event = parked_events(staff).select_related("source").filter(pk=pk).first()
    if event is None:
        raise NotFoundError
    return event


def parked_events(staff: Staff) -> QuerySet[InboxEvent]:
    return InboxEvent.objects.filter(state=InboxState.PARKED, source__in=operated_sources(staff))


def list_refused(staff: Staff, *, source_key: str, code: str, before: int | None) -> Page[RefusedEvent]:
    """Return a page of refused events, the latest first."""
    events = refused_events(staff)
    if code:
        events = events.filter(code=code)
    return page_before(events, source_key=source_key, before=before)


def page_before(events: QuerySet[E], *, source_key: str, before: int | None) -> Page[E]:
    """Return the page of the latest events before that one."""
    if source_key:
        events = events.filter(source__key=source_key)
    if before is not None:
        events = events.filter(pk__lt=before)
    return take_page(events.select_related("source").order_by("-pk"))


def list_refusal_codes(staff: Staff) -> tuple[str, ...]:
    return tuple(refused_events(staff).order_by("code").values_list("code", flat=True).distinct())


def access_refused(staff: Staff, pk: int) -> RefusedEvent:
    event = refused_events(staff).select_related("source").filter(pk=pk).first()
    if event is None:
        raise NotFoundError
    return event


def refused_events(staff: Staff) -> QuerySet[RefusedEvent]:
    return RefusedEvent.objects.filter(source__in=operated_sources(staff))


def access_check(staff: Staff, pk: int) -> CheckReport:
    reports = CheckReport.objects.filter(source__in=operated_sources(staff)).select_related("source")
    report = reports.filter(pk=pk).first()
    if report is None:
        raise NotFoundError
    return report


def list_gaps(source_ids: Collection[int]) -> tuple[Gap, ...]:
    """Return the learners with most numbers missing first."""
    rows = LearningRecordRow.objects.for_system().filter(missing_count__gt=0, identity__source__in=source_ids)
    rows = rows.select_related("identity__source").order_by("-missing_count", "pk")[:MAX_GAPS]
    return tuple(describe_gap(row) for row in rows)


def describe_gap(row: LearningRecordRow) -> Gap:
    missing = tuple(json.loads(row.content)["missing"][:10])
    identity = row.identity
    return Gap(identity.source.key, identity.short_code, row.last_sequence, row.missing_count, missing)


def find_short_code(source: Source, event: InboxEvent) -> str:
    """Return the short code of the event's learner; empty before anything of theirs counted."""
    identities = LearnerIdentity.objects.for_system().filter(source=source, learner_uuid=event.learner_uuid)
    return identities.values_list("short_code", flat=True).first() or ""


def find_last_seen(source: Source) -> datetime | None:
    latest = InboxEvent.objects.filter(source=source).order_by("-received_at")
    return latest.values_list("received_at", flat=True).first()


def list_manifests(staff: Staff) -> tuple[ManifestView, ...]:
    """Return every registered manifest, the latest first, with the facts of the operator's sources that name it."""
    facts = InboxEvent.objects.filter(source__in=operated_sources(staff)).order_by()
    counts = dict(facts.values_list("rule_version").annotate(n=Count("pk")))
    rows = ManifestRow.objects.order_by("-registered_at", "-pk")
    return tuple(describe_manifest(row, counts.get(row.rule_version, 0)) for row in rows)


def describe_manifest(row: ManifestRow, facts_count: int) -> ManifestView:
    manifest = parse_manifest(json.loads(row.content))
    return ManifestView(
        digest=row.rule_version,
        course_key=manifest.course.key,
        title=manifest.course.title,
        registered_at=row.registered_at,
        facts_count=facts_count,
        banks=tuple((bank.id, bank.is_public) for bank in manifest.banks),
    )
