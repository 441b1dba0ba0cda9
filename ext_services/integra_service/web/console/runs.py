"""Issuing to everybody who reached it, as work in the background that shows how far it is."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integra_service.credentials.services import (
    Run,
    RunKind,
    access_run,
    list_runs,
    request_work,
    start_issue,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import City
from integra_service.people.services import Staff
from integra_service.web.sessions import officer_page
from integra_service.web.wording import name_actors

SHOWN = 50


@require_http_methods(["GET", "POST"])
@never_cache
@officer_page
def runs(request: HttpRequest, staff: Staff) -> HttpResponse:
    """The runs of one's cities; by POST one begins, or goes on where it stopped."""
    if request.method == "GET":
        return show(request, staff)
    try:
        run = start_issue(staff, read_city(request), utc_now())
    except RequestError as error:
        return show(request, staff, error.message, error.status)
    if run.finished_at is None:
        request_work(run)  # it is committed: a worker may take it at once
    return redirect("web:run", run.uuid)


def show(request: HttpRequest, staff: Staff, problem: str = "", status: int = 200) -> HttpResponse:
    found = list(list_runs(staff)[:SHOWN])
    actors = name_actors([run.started_by for run in found])
    context = {
        "runs": [describe_run(run, actors[run.started_by]) for run in found],
        "cities": City.objects.filter(pk__in=staff.officer_city_ids).order_by("name"),
        "problem": problem,
    }
    return render(request, "integra/runs.html", context, status=status)


@require_GET
@never_cache
@officer_page
def run(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    row = access_run(staff, uuid)
    who = name_actors([row.started_by])[row.started_by]
    return render(request, "integra/run.html", {"run": describe_run(row, who)})


def describe_run(row: Run, who: str) -> dict[str, object]:
    """Return what may be shown: signing anew goes over all cities, so of it only shares and no counts."""
    share = 100 if row.finished_at else int(100 * row.done_count / row.total_count) if row.total_count else 0
    return {
        "row": row,
        "who": who,
        "percent": min(share, 100),
        "is_issue": row.kind == RunKind.ISSUE,
        "has_failed": row.failed_count > 0,
    }


def read_city(request: HttpRequest) -> int | None:
    text = request.POST.get("city", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
