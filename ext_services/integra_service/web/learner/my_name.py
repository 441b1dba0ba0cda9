"""The learner's name: typed, shown as it will be printed, stored when confirmed, corrected."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from integra_service.credentials.services import list_credentials
from integra_service.lib.clock import utc_now
from integra_service.lib.text import TextError, clean_name
from integra_service.people.models import LearnerIdentity, Purpose
from integra_service.people.services import confirmed_name, has_consent
from integra_service.privacy.naming import can_correct_name, correct_name
from integra_service.web.sessions import actor_of, learner_page


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def name_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Take the name, show it as it will look, and store it only when the learner confirms that."""
    person = identity.person
    if not has_consent(person, Purpose.CERTIFICATE):
        return redirect("web:notice")
    is_printed = bool(list_credentials(person))
    if not can_correct_name(person, utc_now()):
        return render(request, "integra/name_limit.html", status=200 if request.method == "GET" else 429)
    if request.method == "GET":
        return show_form(request, confirmed_name(person) or "", is_printed)
    typed = request.POST.get("name", "")
    try:
        name = clean_name(typed)
    except TextError as error:
        return show_form(request, typed[:200], is_printed, problem=error.message)
    match request.POST.get("step"):
        case "confirm":
            return confirm(request, identity, name, is_printed)
        case "correct":
            return show_form(request, name, is_printed)
    return render(request, "integra/name_confirm.html", {"name": name, "is_printed": is_printed})


def show_form(request: HttpRequest, typed: str, is_printed: bool, problem: str = "") -> HttpResponse:
    context = {"typed": typed, "is_printed": is_printed, "problem": problem}
    return render(request, "integra/name.html", context, status=400 if problem else 200)


def confirm(request: HttpRequest, identity: LearnerIdentity, name: str, is_printed: bool) -> HttpResponse:
    has_changed = correct_name(identity.person, name, actor=actor_of(identity), now=utc_now())
    if has_changed and is_printed:
        messages.success(
            request,
            _("Your name is corrected. Print your certificate again: the earlier paper no longer counts."),
        )
    else:
        messages.success(request, _("Your name is saved."))
    return redirect("web:my")
