"""Who is on the other side of a page: a learner who was handed over, or a member of the staff.

A page declares its guard by one decorator: ``learner_page``, ``staff_page`` (a role in some city), ``people_page`` (one
that sees people), ``officer_page`` and ``operator_page`` (that role, and a second factor passed in this session within
the half hour), ``factor_page`` (any role, and that factor). All but the first pass ``Staff`` as second argument.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from integra_service.lib.clock import utc_now
from integra_service.lib.days import local_day
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.access import Staff, find_staff
from integra_service.people.factors import find_factor
from integra_service.people.invitations import find_invited_at
from integra_service.people.models import LearnerIdentity, SecondFactor
from integra_service.people.session import LEARNER_KEY, begin_session, find_learner, is_over, note_activity

# The field of a learner's form that says whose page it stands on.
WHOSE_FIELD = "de"
FACTOR_SECONDS = 30 * 60
FACTOR_KEY = "second_factor"
INVITED_SECONDS = 30 * 60
INVITED_KEY = "factor_invitation"
CONSOLE_PATH = "/consola/"
MAX_NEXT_LENGTH = 500

View = Callable[..., HttpResponse]


def start_learner_session(request: HttpRequest, identity: LearnerIdentity, now: datetime) -> None:
    """Replace whatever session this browser had: nothing of its former holder stays, nor works any more.

    Forms that the same learner left open still do.
    """
    if request.session.get(LEARNER_KEY) != identity.pk:
        rotate_token(request)
        forget_messages(request)
    request.session.flush()
    begin_session(request.session, identity, now)


def forget_messages(request: HttpRequest) -> None:
    """Leave unsaid what was still to be said to who was inside: it is in a cookie of its own, and gone once read."""
    list(messages.get_messages(request))


def name_holder(session: SessionBase) -> str:
    """Return what the forms of this session's learner carry, so that one somebody else left open is known."""
    return salted_hmac("integra.learner_form", str(session.get(LEARNER_KEY))).hexdigest()


def explain_form(request: HttpRequest) -> RequestError | None:
    """Return what is the matter with a form of the learners' pages, unless it is of who is inside now."""
    identity = find_learner(request)
    if identity is None:
        return explain_end()
    if request.POST.get(WHOSE_FIELD) == name_holder(request.session):
        return None
    return RequestError(
        "page_of_another",
        _(
            "This page was another person's: nothing was saved or changed. "
            "Now the page of the code %(code)s is open here. If that is not your code, press “Leave” there."
        )
        % {"code": identity.short_code},
        status=409,
    )


def explain_end() -> RequestError:
    return RequestError(
        "session_ended",
        _(
            "Your time here ran out, or somebody pressed “Leave”. What you did last was not saved. "
            "Enter again: open “My progress” in your classroom and press “My certificate”."
        ),
        status=403,
    )


def actor_of(identity: LearnerIdentity) -> str:
    """Return how the audit names this learner."""
    return f"learner:{identity.learner_uuid}"


def learner_page(view: View) -> View:
    """Pass the learner's identity to the view as second argument; without one, say how to enter.

    A form is taken from the learner's own page alone: on a shared phone another person's may still be open.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        identity = find_learner(request)
        now = utc_now()
        if identity is None:
            raise explain_end() if is_over(request.session, now) else explain_entrance()
        if request.method == "POST" and (error := explain_form(request)) is not None:
            raise error
        note_activity(request.session, now)
        return view(request, identity, *args, **kwargs)

    return guarded


def explain_entrance() -> RequestError:
    return RequestError(
        "enter_from_classroom",
        _("To enter, open “My progress” in your classroom and press “My certificate”."),
        status=403,
    )


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


def people_page(view: View) -> View:
    """Pass ``Staff`` to the view; who sees nobody's data learns nothing of the page either."""

    @wraps(view)
    def guarded(request: HttpRequest, staff: Staff, *args: Any, **kwargs: Any) -> HttpResponse:
        if not staff.sees_people:
            raise NotFoundError
        return view(request, staff, *args, **kwargs)

    return staff_page(guarded)


