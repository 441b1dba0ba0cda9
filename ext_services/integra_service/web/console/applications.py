"""The fund's pages for staff: registering a person's application, and the proposal with its reasons."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integra_service.eligibility.engine import Outcome
from integra_service.eligibility.policy import IfUnknown, RuleState
from integra_service.eligibility.services import (
    access_application,
    list_proposals,
    refresh_proposal,
    register_application,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError
from integra_service.people.services import Staff, access_person, confirmed_name
from integra_service.web.sessions import staff_page

# What each outcome and state is called on the page, and how it looks: never by colour alone.
OUTCOMES = {
    Outcome.HUMAN_REVIEW: ("En revisión por una persona", "tag-warn"),
    Outcome.WAITS_FOR_PERSON: ("Falta algo de la persona", "tag-warn"),
    Outcome.NOT_ELIGIBLE_YET: ("No elegible por ahora", "tag-bad"),
    Outcome.IN_EVALUATION: ("En evaluación", "tag-warn"),
    Outcome.ELIGIBLE: ("Elegible", "tag-good"),
}
STATES = {
    RuleState.MET: ("Cumple", "tag-good"),
    RuleState.NOT_MET: ("No cumple", "tag-bad"),
    RuleState.UNKNOWN: ("Sin dato", "tag-warn"),
}
TURNS = {
    IfUnknown.REVIEW: "Le toca al equipo averiguarlo.",
    IfUnknown.ASK: "Le toca a la persona.",
    IfUnknown.WAIT: "No hay que hacer nada: el dato llega solo.",
}


@require_POST
@never_cache
@staff_page
def register(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    person = access_person(staff, uuid)
    text = request.POST.get("policy", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFoundError
    application = register_application(staff, person, int(text), now=utc_now())
    messages.success(request, _("The application is registered."))
    return redirect("web:application", application.uuid)


@require_GET
@never_cache
@staff_page
def application(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    row = access_application(staff, uuid)
    proposals = list_proposals(row)
    current = proposals[0]
    context = {
        "application": row,
        "name": confirmed_name(row.person),
        "proposal": current.content,
        "made_at": current.made_at,
        "outcome": OUTCOMES[Outcome(current.outcome)],
        "results": [describe(result) for result in current.content["results"]],
        "channels": ", ".join(current.content["contest"]["channels"]),
        "earlier": [(OUTCOMES[Outcome(row.outcome)][0], row.made_at) for row in proposals[1:]],
        "can_edit": row.policy.city_id in staff.editable_city_ids,
    }
    return render(request, "integra/application.html", context)


@require_POST
@never_cache
@staff_page
def propose_again(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    row = access_application(staff, uuid)
    if row.policy.city_id not in staff.editable_city_ids:
        raise NotFoundError
    refresh_proposal(row, now=utc_now())
    messages.success(request, _("Proposed with the facts of now."))
    return redirect("web:application", row.uuid)


def describe(result: dict[str, object]) -> dict[str, object]:
    """Return one rule's result with the words and looks of its state."""
    waits_for = result["waits_for"]
    label, look = STATES[RuleState(str(result["state"]))]
    turn = TURNS[IfUnknown(str(waits_for))] if waits_for else ""
    return {**result, "label": label, "look": look, "turn": turn}
