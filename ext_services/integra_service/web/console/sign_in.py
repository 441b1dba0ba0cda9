"""How the staff gets in and out: a local account, the provider of identities, a link to set the password."""

import logging
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integra_service.lib import throttle
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.providers import Provider
from integra_service.lib.visitors import find_visitor, require_own_page
from integra_service.people import invitations
from integra_service.people.accounts import find_bound_user, note_sign_in, set_password
from integra_service.people.id_tokens import IdentityError
from integra_service.people.oidc import PendingSignIn, begin, finish
from integra_service.web.sessions import INVITED_KEY, find_request_staff, remember_invitation

logger = logging.getLogger(__name__)

SIGN_IN_TRIES = 10
SIGN_IN_WINDOW_SECONDS = 15 * 60
STARTS_PER_ADDRESS = 100  # each keeps a session and may make us call the provider; a town hall is one address
PENDING_KEY = "pending_sign_in"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_http_methods(["GET", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        if find_request_staff(request) is not None:
            return redirect("web:console")
        return show_sign_in(request)
    username = request.POST.get("username", "")[:150]
    if not take_password_try(username):
        problem = _("Too many tries. Wait a quarter of an hour.")
        return show_sign_in(request, status=429, problem=problem, username=username)
    user = None
    if "\x00" not in username:
        password = request.POST.get("password", "")[:200]
        user = authenticate(request, username=username, password=password)
    if user is None:
        problem = _("User or password do not fit.")
        return show_sign_in(request, status=400, problem=problem, username=username)
    return enter(request, user, by="password")


def take_password_try(username: str) -> bool:
    """Count one try before the password is looked at, by name: an address may be a whole municipality's."""
    return throttle.take_turn(
        f"sign-in:{username.casefold()}",
        limit=SIGN_IN_TRIES,
        window_seconds=SIGN_IN_WINDOW_SECONDS,
        now=utc_now(),
    )


def show_sign_in(request: HttpRequest, *, status: int = 200, **context: object) -> HttpResponse:
    context |= {"provider": settings.INTEGRA_OIDC, "contact": settings.INTEGRA_STAFF_CONTACT}
    return render(request, "integra/sign_in.html", context, status=status)


def enter(request: HttpRequest, user: Any, *, by: str) -> HttpResponse:
    """Begin a session of this user's own: nothing of the browser's former one stays, not even its key.

    But for their own one-time link, which was opened before they signed in.
    """
    opened = request.session.get(INVITED_KEY)
    request.session.flush()
    login(request, user, backend=BACKEND)
    if opened is not None and opened["user"] == user.pk:
        request.session[INVITED_KEY] = opened
    note_sign_in(user, by=by, now=utc_now())
    return redirect("web:console")


@require_GET
@never_cache
def external_start(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider. By GET: the pages' policy lets no form lead to another host."""
    provider: Provider | None = settings.INTEGRA_OIDC
    if provider is None:
        return redirect("web:sign-in")
    require_own_page(request)
    now = utc_now()
    throttle.require_turn(
        f"sign-in-start:{find_visitor(request)}",
        limit=STARTS_PER_ADDRESS,
        window_seconds=SIGN_IN_WINDOW_SECONDS,
        now=now,
    )
    try:
        url, pending = begin(provider, return_url(), now)
    except IdentityError as error:
        return refuse(request, error)
    request.session[PENDING_KEY] = asdict(pending)
    return redirect(url)


@require_GET
@never_cache
def external_return(request: HttpRequest) -> HttpResponse:
    """Take who comes back from the provider: a subject that was bound beforehand, or nobody."""
    provider: Provider | None = settings.INTEGRA_OIDC
    # Taken out first: whatever happens next, this state does not count again.
    remembered = request.session.pop(PENDING_KEY, None)
    if provider is None:
        return redirect("web:sign-in")
    try:
        if remembered is None:
            raise IdentityError("nothing pending")
        returned_to = f"{return_url()}?{request.META.get('QUERY_STRING', '')}"
        subject = finish(provider, PendingSignIn(**remembered), returned_to, return_url(), utc_now())
    except IdentityError as error:
        return refuse(request, error)
    user = find_bound_user(issuer=provider.issuer, subject=subject)
    if user is None:
        logger.warning("external sign-in: the subject is bound to no active account")
        context = {"contact": settings.INTEGRA_STAFF_CONTACT}
        return render(request, "integra/sign_in_unbound.html", context, status=403)
    return enter(request, user, by="provider")


def return_url() -> str:
    """Return what is registered at the provider; never made from what a request says."""
    return settings.INTEGRA_ISSUER_URL + reverse("web:external-return")


def refuse(request: HttpRequest, error: IdentityError) -> HttpResponse:
    logger.warning("external sign-in refused: %s", error.why)
    problem = _("It was not possible to enter with that account. Try again.")
    return show_sign_in(request, status=400, problem=problem)


@require_POST
@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    response = redirect("web:sign-in")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


class SetPasswordView(PasswordResetConfirmView):
    """Where the one-time link of ``integra_staff`` leads; Django's own view keeps the token out of the address."""

    template_name = "integra/set_password.html"
    token_generator = invitations.password_tokens

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **kwargs)
        if not self.validlink and response.status_code != 302:  # 302: a good link, on the way to its form
            raise RequestError(
                "link_used",
                _("This link was used already or is too old. Ask whoever gave it to you for another."),
                status=400,
            )
        return response

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        user, now = form.user, utc_now()
        actor = f"user:{user.pk}"
        set_password(user, form.cleaned_data["new_password1"], actor=actor, now=now)
        remember_invitation(self.request, user, now)
        messages.success(self.request, _("Your password is saved. Sign in with it."))
        return redirect("web:sign-in")


set_password_page = require_http_methods(["GET", "POST"])(SetPasswordView.as_view())
