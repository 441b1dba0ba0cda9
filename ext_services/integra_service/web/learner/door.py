"""The learner's way in, first page and way out. Like all their pages, they work without JavaScript."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.handover import accept_handover
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import find_learner
from integra_service.people.tokens import TokenError
from integra_service.web.sessions import learner_page, start_learner_session

from .my_page import describe_my_page


@require_GET
@never_cache
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Use a hand-over link once and go on without it in the address."""
    try:
        identity = accept_handover(token, utc_now())
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
