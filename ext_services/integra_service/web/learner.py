"""The learner's pages: notice, consents, name, certificate. They work without JavaScript."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.text import TextError, clean_name
from integra_service.people.handover import accept_handover
from integra_service.people.models import LearnerIdentity, Purpose
from integra_service.people.services import (
    confirm_name,
    confirmed_name,
    has_consent,
    list_consents,
    record_consents,
)
from integra_service.people.session import find_learner
from integra_service.people.tokens import TokenError

from . import notice
from .progress import describe_progress
from .sessions import learner_page, start_learner_session


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
        {"progress": describe_progress(identity), "classroom_url": identity.source.url},
    )


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def notice_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Show the notice and take a yes or no for each purpose."""
    problems: dict[str, str] = {}
    decided = {purpose.value: c.is_granted for purpose, c in list_consents(identity.person).items()}
    if request.method == "POST":
        decided, problems = read_decisions(request)
        if not problems:
            record_consents(
                identity.person,
                {Purpose(name): is_granted for name, is_granted in decided.items()},
                notice_version=notice.VERSION,
                actor=actor_of(identity),
                now=utc_now(),
            )
            return redirect("web:my")
    questions = [
        {
            "text": text,
            "decided": decided.get(text.purpose.value),
            "problem": problems.get(text.purpose.value),
        }
        for text in notice.PURPOSES
    ]
    context = {"sections": notice.SECTIONS, "questions": questions, "version": notice.VERSION}
    return render(request, "integra/notice.html", context, status=400 if problems else 200)


def read_decisions(request: HttpRequest) -> tuple[dict[str, bool], dict[str, str]]:
    """Return decisions and problems by purpose; silence is neither yes nor no."""
    decisions, problems = {}, {}
    for text in notice.PURPOSES:
        name = text.purpose.value
        answer = request.POST.get(name)
        if answer in {"si", "no"}:
            decisions[name] = answer == "si"
        else:
            problems[name] = _("Choose yes or no.")
    return decisions, problems


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def name_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Take the name, show it as it will look, and store it only when the learner confirms that."""
    if not has_consent(identity.person, Purpose.CERTIFICATE):
        return redirect("web:notice")
    if describe_progress(identity).is_name_fixed:
        return redirect("web:my")
    if request.method == "GET":
        current = confirmed_name(identity.person) or ""
        return render(request, "integra/name.html", {"typed": current})
    typed = request.POST.get("name", "")
    try:
        name = clean_name(typed)
    except TextError as error:
        context = {"typed": typed[:200], "problem": error.message}
        return render(request, "integra/name.html", context, status=400)
    match request.POST.get("step"):
        case "confirm":
            confirm_name(identity.person, name, actor=actor_of(identity), now=utc_now())
            messages.success(request, _("Your name is saved."))
            return redirect("web:my")
        case "correct":
            return render(request, "integra/name.html", {"typed": name})
    return render(request, "integra/name_confirm.html", {"name": name})


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


def actor_of(identity: LearnerIdentity) -> str:
    return f"learner:{identity.learner_uuid}"
