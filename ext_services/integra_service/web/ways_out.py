"""Where a person goes on from a page that ends the way they came."""

from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from integra_service.people.models import LearnerIdentity, Source
from integra_service.people.session import LEARNER_KEY, find_learner

CONSOLE_PATH, LEARNER_PATHS = "/consola/", ("/mi/", "/entrar/")


@dataclass(frozen=True, slots=True)
class Way:
    """A button: its words and where it leads."""

    label: str
    url: str


def list_ways_out(request: HttpRequest, classroom_url: str | None = None) -> list[Way]:
    """Return at least one way on, the nearest first; never fails, as pages of errors ask."""
    front = Way(_("Go to the first page"), reverse("web:front"))
    if request.path.startswith(CONSOLE_PATH):
        return [Way(_("Open the console"), reverse("web:console"))]
    try:
        return list_learner_ways(request, classroom_url) or [front]
    except (OperationalError, InterfaceError):
        return [front]


def list_learner_ways(request: HttpRequest, classroom_url: str | None) -> list[Way]:
    """Return the way back to the classroom that is named, or of who is inside; none where nobody came from one."""
    # Without a session: an error from before the sessions' turn, for example of a wrong host.
    if classroom_url is None and hasattr(request, "session"):
        is_inside = find_learner(request) is not None
        ways = [Way(_("Go to “My certificate”"), reverse("web:my"))] if is_inside else []
        if is_inside or request.path.startswith(LEARNER_PATHS):
            found = find_classroom_url(request)
            ways += [Way(_("Go to my classroom"), found)] if found else []
        return ways
    return [Way(_("Go to my classroom"), classroom_url)] if classroom_url else []


def find_classroom_url(request: HttpRequest) -> str | None:
    """Return the address of this session's classroom, also where its time ran out; else of the only one there is."""
    pk = request.session.get(LEARNER_KEY)
    if pk is not None:
        identity = LearnerIdentity.objects.for_system().select_related("source").filter(pk=pk).first()
        if identity is not None and identity.source.is_active:
            return identity.source.url
    active = list(Source.objects.filter(is_active=True)[:2])
    return active[0].url if len(active) == 1 else None
