"""Runs in the background: one task per chunk, each asks for the next."""

from celery import shared_task
from django.conf import settings

from integra_service.lib.clock import utc_now
from integra_service.lib.workers import ask_workers

from .models import Run
from .runs import Progress, work


@shared_task(name="integra.work_run")  # type: ignore[untyped-decorator]  # Celery has no types
def work_run_task(run_pk: int) -> None:
    """Do one chunk of a run and ask for the next; without a broker all of them, here and now.

    Whoever else is at the run asks for what comes after it, or ``integra_work`` does where it died.
    """
    run = Run.objects.get(pk=run_pk)
    progress = work(run, utc_now())
    while progress is Progress.GOES_ON and settings.CELERY_TASK_ALWAYS_EAGER:
        progress = work(run, utc_now())
    if progress is Progress.GOES_ON:
        request_work(run)


def request_work(run: Run) -> None:
    """Ask for a run to go on; whatever fails here is made up by ``integra_work``."""
    ask_workers(work_run_task, run.pk, otherwise="integra_work")
