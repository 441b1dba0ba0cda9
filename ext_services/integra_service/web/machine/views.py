"""The operator's pages: what came in, what waits, what drifts, and the sources and rules behind it.

Nobody's name or answer stands here: sources, counts, ages, pseudonyms.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.services import Staff, access_source, operated_sources
from integra_service.records.comparing import compare_soon
from integra_service.records.inspection import (
    access_check,
    access_parked,
    access_refused,
    count_parked,
    find_last_seen,
    find_short_code,
    list_gaps,
    list_manifests,
    list_parked,
    list_refusal_codes,
    list_refused,
)
from integra_service.records.monitoring import latest_checks, latest_reports, measure_inbox
from integra_service.records.retrying import retry_event, retry_reason
from integra_service.upkeep.alarms import list_alarms
from integra_service.web.sessions import operator_page

from .source_facts import describe_source
from .words import describe_alarm, describe_differences, explain_reason, name_check

MAX_PK_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a list is asked for."""

    source_key: str
    reason: str
    before: int | None


def read_filters(request: HttpRequest) -> Filters:
    before = request.GET.get("antes", "")
    if before and (not before.isascii() or not before.isdigit() or len(before) > MAX_PK_DIGITS):
        raise RequestError("bad_position", _("This address cannot be understood."), "antes")
    source_key, reason = request.GET.get("fuente", "")[:64], request.GET.get("motivo", "")[:64]
    if "\x00" in source_key + reason:
        raise RequestError("bad_filter", _("This address cannot be understood."))
    return Filters(source_key, reason, int(before) if before else None)


@require_GET
@never_cache
@operator_page
def overview(request: HttpRequest, staff: Staff) -> HttpResponse:
    now = utc_now()
    source_ids = [source.pk for source in operated_sources(staff)]
    figures = measure_inbox(now, source_ids)
    context = {
        "figures": figures,
        "alarms": [describe_alarm(alarm) for alarm in list_alarms(figures, now, source_ids)],
        "oldest_new": timesince(now - timedelta(seconds=figures.oldest_new_seconds), now, depth=1),
        "parked_total": sum(figures.parked_counts.values()),
        "oldest_parked": timesince(now - timedelta(seconds=figures.oldest_parked_seconds), now, depth=1),
        "checks": [(name_check(report), report) for report in latest_checks(source_ids)],
        "source_count": len(source_ids),
    }
    return render(request, "integra/machine.html", context)


@require_GET
@never_cache
@operator_page
def parked(request: HttpRequest, staff: Staff) -> HttpResponse:
    asked = read_filters(request)
    page = list_parked(staff, source_key=asked.source_key, reason=asked.reason, before=asked.before)
    groups = [(group, explain_reason(group.reason)) for group in count_parked(staff)]
    labelled = [(event, explain_reason(event.reason)) for event in page.rows]
    context = {"page": page, "groups": groups, "labelled": labelled, "asked": asked}
    return render(request, "integra/machine_parked.html", context)


@require_GET
@never_cache
@operator_page
def parked_event(request: HttpRequest, staff: Staff, pk: int) -> HttpResponse:
    event = access_parked(staff, pk)
    common = json.loads(event.body)["data"]
    context = {
        "event": event,
        "reason": explain_reason(event.reason),
        "short_code": find_short_code(event.source, event),
        "city_key": common["city_key"],
        "course_key": common["course_key"],
    }
    return render(request, "integra/machine_parked_event.html", context)


@require_POST
@never_cache
@operator_page
def retry_one(request: HttpRequest, staff: Staff, pk: int) -> HttpResponse:
    retry_event(access_parked(staff, pk), actor=staff.actor, now=utc_now())
    messages.success(
        request, _("It is being tried again. If it is not listed here any more, it was applied.")
    )
    return redirect("web:machine-parked")


@require_POST
@never_cache
@operator_page
def retry_all(request: HttpRequest, staff: Staff, key: str) -> HttpResponse:
    source = access_source(staff, key)
    reason = request.POST.get("reason", "")
    known = {group.reason for group in count_parked(staff) if group.source_key == source.key}
    if reason not in known:
        raise RequestError("nothing_parked", _("Nothing of this source is held for this reason."), "reason")
    retry_reason(source, reason, actor=staff.actor, now=utc_now())
    messages.success(request, _("They are being tried again. What is not listed here any more was applied."))
    return redirect("web:machine-parked")


@require_GET
@never_cache
@operator_page
def refused(request: HttpRequest, staff: Staff) -> HttpResponse:
    asked = read_filters(request)
    page = list_refused(staff, source_key=asked.source_key, code=asked.reason, before=asked.before)
    context = {
        "page": page,
        "codes": list_refusal_codes(staff),
        "sources": operated_sources(staff),
        "asked": asked,
    }
    return render(request, "integra/machine_refused.html", context)


@require_GET
@never_cache
@operator_page
def refused_event(request: HttpRequest, staff: Staff, pk: int) -> HttpResponse:
    return render(request, "integra/machine_refused_event.html", {"event": access_refused(staff, pk)})


@require_GET
@never_cache
@operator_page
def gaps(request: HttpRequest, staff: Staff) -> HttpResponse:
    source_ids = [source.pk for source in operated_sources(staff)]
    context = {"gaps": list_gaps(source_ids), "total": measure_inbox(utc_now(), source_ids).gap_count}
    return render(request, "integra/machine_gaps.html", context)


@require_GET
@never_cache
@operator_page
def sources(request: HttpRequest, staff: Staff) -> HttpResponse:
    rows = list(operated_sources(staff).prefetch_related("cities"))
    reports = {report.source_id: report for report in latest_reports([row.pk for row in rows])}
    context = {"rows": [(row, reports.get(row.pk), find_last_seen(row)) for row in rows]}
    return render(request, "integra/machine_sources.html", context)


@require_GET
@never_cache
@operator_page
def source(request: HttpRequest, staff: Staff, key: str) -> HttpResponse:
    row = access_source(staff, key)
    context = {"source": row, "facts": describe_source(row, utc_now())}
    return render(request, "integra/machine_source.html", context)


@require_POST
@never_cache
@operator_page
def source_compare(request: HttpRequest, staff: Staff, key: str) -> HttpResponse:
    row = access_source(staff, key)
    report = compare_soon(row, actor=staff.actor, now=utc_now())
    if report.finished_at is None:
        messages.success(request, _("The comparison was asked for. Look again in a moment."))
    return redirect("web:machine-source", row.key)


@require_GET
@never_cache
@operator_page
def manifests(request: HttpRequest, staff: Staff) -> HttpResponse:
    return render(request, "integra/machine_manifests.html", {"manifests": list_manifests(staff)})


@require_GET
@never_cache
@operator_page
def check(request: HttpRequest, staff: Staff, pk: int) -> HttpResponse:
    report = access_check(staff, pk)
    context = {"report": report, "kind": name_check(report), "differences": describe_differences(report)}
    return render(request, "integra/machine_check.html", context)
