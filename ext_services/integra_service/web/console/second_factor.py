"""The second factor's pages: passing it, enrolling a phone, new recovery codes."""

from datetime import datetime

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integra_service.lib import encryption
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people import factors, invitations
from integra_service.people.models import SecondFactor
from integra_service.people.services import Staff
from integra_service.web.sessions import (
    ask_for_factor,
    factor_page,
    find_invitation,
    has_fresh_factor,
    read_next,
    remember_factor,
    remember_invitation,
    staff_page,
    with_next,
)

MAX_CODE_LENGTH = 40
SHOWN_KEY = "second_factor_shown"  # the secret on the screen that no code has proved yet


@require_http_methods(["GET", "POST"])
@never_cache
@staff_page
def second_factor(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Ask for a code, remember in the session that it passed, and go on."""
    user = User.objects.get(pk=staff.user_id)
    next_path = read_next(request.POST.get("next", request.GET.get("next", "")))
    if factors.find_factor(user) is None:
        return redirect(with_next("web:second-factor-enrol", next_path))
    if request.method == "GET":
        return show_question(request, next_path)
    now = utc_now()
    if not factors.take_try(user, now):
        return show_question(request, next_path, problem=too_many(), status=429)
    factor = pass_either(request, user, now)
    if factor is None:
        problem = _("This code does not count. Each one passes once; wait for the next.")
        return show_question(request, next_path, problem=problem, status=400)
    remember_factor(request, factor, now)
    return redirect(next_path)


def pass_either(request: HttpRequest, user: User, now: datetime) -> SecondFactor | None:
    recovery_code = request.POST.get("recovery_code", "")[:MAX_CODE_LENGTH]
    if recovery_code:
        return factors.pass_recovery_code(user, recovery_code, now=now)
    return factors.pass_code(user, request.POST.get("code", "")[:MAX_CODE_LENGTH], now=now)


def show_question(
    request: HttpRequest, next_path: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "next": next_path,
        "problem": problem,
        "is_recovery": bool(request.POST.get("recovery_code")),
    }
    return render(request, "integra/second_factor.html", context, status=status)


@require_GET
@never_cache
def first_factor(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Take the one-time link that opens the enrolment: it stays good until a factor is enrolled, or for a day."""
    user = invitations.read_link(uidb64, token)
    if user is None:
        raise RequestError(
            "link_used",
            _("This link was used already or is too old. Ask whoever gave it to you for another."),
            status=400,
        )
    if isinstance(request.user, User) and request.user.pk != user.pk:
        raise RequestError(
            "other_account",
            _("This link is for another account than the one open here. Sign out and open the link again."),
            status=403,
        )
    remember_invitation(request, user, utc_now())
    if isinstance(request.user, User):
        return redirect("web:second-factor-enrol")
    messages.success(request, _("The link is good. Sign in, and then set up your phone in “My account”."))
    return redirect(settings.LOGIN_URL)


@require_http_methods(["GET", "POST"])
@never_cache
@staff_page
def enrol(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Put the secret on a phone. Who has a factor passes it first: a stolen session must not replace it.

    A first one is for a session that a one-time link opened: a stolen password must not enrol its thief's phone.
    """
    user = User.objects.get(pk=staff.user_id)
    current = factors.find_factor(user)
    if current is not None and not has_fresh_factor(request):
        return ask_for_factor(request)
    if current is None and find_invitation(request) is None:
        whom = {"contact": settings.INTEGRA_STAFF_CONTACT}
        return render(request, "integra/second_factor_link.html", whom, status=403)
    next_path = read_next(request.POST.get("next", request.GET.get("next", "")))
    context: dict[str, object] = {"next": next_path, "is_replacing": current is not None}
    match request.POST.get("step"):
        case "show":
            return show_secret(request, user, current, context)
        case "prove":
            return prove(request, user, context)
    return render(request, "integra/second_factor_enrol.html", context)


def show_secret(
    request: HttpRequest, user: User, current: SecondFactor | None, context: dict[str, object]
) -> HttpResponse:
    """Make a secret and show it this once; the session keeps it encrypted until a code proves it."""
    secret = factors.make_secret()
    request.session[SHOWN_KEY] = {
        "ciphertext": encryption.encrypt_text(secret, context=shown_context(user)),
        "replaces": None if current is None else current.enrolled_at.isoformat(),
    }
    uri = factors.provisioning_uri(secret, user.username)
    groups = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    context |= {"secret": groups, "uri": uri, "picture": draw(uri), "is_shown": True}
    return render(request, "integra/second_factor_enrol.html", context)


def prove(request: HttpRequest, user: User, context: dict[str, object]) -> HttpResponse:
    shown = request.session.get(SHOWN_KEY)
    if shown is None:
        return redirect(with_next("web:second-factor-enrol", str(context["next"])))
    now = utc_now()
    if not factors.take_try(user, now):
        context |= {"problem": too_many(), "is_shown": True}
        return render(request, "integra/second_factor_enrol.html", context, status=429)
    try:
        secret = encryption.decrypt_text(shown["ciphertext"], context=shown_context(user))
    except encryption.DecryptionError:  # its key was taken out meanwhile: another secret is shown
        del request.session[SHOWN_KEY]
        return redirect(with_next("web:second-factor-enrol", str(context["next"])))
    code = request.POST.get("code", "")[:MAX_CODE_LENGTH]
    replaces = None if shown["replaces"] is None else datetime.fromisoformat(shown["replaces"])
    enrolment = factors.enrol(
        user, secret, code, replaces=replaces, invited_at=find_invitation(request), now=now
    )
    if enrolment is None:
        context |= {"problem": _("This code does not fit. Write the one you see now."), "is_shown": True}
        return render(request, "integra/second_factor_enrol.html", context, status=400)
    del request.session[SHOWN_KEY]
    remember_factor(request, enrolment.factor, now)
    context |= {"codes": enrolment.recovery_codes, "is_new_phone": True}
    return render(request, "integra/recovery_codes.html", context)


@require_POST
@never_cache
@factor_page
def recovery_codes(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Make new codes and show them this once."""
    user = User.objects.get(pk=staff.user_id)
    codes = factors.renew_recovery_codes(user, now=utc_now())
    return render(request, "integra/recovery_codes.html", {"codes": codes, "next": read_next("")})


def draw(text: str) -> str:
    """Return the square code as a picture inside the page: it is asked for nowhere and stored nowhere."""
    encoded: str = segno.make(text, error="m").svg_data_uri(scale=5, border=3, light="#fff")
    return encoded


def shown_context(user: User) -> str:
    return f"web.second_factor_shown:{user.pk}"


def too_many() -> str:
    return _("Too many tries. Wait a quarter of an hour.")
