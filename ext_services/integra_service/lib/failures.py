"""Answers for what went wrong: JSON for machines, a page with a way out for people."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from .accepting import prefer_type
from .errors import BusyError, RequestError

PAGE, JSON = "text/html", "application/json"


def answer_error(request: HttpRequest, error: RequestError) -> HttpResponse:
    response = describe_error(request, error)
    if isinstance(error, BusyError):
        response["Retry-After"] = str(error.wait_seconds)
    return response


def describe_error(request: HttpRequest, error: RequestError) -> HttpResponse:
    if request.path.startswith("/api/") or prefer_type(request, (PAGE, JSON)) == JSON:
        body: dict[str, str] = {"code": error.code, "message": error.message}
        if error.field is not None:
            body["field"] = error.field
        return JsonResponse(body, status=error.status)
    return render(
        request,
        "integra/error.html",
        {"message": error.message, "code": error.code, "way_out": error.way_out},
        status=error.status,
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = RequestError("not_found", _("We cannot find this page."), status=404)
    return answer_error(request, error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = RequestError("bad_request", _("This request cannot be understood."), status=400)
    return answer_error(request, error)


def server_error(request: HttpRequest) -> HttpResponse:
    error = RequestError("internal_error", _("Something failed on our side. Try again later."), status=500)
    return answer_error(request, error)
