"""Work over thousands of rows, a chunk at a time: it shows how far it is, and goes on after a restart.

Each row's work is repeatable, so that a chunk done twice by two workers changes nothing the second time.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from integra_service.audit import services as audit
from integra_service.people.models import LearnerIdentity

from .issuing import issue_due, replace
from .models import CredentialDocument, CredentialState, KeyState, ReplacementReason, Run, RunKind

logger = logging.getLogger(__name__)

CHUNK = 50


def start_run(kind: RunKind, *, by: str, now: datetime) -> Run:
    """Begin a run, or return the one of that kind that has not finished."""
    try:
        with transaction.atomic():
            total = _list_rows(kind).count()
            run = Run.objects.create(kind=kind, total_count=total, started_by=by, started_at=now)
            subject = f"run:{run.uuid}"
            audit.record("run.started", actor=by, subject=subject, now=now, data={"kind": kind.value})
            return run
    except IntegrityError:
        return Run.objects.get(kind=kind, finished_at=None)


def work(run: Run, now: datetime, *, chunk: int = CHUNK) -> bool:
    """Do the next chunk; return whether the run has finished."""
    start = Run.objects.get(pk=run.pk).cursor
    pks = list(_list_rows(RunKind(run.kind)).filter(pk__gt=start).values_list("pk", flat=True)[:chunk])
    made = failed = 0
    for pk in pks:
        try:
            made += _WORK[RunKind(run.kind)](pk, now)
        except Exception:
            logger.exception("a row of a run failed; the run goes on")
            failed += 1
    same = Run.objects.filter(pk=run.pk, cursor=start, finished_at=None)
    if pks:
        # Whoever was first counts; the other one did the same rows without effect.
        same.update(
            cursor=pks[-1],
            done_count=F("done_count") + len(pks),
            made_count=F("made_count") + made,
            failed_count=F("failed_count") + failed,
        )
    else:
        same.update(finished_at=now)
    run.refresh_from_db()
    return run.finished_at is not None


def list_open_runs() -> QuerySet[Run]:
    return Run.objects.filter(finished_at=None).order_by("pk")


def _list_rows(kind: RunKind) -> "QuerySet[LearnerIdentity] | QuerySet[CredentialDocument]":
    return _ROWS[kind]().order_by("pk")


def _list_learners() -> QuerySet[LearnerIdentity]:
    return LearnerIdentity.objects.for_system().filter(record__isnull=False, retired_at=None)


def _list_compromised() -> QuerySet[CredentialDocument]:
    """Return the documents in force that a compromised key signed, in any of their forms."""
    compromised = Q(signing_key__state=KeyState.COMPROMISED) | Q(jose_key__state=KeyState.COMPROMISED)
    in_force = CredentialDocument.objects.for_system().filter(compromised, replaced_at=None)
    return in_force.filter(credential__state__in=[CredentialState.VALID, CredentialState.SUSPENDED])


def _issue(pk: int, now: datetime) -> int:
    """Issue what one learner reached; return how many credentials are new."""
    identity = LearnerIdentity.objects.for_system().select_related("person", "source").get(pk=pk)
    return sum(credential.awarded_at == now for credential in issue_due(identity, now))


def _resign(pk: int, now: datetime) -> int:
    document = _list_compromised().filter(pk=pk).select_related("credential").first()
    if document is None:
        return 0
    replace(document.credential, ReplacementReason.KEY_COMPROMISED, now)
    return 1


_ROWS: dict[RunKind, Callable[[], QuerySet]] = {
    RunKind.ISSUE: _list_learners,
    RunKind.RESIGN: _list_compromised,
}
_WORK: dict[RunKind, Callable[[int, datetime], int]] = {RunKind.ISSUE: _issue, RunKind.RESIGN: _resign}
