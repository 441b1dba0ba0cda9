"""The signed-in person's own page: roles and cities with their dates, password, second factor."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError
from integra_service.people.accounts import list_roles, set_password
from integra_service.people.factors import count_recovery_codes, find_factor
from integra_service.people.models import Role
from integra_service.people.services import Staff
from integra_service.web.sessions import ask_for_factor, has_fresh_factor, needs_factor, staff_page

from .sign_in import take_password_try

ROLE_LABELS = {
    Role.STAFF: gettext_lazy("Programme staff"),
    Role.AUDITOR: gettext_lazy("Auditor"),
    Role.OFFICER: gettext_lazy("Credential officer"),
    Role.OPERATOR: gettext_lazy("Operator"),
}
ROLE_MEANINGS = {
    Role.STAFF: gettext_lazy("Sees the people of the city and enters data."),
    Role.AUDITOR: gettext_lazy("Sees the people of the city, changes nothing."),
    Role.OFFICER: gettext_lazy(
        "Sees the people of the city; withdraws and suspends certificates, approves rules."
    ),
    Role.OPERATOR: gettext_lazy("Keeps the machine working; sees no people."),
}


@require_GET
@never_cache
@staff_page
def account(request: HttpRequest, staff: Staff) -> HttpResponse:
    user = User.objects.get(pk=staff.user_id)
    roles = [
        {
            "label": ROLE_LABELS[Role(row.role)],
            "meaning": ROLE_MEANINGS[Role(row.role)],
            "city": row.city.name,
            "from_on": row.from_on,
            "to_on": row.to_on,
        }
        for row in list_roles([user])[user.pk]
    ]
    context = {
        "username": user.username,
        "roles": roles,
        "has_password": user.has_usable_password(),
        "is_bound": user.external_accounts.exists(),
        "factor": find_factor(user),
        "recovery_code_count": count_recovery_codes(user),
        "needs_factor": needs_factor(staff),
    }
    return render(request, "integra/account.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@staff_page
def password(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Change the password of a local account; the other sessions of this user end.

    Who has a second factor passes it first: a stolen password must not lock its owner out.
    """
    user = User.objects.get(pk=staff.user_id)
    if not user.has_usable_password():
        raise NotFoundError
    if find_factor(user) is not None and not has_fresh_factor(request):
        return ask_for_factor(request)
    form = PasswordChangeForm(user, request.POST or None)
    if request.method == "GET":
        return render(request, "integra/password.html", {"form": form})
    if not take_password_try(user.username):
        context = {
            "form": PasswordChangeForm(user),
            "problem": _("Too many tries. Wait a quarter of an hour."),
        }
        return render(request, "integra/password.html", context, status=429)
    if not form.is_valid():
        return render(request, "integra/password.html", {"form": form}, status=400)
    set_password(user, form.cleaned_data["new_password1"], actor=staff.actor, now=utc_now())
    update_session_auth_hash(request, user)
    messages.success(request, _("Your password is changed. Other devices have to sign in again."))
    return redirect("web:account")
