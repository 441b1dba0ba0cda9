"""The learner's own copy of the paper: the one with the name."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integra_service.credentials.pages import access_own, compare_name, find_document, is_hidden
from integra_service.credentials.states import is_replaceable
from integra_service.credentials.views import WINDOW_SECONDS, publish_paper
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.throttle import require_turn
from integra_service.lib.visitors import require_own_page
from integra_service.people.models import LearnerIdentity
from integra_service.people.services import confirmed_name
from integra_service.web.sessions import learner_page

# Counted by person: a whole classroom behind one address prints on the same afternoon.
PAPERS_PER_PERSON = 30


@require_GET
@never_cache
@learner_page
def my_paper(request: HttpRequest, identity: LearnerIdentity, token: str) -> HttpResponse:
    """Make the holder's PDF, with the name that it was signed for."""
    require_own_page(request)
    credential, now = access_own(token, identity.person), utc_now()
    if is_hidden(credential):
        return redirect("credentials:page", token)  # which says so, and how to show it again
    document, name = find_document(credential), confirmed_name(identity.person)
    if name is not None and compare_name(document, name) != "match":
        if is_replaceable(credential, now):
            message = _("Your certificate is being made with your new name. Try again in a minute.")
            raise RequestError("being_replaced", message, status=503)
        name = None  # it was signed for a former one, and no document with the new one follows
    paper = f"paper:{identity.person.uuid}"
    require_turn(paper, limit=PAPERS_PER_PERSON, window_seconds=WINDOW_SECONDS, now=now)
    return publish_paper(document, name, now)
