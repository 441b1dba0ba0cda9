"""Headers every answer carries, and the one place where an error becomes an answer."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.utils.translation import gettext as _

from .errors import BusyError, RequestError
from .failures import answer_error

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
RETRY_SECONDS = 10
# Of this host alone: what stands under it is somebody else's.
HSTS = "max-age=31536000"


class SecurityHeadersMiddleware:
    """Set the policy headers; a view that knows better (a cacheable public file) sets its own first."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        headers.setdefault("Cache-Control", "no-store")
        if settings.USES_HTTPS:
            headers.setdefault("Strict-Transport-Security", HSTS)
        return response


class ErrorMiddleware:
    """Turn our own errors into a page or JSON; a database that is away is 503, never a stack trace."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RequestError):
            return answer_error(request, exception)
        # Away, locked or full; any other database error is ours and stays visible as one.
        if isinstance(exception, OperationalError | InterfaceError):
            logger.error("database unavailable: %s", type(exception).__name__)
            return answer_unavailable(request)
        return None


class MethodMiddleware:
    """Give a page to whoever asks by a method that an address does not have: Django's own answer is empty."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        error = RequestError("method_not_allowed", _("This address does not take that. Go back."), status=405)
        answer = answer_error(request, error)
        answer["Allow"] = response["Allow"]
        return answer


def answer_unavailable(request: HttpRequest) -> HttpResponse:
    message = _("Nothing can be saved at this moment. Try again in a while.")
    return answer_error(request, BusyError("storage_unavailable", message, wait_seconds=RETRY_SECONDS))