def guarded_by_factor(holds_role: Callable[[Staff], bool]) -> Callable[[View], View]:
    """Make a guard: without the role, 404; with the role but without a fresh factor, the page that asks for it."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, staff: Staff, *args: Any, **kwargs: Any) -> HttpResponse:
            if not holds_role(staff):
                raise NotFoundError
            if not has_fresh_factor(request):
                return ask_for_factor(request)
            return view(request, staff, *args, **kwargs)

        return staff_page(guarded)

    return guard


officer_page = guarded_by_factor(lambda staff: staff.is_officer)
operator_page = guarded_by_factor(lambda staff: staff.is_operator)
factor_page = guarded_by_factor(lambda staff: True)


def needs_factor(staff: Staff) -> bool:
    """Tell whether some page of this member of the staff asks for the second factor."""
    return staff.is_officer or staff.is_operator


def remember_factor(request: HttpRequest, factor: SecondFactor, now: datetime) -> None:
    """Note in the session that this factor was passed now; another one enrolled later has to be passed itself."""
    request.session[FACTOR_KEY] = {
        "enrolled_at": factor.enrolled_at.isoformat(),
        "passed_at": now.timestamp(),
    }


def has_fresh_factor(request: HttpRequest) -> bool:
    """Tell whether this session passed the factor in force within the half hour."""
    passed = request.session.get(FACTOR_KEY)
    if passed is None or not isinstance(request.user, User):
        return False
    if not 0 <= utc_now().timestamp() - passed["passed_at"] <= FACTOR_SECONDS:
        return False
    factor = find_factor(request.user)
    return factor is not None and factor.enrolled_at.isoformat() == passed["enrolled_at"]


def remember_invitation(request: HttpRequest, user: User, now: datetime) -> None:
    """Note in the session that a one-time link of this user was opened in it, for when they are signed in.

    Under a new key: whoever knew the old one, because they planted it or are signed in with it, does not get the mark.
    """
    invited_at = find_invited_at(user)
    if invited_at is not None:
        request.session.cycle_key()
        request.session[INVITED_KEY] = {
            "user": user.pk,
            "invited_at": invited_at.isoformat(),
            "opened_at": now.timestamp(),
        }


def find_invitation(request: HttpRequest) -> datetime | None:
    """Return when the invitation was made that opened this user's session within the half hour and is not spent."""
    opened = request.session.get(INVITED_KEY)
    if opened is None or not isinstance(request.user, User) or opened["user"] != request.user.pk:
        return None
    if not 0 <= utc_now().timestamp() - opened["opened_at"] <= INVITED_SECONDS:
        return None
    invited_at = find_invited_at(request.user)
    return None if invited_at is None or invited_at.isoformat() != opened["invited_at"] else invited_at


def ask_for_factor(request: HttpRequest) -> HttpResponse:
    """Lead to the factor and from there back; a form that was sent has to be sent again."""
    came_from = request.get_full_path()
    if request.method != "GET":
        referer = urlsplit(request.headers.get("Referer", ""))
        came_from = f"{referer.path}?{referer.query}" if referer.query else referer.path
        messages.warning(
            request, _("Nothing has changed yet. After confirming it is you, send the form again.")
        )
    return redirect(with_next("web:second-factor", came_from))


def with_next(route: str, next_path: str) -> str:
    return f"{reverse(route)}?{urlencode({'next': read_next(next_path)})}"


def read_next(text: str) -> str:
    """Return the page of this console to go on to; anything else becomes the console's first page.

    A path that begins with a directory of ours stays on this host, whatever follows.
    """
    is_ours = len(text) <= MAX_NEXT_LENGTH and text.startswith(CONSOLE_PATH)
    return text if is_ours else reverse("web:console")


def find_request_staff(request: HttpRequest) -> Staff | None:
    """Return the roles of today (in the programme's time zone), read again at every request."""
    if not isinstance(request.user, User):
        return None
    return find_staff(request.user, on=local_day(utc_now()))
