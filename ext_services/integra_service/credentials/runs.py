"""Work over thousands of rows, a chunk at a time: it shows how far it is, and goes on after a restart.

Each row's work is repeatable, so that a chunk done twice by two workers changes nothing the second time.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.models import City, LearnerIdentity
from integra_service.people.services import Staff

from .issuing import issue_due
from .models import IN_FORCE, CredentialDocument, KeyState, ReplacementReason, Run, RunKind
from .replacing import replace
from .states import is_replaceable

logger = logging.getLogger(__name__)

CHUNK = 50
# A chunk takes some two seconds.
TAKEN = timedelta(seconds=30)


def start_run(kind: RunKind, *, by: str, now: datetime, city: City | None = None) -> Run:
    """Begin a run, or return the one of that kind and city that has not finished.

    Args:
        kind: What to do with each row.
        by: The actor as the audit trail names it.
        now: When.
        city: Whose learners an issue goes through; None for everybody's. Signing anew knows no city: a key has none.
    """
    draft = Run(kind=kind, city=city, started_by=by, started_at=now)
    try:
        with transaction.atomic():
            draft.total_count = _list_rows(draft).count()
            draft.save(force_insert=True)
            data = {"kind": kind.value} if city is None else {"kind": kind.value, "city": city.key}
            audit.record("run.started", actor=by, subject=f"run:{draft.uuid}", now=now, data=data)
            return draft
    except IntegrityError:
        # Finished meanwhile, the latest is the one that was in the way.
        return Run.objects.filter(kind=kind, city=city).latest("pk")


def start_issue(staff: Staff, city_id: int | None, now: datetime) -> Run:
    """Begin to issue to everybody of one of the officer's cities who reached it; None: of their only one."""
    own = City.objects.filter(pk__in=staff.officer_city_ids)
    chosen = list(own if city_id is None else own.filter(pk=city_id))
    if len(chosen) != 1:
        raise RequestError("choose_city", _("Choose one of your cities."), "city")
    return start_run(RunKind.ISSUE, by=staff.actor, now=now, city=chosen[0])


def list_runs(staff: Staff) -> QuerySet[Run]:
    """Return the runs an officer may see, the latest first: those of their cities, and signing anew, which has none."""
    own = Q(city__in=staff.officer_city_ids) | Q(city=None, kind=RunKind.RESIGN)
    return Run.objects.filter(own).select_related("city").order_by("-pk")


def access_run(staff: Staff, uuid: UUID) -> Run:
    """Return a run this officer may see, else raise NotFoundError."""
    run = list_runs(staff).filter(uuid=uuid).first()
    if run is None:
        raise NotFoundError
    return run


class Progress(StrEnum):
    """Where a run stands for whoever just worked at it."""

    FINISHED = "finished"
    GOES_ON = "goes_on"
    ELSEWHERE = "elsewhere"  # another process has the next chunk in its hands


def work(run: Run, now: datetime, *, chunk: int = CHUNK) -> Progress:
    """Do the next chunk, unless another process is at it; ``run`` then tells how far it is."""
    progress = _work_chunk(run, now, chunk) if _take(run, now) else Progress.ELSEWHERE
    run.refresh_from_db()
    return Progress.FINISHED if run.finished_at is not None else progress


def _take(run: Run, now: datetime) -> bool:
    """Keep the others from the next chunk for a while; they take it over when this process dies."""
    free = Run.objects.filter(Q(taken_until=None) | Q(taken_until__lt=now), pk=run.pk, finished_at=None)
    return bool(free.update(taken_until=now + TAKEN))


def _work_chunk(run: Run, now: datetime, chunk: int) -> Progress:
    start = Run.objects.get(pk=run.pk).cursor
    pks = list(_list_rows(run).filter(pk__gt=start).values_list("pk", flat=True)[:chunk])
    made = failed = 0
    for pk in pks:
        try:
            made += _WORK[RunKind(run.kind)](run, pk, now)
        except Exception:
            logger.exception("a row of a run failed; the run goes on")
            failed += 1
    same = Run.objects.filter(pk=run.pk, cursor=start, finished_at=None)
    if not pks:
        same.update(finished_at=now, taken_until=None)
        return Progress.FINISHED
    # Whoever was first counts; one that took over from a slow process did the same rows without effect.
    same.update(
        cursor=pks[-1],
        done_count=F("done_count") + len(pks),
        made_count=F("made_count") + made,
        failed_count=F("failed_count") + failed,
        taken_until=None,
        moved_at=now,
    )
    return Progress.GOES_ON


def list_open_runs() -> QuerySet[Run]:
    return Run.objects.filter(finished_at=None).order_by("pk")


def _list_rows(run: Run) -> "QuerySet[LearnerIdentity] | QuerySet[CredentialDocument]":
    return _ROWS[RunKind(run.kind)](run).order_by("pk")


def _list_learners(run: Run) -> QuerySet[LearnerIdentity]:
    learners = LearnerIdentity.objects.for_system().filter(record__isnull=False, retired_at=None)
    return learners if run.city_id is None else learners.filter(person__city=run.city_id)


def _list_compromised(_run: Run) -> QuerySet[CredentialDocument]:
    return _signed_by_compromised()


def _signed_by_compromised() -> QuerySet[CredentialDocument]:
    """Return the documents in force whose proof a compromised key made; JWTs alone are made anew by the start."""
    in_force = CredentialDocument.objects.for_system().filter(
        signing_key__state=KeyState.COMPROMISED, replaced_at=None
    )
    return in_force.filter(credential__state__in=IN_FORCE)


def _issue(run: Run, pk: int, now: datetime) -> int:
    """Issue what one learner reached; return how many credentials are new since the run began, whoever issued them.

    Of two workers at the same rows only one counts, and it may be the one that came second to each.
    """
    identity = LearnerIdentity.objects.for_system().select_related("person", "source").get(pk=pk)
    return sum(credential.awarded_at >= run.started_at for credential in issue_due(identity, now))


def _resign(_run: Run, pk: int, now: datetime) -> int:
    document = _signed_by_compromised().filter(pk=pk).select_related("credential__person").first()
    if document is None or not is_replaceable(document.credential, now):
        return 0
    replace(document, ReplacementReason.KEY_COMPROMISED, now)
    return 1


_ROWS: dict[RunKind, Callable[[Run], QuerySet[Any]]] = {
    RunKind.ISSUE: _list_learners,
    RunKind.RESIGN: _list_compromised,
}
_WORK: dict[RunKind, Callable[[Run, int, datetime], int]] = {RunKind.ISSUE: _issue, RunKind.RESIGN: _resign}
