"""What an operator's page says about one source; of secrets only their age and the beginning of their fingerprint."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy

from integra_service.people.models import SecretKind, Source, SourceSecret
from integra_service.records.inspection import find_last_seen
from integra_service.records.models import ReconcileReport

SECRET_LABELS = {
    SecretKind.WEBHOOK: gettext_lazy("Signs the events"),
    SecretKind.HANDOVER: gettext_lazy("Signs the way in for learners"),
    SecretKind.PULL: gettext_lazy("Signs comparisons and certificate states"),
}
FINGERPRINT_SHOWN = 8
REPORTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """An active secret; nothing here helps to guess it."""

    label: str
    fingerprint: str
    age_days: int


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Everything the page shows beside the source's own fields."""

    cities: tuple[str, ...]
    course_keys: tuple[str, ...]
    secrets: tuple[SecretFacts, ...]
    last_seen: datetime | None
    reports: tuple[ReconcileReport, ...]
    different_ids: tuple[str, ...]  # of the last comparison that found any
    distrusted_since: datetime | None  # nothing that arrived after it is believed for now


def describe_source(source: Source, now: datetime) -> SourceFacts:
    reports = tuple(source.reconcile_reports.order_by("-requested_at", "-pk")[:REPORTS_SHOWN])
    finished = [report for report in reports if report.finished_at is not None]
    return SourceFacts(
        cities=tuple(source.cities.order_by("name").values_list("name", flat=True)),
        course_keys=tuple(source.courses.order_by("course_key").values_list("course_key", flat=True)),
        secrets=tuple(
            describe_secret(secret, now)
            for secret in source.secrets.filter(retired_at__isnull=True).order_by("kind", "-created_at")
        ),
        last_seen=find_last_seen(source),
        reports=reports,
        different_ids=tuple(json.loads(finished[0].different_ids)) if finished else (),
        distrusted_since=source.distrusts.filter(lifted_at=None).values_list("since", flat=True).first(),
    )


def describe_secret(secret: SourceSecret, now: datetime) -> SecretFacts:
    return SecretFacts(
        str(SECRET_LABELS[SecretKind(secret.kind)]),
        secret.fingerprint[:FINGERPRINT_SHOWN],
        max(0, (now - secret.created_at).days),
    )
