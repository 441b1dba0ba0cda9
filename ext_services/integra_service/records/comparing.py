"""Asking for a comparison with a source's outbox: a worker makes it, the console shows its report."""

from datetime import datetime

from celery import shared_task

from integra_service.lib.workers import ask_workers
from integra_service.people.models import Source

from .models import ReconcileReport
from .reconcile import carry_out, request_comparison


@shared_task(name="integra.reconcile")  # type: ignore[untyped-decorator]  # Celery has no types
def reconcile_task(report_pk: int) -> None:
    """Make a comparison that was asked for; a second worker with the same task finds it made."""
    report = ReconcileReport.objects.select_related("source").filter(pk=report_pk, finished_at=None).first()
    if report is not None:
        carry_out(report)


def compare_soon(source: Source, *, actor: str, now: datetime) -> ReconcileReport:
    """Ask for a comparison; with the broker away it waits to be asked for again."""
    report = request_comparison(source, actor=actor, now=now)
    ask_workers(reconcile_task, report.pk, otherwise="ask again, or integra_reconcile")
    report.refresh_from_db()
    return report
