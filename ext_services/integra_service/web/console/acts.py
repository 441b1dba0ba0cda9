"""What officers do to one certificate. Each begins with a page that says what follows; only its last button acts."""

import re
from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from integra_service.credentials.services import (
    Act,
    ActDecision,
    Credential,
    RequestedAct,
    RevocationReason,
    SuspensionReason,
    access_finding,
    access_issued,
    access_requested,
    act_on,
    decide_act,
    describe_reason,
    list_possible_acts,
    needs_second_person,
    require_officer,
    require_unchanged,
    settle_finding,
    still_fits,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.services import Staff
from integra_service.web.sessions import officer_page
from integra_service.web.wording import ACTS

from .credential import ACT_WORDS, describe_act, describe_head

# What a person may choose. That a source is not believed is declared by its own command, which also ends it.
REASONS: dict[Act, tuple[str, ...]] = {
    Act.REVOKE: tuple(RevocationReason),
    Act.SUSPEND: (SuspensionReason.UNDER_REVIEW,),
    Act.REINSTATE: ("",),
}
POSITION = re.compile(r"[0-9]{1,19}", re.ASCII)
DECIDED = {
    ActDecision.APPROVED: gettext_lazy("Approved and done."),
    ActDecision.REFUSED: gettext_lazy("Refused. Nothing changed."),
    ActDecision.WITHDRAWN: gettext_lazy("Taken back. Nothing changed."),
}


@require_http_methods(["GET", "POST"])
@never_cache
@officer_page
def credential_act(request: HttpRequest, staff: Staff, uuid: UUID, word: str) -> HttpResponse:
    """Choose the reason, read what follows, confirm: the first two change nothing."""
    row, act = access_issued(staff, uuid), ACT_WORDS.get(word)
    require_officer(staff, row)
    if act is None:
        raise NotFoundError
    if act not in list_possible_acts(row):
        messages.warning(request, _("The certificate's state changed meanwhile; this no longer applies."))
        return redirect("web:credential", row.uuid)
    # Where there is nothing to choose, what follows stands on the first page.
    reason = request.POST.get("reason") if len(REASONS[act]) > 1 else REASONS[act][0]
    step = request.POST.get("step", "")
    if step not in {"review", "confirm"}:
        return show(request, row, act, reason=reason or "", problem="", status=200)
    if reason not in REASONS[act]:
        return show(request, row, act, reason="", problem=_("Choose one of the reasons."), status=400)
    try:
        # What was looked at stands in the form since its first page, and nothing else is acted on.
        require_unchanged(row, read_position(request.POST.get("state_position", "")))
        if step == "review":
            return show(request, row, act, reason=reason, problem="", status=200, is_review=True)
        requested = act_on(staff, row, act, reason, utc_now())
    except RequestError as error:
        row.refresh_from_db()
        return show(request, row, act, reason=reason, problem=error.message, status=error.status)
    done = _("Done.") if requested is None else _("Asked for. It happens when another officer approves it.")
    messages.success(request, done)
    return redirect("web:credential", row.uuid)


def read_position(text: str) -> int | None:
    return int(text) if POSITION.fullmatch(text) else None


def show(
    request: HttpRequest,
    row: Credential,
    act: Act,
    *,
    reason: str,
    problem: str,
    status: int,
    is_review: bool = False,
) -> HttpResponse:
    context = {
        **describe_head(row),
        "act_label": ACTS[act],
        "reasons": [(code, describe_reason(code)) for code in REASONS[act] if code],
        "chosen": reason,
        "chosen_label": describe_reason(reason) if reason in REASONS[act] and reason else "",
        "consequences": list_consequences(act, row),
        "takes_two": needs_second_person(row, act),
        "is_review": is_review,
        "problem": problem,
    }
    return render(request, "integra/credential_act.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@officer_page
def requested_act(request: HttpRequest, staff: Staff, uuid: UUID, act_uuid: UUID) -> HttpResponse:
    """Approve or refuse what another officer asked for, or take back what one asked for oneself."""
    row, requested = access_issued(staff, uuid), access_requested(staff, act_uuid)
    if requested.credential_id != row.pk:
        raise NotFoundError
    if request.method == "GET":
        return show_requested(request, staff, row, requested)
    if request.POST.get("decision") not in ActDecision.values:
        return show_requested(request, staff, row, requested, _("Choose what to do with it."), 400)
    decision = ActDecision(request.POST["decision"])
    try:
        decide_act(staff, requested, decision, utc_now())
    except RequestError as error:
        return show_requested(request, staff, row, requested, error.message, error.status)
    messages.success(request, DECIDED[decision])
    return redirect("web:credential", row.uuid)


def show_requested(
    request: HttpRequest,
    staff: Staff,
    row: Credential,
    requested: RequestedAct,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    act = Act(requested.act)
    context = {
        **describe_head(row),
        "requested": describe_act(requested),
        "consequences": list_consequences(act, row),
        "is_own": requested.requested_by_id == staff.user_id,
        "still_fits": still_fits(requested, row),
        "problem": problem,
    }
    return render(request, "integra/requested_act.html", context, status=status)


@require_POST
@never_cache
@officer_page
def finding_settle(request: HttpRequest, staff: Staff, uuid: UUID, finding_uuid: UUID) -> HttpResponse:
    row = access_issued(staff, uuid)
    settle_finding(access_finding(staff, row, finding_uuid), by=staff.actor, now=utc_now())
    messages.success(request, _("Noted that you looked at it."))
    return redirect("web:credential", row.uuid)


def list_consequences(act: Act, row: Credential) -> Sequence[str]:
    """Return what follows for the person, in plain words."""
    if act is Act.REVOKE:
        return (
            _("It cannot be undone."),
            _("Its page says “Revoked” with the date and the reason to whoever opens it."),
            _("Copies on paper or on a phone no longer pass a check either."),
            _("No other certificate of this achievement is issued to this person."),
            _(
                "The person sees it in their pages and in the classroom. INTEGRA sends no message: tell them yourself."
            ),
        )
    if act is Act.SUSPEND:
        return (
            _("Its page says “Suspended” with the date and the reason to whoever opens it."),
            _("In the classroom it does not count until the suspension is lifted."),
            _("Nothing is lost: when it is lifted, the same certificate counts again at the same address."),
            _(
                "The person sees it in their pages and in the classroom. INTEGRA sends no message: tell them yourself."
            ),
        )
    again = (
        _("The same certificate counts again, at the same address and with the same date of issue."),
        _("The person need not download anything anew."),
    )
    if row.reason == SuspensionReason.SOURCE_DISTRUSTED:
        return (
            _("What its classroom reported is still being checked: ask whoever does it first."),
            *again,
        )
    return again
