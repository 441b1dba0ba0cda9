"""What is said of a form whose token is not this browser's."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.failures import answer_error
from integra_service.web.learner.door import is_inside
from integra_service.web.sessions import WHOSE_FIELD, explain_form

LEARNER_PATH = "/mi/"


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say whose page it was, where the learner changed; let in who pressed the button of their link twice."""
    match = request.resolver_match
    error = None
    if match is not None and match.view_name == "web:enter":
        if is_inside(request, match.kwargs["token"], utc_now()):
            return redirect("web:my")
    elif request.path.startswith(LEARNER_PATH) and WHOSE_FIELD in request.POST:
        error = explain_form(request)
    return answer_error(request, error or explain_expiry())


def explain_expiry() -> RequestError:
    return RequestError(
        "form_expired", _("This form is no longer valid. Go back, reload the page and try again."), status=403
    )
