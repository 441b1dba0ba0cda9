"""The learner's way in, first page and way out. Like all their pages, they work without JavaScript."""

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integra_grading.pseudonym import short_code
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.handover import accept_handover, look_at_handover, refuse_handover
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import find_learner
from integra_service.people.tokens import HandoverClaims, TokenError
from integra_service.web.sessions import learner_page, start_learner_session

from .my_page import describe_my_page


@require_http_methods(["GET", "POST"])
@never_cache
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Use a hand-over link once and go on without it in the address.

    Where it would end somebody else's session it is asked first and used by the form's POST: a link that somebody
    else sent must not quietly make this browser theirs.
    """
    now = utc_now()
    try:
        if request.method == "GET":
            claims = look_at_handover(token, now)
            if ends_session(request, claims):
                return ask(request, claims)
        elif request.POST.get("respuesta") == "no":
            refuse_handover(token, now)
            return redirect(where_to_stay(request))
        identity = accept_handover(token, now)
    except TokenError as error:
        raise RequestError(
            "link_not_valid",
            _(
                "This link no longer works: it opens once and lasts five minutes. "
                "Go back to “My progress” in your classroom and press “My certificate” again."
            ),
            status=403,
        ) from error
    start_learner_session(request, identity)
    return redirect("web:my")


def ends_session(request: HttpRequest, claims: HandoverClaims) -> bool:
    """Tell whether somebody else than this learner has a session in this browser."""
    learner = find_learner(request)
    if learner is None:
        return isinstance(request.user, User)
    return (learner.source_id, learner.learner_uuid) != (claims.source.pk, claims.learner_uuid)


def ask(request: HttpRequest, claims: HandoverClaims) -> HttpResponse:
    learner = find_learner(request)
    context = {
        "entering_code": short_code(claims.learner_uuid),
        "inside_code": None if learner is None else learner.short_code,
    }
    return render(request, "integra/enter_instead.html", context)


def where_to_stay(request: HttpRequest) -> str:
    return reverse("web:console" if find_learner(request) is None else "web:my")


@require_GET
@never_cache
@learner_page
def my_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    return render(
        request,
        "integra/my.html",
        {"mine": describe_my_page(identity, utc_now()), "classroom_url": identity.source.url},
    )


@require_POST
@never_cache
def leave(request: HttpRequest) -> HttpResponse:
    """End the session and make the browser forget: the next person on a shared phone sees nothing.

    Only what is this host's: clearing cookies would reach the classroom on the same domain.
    """
    identity = find_learner(request)
    request.session.flush()
    context = {"classroom_url": None if identity is None else identity.source.url}
    response = render(request, "integra/left.html", context)
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
