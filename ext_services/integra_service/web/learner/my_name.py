"""The learner's name: typed, shown as it will be printed, stored when confirmed, corrected."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integra_service.credentials.services import list_credentials
from integra_service.lib import encryption
from integra_service.lib.clock import utc_now
from integra_service.lib.text import TextError, clean_name
from integra_service.people.models import LearnerIdentity, Person, Purpose
from integra_service.people.services import confirmed_name, has_consent
from integra_service.privacy.naming import can_correct_name, correct_name
from integra_service.web.sessions import actor_of, learner_page

DRAFT_KEY = "name_draft"


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def name_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Take the name as typed, and store it only when the learner confirms what the next page shows."""
    person = identity.person
    if not has_consent(person, Purpose.CERTIFICATE):
        return redirect("web:notice")
    if request.method == "POST":
        return take_name(request, identity)
    if not can_correct_name(person, utc_now()):
        return render(request, "integra/name_limit.html")
    return show_form(request, person, find_draft(request, person) or confirmed_name(person) or "")


def take_name(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    person, typed = identity.person, request.POST.get("name", "")
    is_confirmed = request.POST.get("step") == "confirm"
    try:
        name, problem = clean_name(typed), ""
    except TextError as error:
        name, problem = "", error.message
    if name and name == confirmed_name(person):
        if is_confirmed:  # pressed twice, or the answer was lost: it is said again
            return say_saved(request, is_corrected=request.POST.get("corrige") == "si")
        messages.success(request, _("It is the same name: nothing changes."))
        return redirect("web:my")
    if not can_correct_name(person, utc_now()):
        return render(request, "integra/name_limit.html", status=429)
    if problem:
        return show_form(request, person, typed[:200], problem)
    if is_confirmed:
        is_corrected = bool(list_credentials(person))
        correct_name(person, name, actor=actor_of(identity), now=utc_now())
        return say_saved(request, is_corrected=is_corrected)
    keep_draft(request, person, name)
    return redirect("web:name-review")


@require_GET
@never_cache
@learner_page
def review_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Show the name as it will look; at an address of its own, which also a signal that comes and goes can show."""
    person = identity.person
    name = find_draft(request, person)
    if name is None or not has_consent(person, Purpose.CERTIFICATE):
        return redirect("web:name")
    context = {"name": name, "is_printed": bool(list_credentials(person))}
    return render(request, "integra/name_confirm.html", context)


def show_form(request: HttpRequest, person: Person, typed: str, problem: str = "") -> HttpResponse:
    context = {"typed": typed, "is_printed": bool(list_credentials(person)), "problem": problem}
    return render(request, "integra/name.html", context, status=400 if problem else 200)


def say_saved(request: HttpRequest, *, is_corrected: bool) -> HttpResponse:
    request.session.pop(DRAFT_KEY, None)
    if is_corrected:
        messages.success(
            request,
            _("Your name is corrected. Print your certificate again: the earlier paper no longer counts."),
        )
    else:
        messages.success(request, _("Your name is saved."))
    return redirect("web:my")


def keep_draft(request: HttpRequest, person: Person, name: str) -> None:
    """Keep in the session what was typed: encrypted, as every name is."""
    request.session[DRAFT_KEY] = encryption.encrypt_text(name, context=draft_context(person))


def find_draft(request: HttpRequest, person: Person) -> str | None:
    """Return what was typed and not confirmed, if it can still be read."""
    try:
        return encryption.decrypt_text(request.session.get(DRAFT_KEY, ""), context=draft_context(person))
    except encryption.DecryptionError:
        return None


def draft_context(person: Person) -> str:
    return f"web.name_draft:{person.uuid}"
