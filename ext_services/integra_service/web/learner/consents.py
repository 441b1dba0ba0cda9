"""The notice, and what the learner agreed to: asked purpose by purpose, taken back and given again at any time."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import LearnerIdentity, Purpose
from integra_service.people.services import list_consents, record_consents
from integra_service.web.sessions import actor_of, learner_page

from . import notice

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
            return redirect("web:consents")
        answers = {text.purpose: request.POST.get(text.purpose.value, "") for text in asked}
        if all(answer in ANSWERS for answer in answers.values()):
            decide(identity, {purpose: ANSWERS[answer] for purpose, answer in answers.items()})
            return redirect("web:my")
        return show_notice(request, asked, answers, status=400)
    return show_notice(request, asked, {}, status=200)


def show_notice(
    request: HttpRequest, asked: list[notice.PurposeText], answers: dict[Purpose, str], *, status: int
) -> HttpResponse:
    """Silence is neither yes nor no: it is pointed out."""
    problem = _("Choose yes or no.") if status == 400 else ""
    questions = [
        {
            "text": text,
            "answer": answers.get(text.purpose, ""),
            "problem": "" if answers.get(text.purpose) in ANSWERS else problem,
        }
        for text in asked
    ]
    context = {"sections": notice.list_sections(), "questions": questions, "version": notice.VERSION}
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
        decided = [
            {"text": text, "consent": known[text.purpose]}
            for text in notice.PURPOSES
            if text.purpose in known
        ]
        return render(request, "integra/consents.html", {"decided": decided, "version": notice.VERSION})
    purpose, is_granted = read_decision(request)
    if not is_granted and request.POST.get("seguro") != "si":
        text = notice.get_purpose_text(purpose)
        return render(request, "integra/consent_withdraw.html", {"text": text})
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
