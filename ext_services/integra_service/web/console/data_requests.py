"""Who answers people's requests about their data: credential officers, in their own cities."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.data_requests import (
    REFUSALS,
    access_request,
    list_settled,
    list_waiting,
    refuse,
)
from integra_service.people.models import DataRequest, RefusalReason, RequestKind
from integra_service.people.services import Staff, confirmed_names, list_short_codes
from integra_service.privacy.answering import carry_out_for, finish
from integra_service.web.request_words import REFUSAL_LABELS, describe_request
from integra_service.web.sessions import officer_page

MAX_SETTLED = 50


@require_GET
@never_cache
@officer_page
def waiting(request: HttpRequest, staff: Staff) -> HttpResponse:
    """List what waits, the most urgent first, and what was answered last."""
    now = utc_now()
    rows = list_waiting(staff)
    names = confirmed_names([row.person for row in rows])
    context = {
        "waiting": [
            {
                "request": describe_request(row, now),
                "name": names.get(row.person_id),
                "city": row.person.city.name,
            }
            for row in rows
        ],
        "settled": [describe_request(row, now) for row in list_settled(staff, limit=MAX_SETTLED)],
    }
    return render(request, "integra/data_requests.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@officer_page
def data_request(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    """Show one request and take its answer."""
    row = access_request(staff, uuid)
    if request.method == "GET":
        return show(request, row)
    try:
        answer(request, staff, row)
    except RequestError as error:
        return show(request, row, problem=error.message, status=error.status)
    messages.success(request, _("Answered. The person sees it on their page."))
    return redirect("web:data-request", row.uuid)


def answer(request: HttpRequest, staff: Staff, row: DataRequest) -> None:
    now = utc_now()
    match request.POST.get("respuesta"):
        case "negar":
            reason = request.POST.get("motivo", "")
            if reason not in RefusalReason.values:
                raise RequestError("reason_missing", _("Choose why it is refused."), "motivo")
            refuse(staff, row.uuid, RefusalReason(reason), now=now)
        case "hecho" if row.kind != RequestKind.ERASURE:
            finish(staff, row.uuid, now=now)
        case "borrar" if row.kind == RequestKind.ERASURE:
            if request.POST.get("seguro") != "si":
                raise RequestError("not_confirmed", _("Confirm that you spoke with the person."), "seguro")
            carry_out_for(staff, row.uuid, now=now)
        case _:
            raise RequestError("answer_missing", _("Choose an answer."), "respuesta")


def show(request: HttpRequest, row: DataRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    row.refresh_from_db()
    is_known = row.person.erased_at is None
    reasons = [(reason.value, REFUSAL_LABELS[reason]) for reason in REFUSALS[RequestKind(row.kind)]]
    context = {
        "data_request": describe_request(row, utc_now()),
        "person": row.person if is_known else None,
        "name": confirmed_names([row.person]).get(row.person_id),
        "short_codes": list_short_codes([row.person]).get(row.person_id, ()) if is_known else (),
        "reasons": reasons,
        "problem": problem,
    }
    return render(request, "integra/data_request.html", context, status=status)
