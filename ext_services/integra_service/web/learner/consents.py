"""The notice, and what the learner agreed to: asked purpose by purpose, taken back and given again at any time."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import Consent, LearnerIdentity, Purpose
from integra_service.people.services import list_consents, record_consents
from integra_service.web.sessions import actor_of, learner_page

from . import notice

WITHDRAWING = "retirar"
ANSWERS = {"si": True, "no": False}


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def notice_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Show the notice, and take a yes or no for each purpose that was not decided yet."""
    known = list_consents(identity.person)
    asked = [text for text in notice.PURPOSES if text.purpose not in known]
    if request.method == "POST":
        if not asked:
            return say_known(request, known)
        answers = {text.purpose: request.POST.get(text.purpose.value, "") for text in asked}
        if all(answer in ANSWERS for answer in answers.values()):
            decide(identity, {purpose: ANSWERS[answer] for purpose, answer in answers.items()})
            return redirect("web:my")
        return show_notice(request, asked, answers, status=400)
    return show_notice(request, asked, {}, status=200)


def say_known(request: HttpRequest, known: Mapping[Purpose, Consent]) -> HttpResponse:
    """Answer who answered before: the same again is the same; anything else is decided where both are shown."""
    given = {purpose: ANSWERS.get(request.POST.get(purpose.value, "")) for purpose in known}
    if all(is_granted == known[purpose].is_granted for purpose, is_granted in given.items()):
        return redirect("web:my")
    messages.warning(
        request, _("We had your answers already, and nothing changed now. Here you can change them.")
    )
    return redirect("web:consents")


def show_notice(
    request: HttpRequest, asked: list[notice.PurposeText], answers: dict[Purpose, str], *, status: int
) -> HttpResponse:
    """Silence is neither yes nor no: it is pointed out."""
    unanswered = [text.purpose for text in asked if answers.get(text.purpose) not in ANSWERS]
    has_problem = status == 400
    questions = [
        {
            "text": text,
            "answer": answers.get(text.purpose, ""),
            "problem": _("Choose yes or no.") if has_problem and text.purpose in unanswered else "",
            "is_first_problem": text.purpose in unanswered[:1],
        }
        for text in asked
    ]
    context = {
        "sections": notice.list_sections(),
        "questions": questions,
        "version": notice.VERSION,
        "has_problem": has_problem,
    }
    return render(request, "integra/notice.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def consents_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Show each purpose with its date and what follows; what takes something away is asked for twice."""
    known = list_consents(identity.person)
    if not known:
        return redirect("web:notice")
    if request.method == "GET":
        if request.GET.get(WITHDRAWING) in known:
            text = notice.get_purpose_text(Purpose(request.GET[WITHDRAWING]))
            return render(request, "integra/consent_withdraw.html", {"text": text})
        decided = [
            {"text": text, "consent": known[text.purpose]}
            for text in notice.PURPOSES
            if text.purpose in known
        ]
        return render(request, "integra/consents.html", {"decided": decided, "version": notice.VERSION})
    purpose, is_granted = read_decision(request)
    if not is_granted and request.POST.get("seguro") != "si":
        # Shown at an address of its own, so that going back or reloading sends nothing again.
        return redirect(f"{reverse('web:consents')}?{urlencode({WITHDRAWING: purpose.value})}")
    decide(identity, {purpose: is_granted})
    messages.success(
        request, _("You gave your permission.") if is_granted else _("You withdrew your permission.")
    )
    return redirect("web:consents")


def read_decision(request: HttpRequest) -> tuple[Purpose, bool]:
    """Return what was decided on which purpose, or raise RequestError."""
    name, answer = request.POST.get("proposito", ""), request.POST.get("respuesta", "")
    if name not in Purpose.values or answer not in ANSWERS:
        raise RequestError("bad_decision", _("Choose yes or no."), "respuesta")
    return Purpose(name), ANSWERS[answer]


def decide(identity: LearnerIdentity, decisions: dict[Purpose, bool]) -> None:
    record_consents(
        identity.person, decisions, notice_version=notice.VERSION, actor=actor_of(identity), now=utc_now()
    )
