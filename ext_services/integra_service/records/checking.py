"""The nightly checker's part about records: standings recomputed, differences kept; nothing else is changed.

Another app's checker (credentials and their evidence) is called beside it and keeps its reports in the same table,
under a kind of its own (``store_report``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models import Max

from integra_grading.manifest import Manifest, parse_manifest
from integra_service.lib.clock import utc_now
from integra_service.people.models import Source

from .models import CheckReport, InboxEvent, InboxState, LearningRecordRow
from .models import Manifest as ManifestRow
from .standing_check import Difference, UnknownRules, check_learner
from .storage import load_record

STANDING = "standing"
DIFFERENCES_KEPT = 200
# A standing travels with the fact that changed it, but perhaps in the next delivery.
SETTLED_AFTER = timedelta(hours=1)


def check_standings(source: Source) -> CheckReport:
    """Recompute the standings of every learner of a source, store the report and return it.

    Left out are the retired, those of whom a number is missing or an event is held, and those who did something within
    the last hour: their standing may still be on its way.
    """
    started_at = utc_now()
    manifests = load_manifests()
    unsettled = list_unsettled(source, started_at)
    checked = skipped = 0
    differences: list[dict[str, object]] = []
    rows = LearningRecordRow.objects.for_system().filter(identity__source=source).select_related("identity")
    for row in rows.order_by("pk").iterator(chunk_size=200):
        record = load_record(row.content)
        if record.is_retired or record.missing or row.identity.learner_uuid in unsettled:
            skipped += 1
            continue
        found = check_learner(record, manifests)
        checked += found.checked_count
        skipped += found.skipped_count
        differences += [describe(row.identity.short_code, difference) for difference in found.differences]
    return store_report(
        source, STANDING, started_at=started_at, checked=checked, skipped=skipped, differences=differences
    )


def store_report(
    source: Source,
    kind: str,
    *,
    started_at: datetime,
    checked: int,
    skipped: int,
    differences: Sequence[Mapping[str, object]],
) -> CheckReport:
    """Keep what a checker found over one source; ``differences`` hold pseudonyms and keys only."""
    return CheckReport.objects.create(
        source=source,
        kind=kind,
        started_at=started_at,
        finished_at=utc_now(),
        checked_count=checked,
        skipped_count=skipped,
        difference_count=len(differences),
        differences=json.dumps(differences[:DIFFERENCES_KEPT]),
    )


def load_manifests() -> dict[str, Manifest]:
    rows = ManifestRow.objects.values_list("rule_version", "content")
    return {rule_version: parse_manifest(json.loads(content)) for rule_version, content in rows}


def list_unsettled(source: Source, now: datetime) -> set[object]:
    """Return the learners of whom something is held or waits, or came a moment ago."""
    events = InboxEvent.objects.filter(source=source).order_by()
    waiting = events.exclude(state=InboxState.APPLIED).values_list("learner_uuid", flat=True)
    latest = events.filter(received_at__gt=now - SETTLED_AFTER).values("learner_uuid")
    recent = latest.annotate(last=Max("received_at")).values_list("learner_uuid", flat=True)
    return {*waiting.distinct(), *recent}


def describe(short_code: str, difference: Difference | UnknownRules) -> dict[str, object]:
    return {"short_code": short_code, **asdict(difference)}
