"""The learner's way in, first page and way out. Like all their pages, they work without JavaScript."""

import secrets
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integra_grading.pseudonym import short_code
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.handover import (
    UsedLinkError,
    accept_handover,
    look_at_handover,
    refuse_handover,
)
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import find_learner
from integra_service.people.tokens import HANDOVER_SECONDS, HandoverClaims, TokenError
from integra_service.web.sessions import forget_messages, learner_page, start_learner_session
from integra_service.web.ways_out import find_classroom_url

from .my_page import describe_my_page

# A random mark of the browser that was asked whether to enter (people/handover.py).
MARK_COOKIE = f"{settings.COOKIE_PREFIX}integra_asked"


@require_http_methods(["GET", "POST"])
@never_cache
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Use a hand-over link once and go on without it in the address.

    Where it would end somebody else's session it is asked first and used by the form's POST: a link that somebody
    else sent must not quietly make this browser theirs.
    """
    now, mark = utc_now(), ""
    try:
        if request.method == "GET":
            claims = look_at_handover(token, now)
            if ends_session(request, claims):
                return ask(request, claims)
        elif request.POST.get("respuesta") == "no":
            # Closing must always be possible, also with a link that no longer works.
            with suppress(TokenError):
                refuse_handover(token, now)
            return close(request)
        else:
            mark = request.COOKIES.get(MARK_COOKIE, "")
        identity = accept_handover(token, now, mark)
    except TokenError as error:
        if isinstance(error, UsedLinkError) and is_learner(request, error.claims):
            return redirect("web:my")
        raise RequestError(
            "link_not_valid",
            _(
                "This link no longer works: it opens once and lasts five minutes. "
                "Go back to “My progress” in your classroom and press “My certificate” again."
            ),
            status=403,
            way_out=None if error.source is None else error.source.url,
        ) from error
    start_learner_session(request, identity, now)
    return redirect("web:my")


def is_inside(request: HttpRequest, token: str, now: datetime) -> bool:
    """Tell whether this link was used and whom it hands over has this browser's session."""
    try:
        look_at_handover(token, now)
    except UsedLinkError as error:
        return is_learner(request, error.claims)
    except TokenError:
        pass
    return False


def ends_session(request: HttpRequest, claims: HandoverClaims) -> bool:
    """Tell whether somebody else than this learner has a session in this browser."""
    if find_learner(request) is None:
        return isinstance(request.user, User)
    return not is_learner(request, claims)


def is_learner(request: HttpRequest, claims: HandoverClaims) -> bool:
    """Tell whether this browser's session is that of the learner whom the link hands over."""
    learner = find_learner(request)
    return learner is not None and (learner.source_id, learner.learner_uuid) == (
        claims.source.pk,
        claims.learner_uuid,
    )


def ask(request: HttpRequest, claims: HandoverClaims) -> HttpResponse:
    learner = find_learner(request)
    forget_messages(request)
    context = {
        "entering_code": short_code(claims.learner_uuid),
        "inside_code": None if learner is None else learner.short_code,
        "messages": (),
    }
    response = render(request, "integra/enter_instead.html", context)
    response.set_cookie(
        MARK_COOKIE,
        request.COOKIES.get(MARK_COOKIE) or secrets.token_urlsafe(16),
        max_age=HANDOVER_SECONDS,
        secure=settings.USES_HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


@require_GET
@never_cache
@learner_page
def my_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    return render(
        request,
        "integra/my.html",
        {"mine": describe_my_page(identity, utc_now()), "classroom_url": identity.source.url},
    )


@require_http_methods(["GET", "POST"])
@never_cache
def leave(request: HttpRequest) -> HttpResponse:
    """End the session; who only opens the address is led to what is there."""
    if request.method == "GET":
        return redirect("web:front" if find_learner(request) is None else "web:my")
    return close(request)


def close(request: HttpRequest) -> HttpResponse:
    """End the session and make the browser forget: the next person on a shared phone sees nothing.

    Only what is this host's: clearing cookies would reach the classroom on the same domain.
    """
    classroom_url = find_classroom_url(request)
    request.session.flush()
    rotate_token(request)
    response = render(request, "integra/left.html", {"classroom_url": classroom_url})
    response.delete_cookie(MARK_COOKIE, samesite="Lax")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
