"""Who is on the other side of a page: a learner who was handed over, or a member of the staff."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.access import Staff, find_staff
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import LEARNER_KEY, find_learner

LEARNER_SESSION_SECONDS = 30 * 60

View = Callable[..., HttpResponse]


def start_learner_session(request: HttpRequest, identity: LearnerIdentity) -> None:
    """Replace whatever session this browser had: nothing of its former holder stays."""
    request.session.flush()
    request.session[LEARNER_KEY] = identity.pk
    request.session.set_expiry(LEARNER_SESSION_SECONDS)


def learner_page(view: View) -> View:
    """Pass the learner's identity to the view as second argument; without one, say how to enter."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        identity = find_learner(request)
        if identity is None:
            raise RequestError(
                "enter_from_classroom",
                _("To enter, open “My progress” in your classroom and press “My certificate”."),
                status=403,
            )
        return view(request, identity, *args, **kwargs)

    return guarded


def staff_page(view: View) -> View:
    """Pass the staff member to the view as second argument; others sign in, or learn nothing."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not isinstance(request.user, User):
            return redirect(settings.LOGIN_URL)
        staff = find_request_staff(request)
        if staff is None:
            raise NotFoundError
        return view(request, staff, *args, **kwargs)

    return guarded


def operator_page(view: View) -> View:
    """As ``staff_page``, for those who keep the machine of some city; to the rest of the staff it is not there."""

    @wraps(view)
    def guarded(request: HttpRequest, staff: Staff, *args: Any, **kwargs: Any) -> HttpResponse:
        if not staff.operator_city_ids:
            raise NotFoundError
        return view(request, staff, *args, **kwargs)

    return staff_page(guarded)


def find_request_staff(request: HttpRequest) -> Staff | None:
    """Return the roles of today (in the programme's time zone), read again at every request."""
    if not isinstance(request.user, User):
        return None
    today = utc_now().astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    return find_staff(request.user, on=today)
