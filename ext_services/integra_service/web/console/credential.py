"""One certificate for staff: what it says now, all that happened to it, what it rests on."""

import json
from collections.abc import Mapping
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integra_service.credentials.services import (
    Act,
    Credential,
    CredentialDocument,
    CredentialState,
    Finding,
    FindingCode,
    History,
    ReplacementReason,
    RequestedAct,
    access_issued,
    describe_reason,
    find_approval,
    get_page_url,
    list_possible_acts,
    list_terms,
    needs_second_person,
    read_history,
)
from integra_service.lib.clock import utc_now
from integra_service.people.services import Staff, confirmed_name, list_short_codes
from integra_service.web.sessions import staff_page
from integra_service.web.wording import (
    ACTS,
    DECISIONS,
    FINDINGS,
    REPLACEMENTS,
    describe_approvals,
    describe_entry,
    name_achievements,
    name_actors,
    tag_of,
)

from .evidence import describe_evidence

# As the addresses call the acts.
ACT_WORDS = {"anular": Act.REVOKE, "suspender": Act.SUSPEND, "levantar": Act.REINSTATE}


@require_GET
@never_cache
@staff_page
def credential(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    row = access_issued(staff, uuid)
    return render(request, "integra/credential.html", describe_credential(staff, row))


def describe_credential(staff: Staff, row: Credential) -> dict[str, object]:
    history = read_history(row)
    actors = name_actors(
        [entry.actor for entry in history.entries] + [f.settled_by for f in history.findings if f.settled_by]
    )
    latest = history.documents[0]
    approval = find_approval(latest.policy_digest)
    standing = describe_approvals(staff, [] if approval is None else [approval])
    is_officer = row.person.city_id in staff.officer_city_ids
    return {
        **describe_head(row),
        "is_erased": row.state == CredentialState.ERASED,
        "page_url": get_page_url(row),
        "other_terms": list_other_terms(row),
        "documents": [describe_document(document) for document in history.documents],
        "evidence": describe_evidence(latest),
        "latest": latest,
        "banks": json.loads(latest.bank_digests),
        "approval": standing.get(latest.policy_digest),
        "acts": [describe_act(act) for act in history.acts],
        "waiting": [describe_act(act) for act in history.acts if not act.decision],
        "findings": [describe_finding(finding, actors) for finding in history.findings],
        "entries": [describe_entry(entry, actors) for entry in history.entries],
        "is_officer": is_officer,
        "user_id": staff.user_id,
        "possible": list_offered(row, history) if is_officer else [],
    }


def describe_head(row: Credential) -> dict[str, object]:
    """Return what every page about this certificate begins with."""
    return {
        "credential": row,
        "name": confirmed_name(row.person),
        "code": ", ".join(list_short_codes([row.person]).get(row.person_id, ())),
        "title": name_achievements().get(row.achievement_key, row.achievement_key),
        "tag": tag_of(row, utc_now()),
        "reason": describe_reason(row.reason) if row.reason else "",
    }


def list_other_terms(row: Credential) -> list[dict[str, object]]:
    """Return the person's other certificates of the same achievement: what happens to one happens to none of these."""
    same = [term for term in list_terms(row.person) if term.achievement_key == row.achievement_key]
    now = utc_now()
    return [{"credential": term, "tag": tag_of(term, now)} for term in same if is_other(term, row)]


def is_other(term: Credential, row: Credential) -> bool:
    return term.pk != row.pk and term.state != CredentialState.INTENDED


def list_offered(row: Credential, history: History) -> list[dict[str, object]]:
    """Return the acts an officer may begin: while one waits, no other that needs a second person."""
    is_waiting = any(not act.decision for act in history.acts)
    words = {act: word for word, act in ACT_WORDS.items()}
    return [
        {"word": words[act], "label": ACTS[act], "takes_two": takes_two}
        for act in list_possible_acts(row)
        if not ((takes_two := needs_second_person(row, act)) and is_waiting)
    ]


def describe_document(document: CredentialDocument) -> dict[str, object]:
    because = document.replaced_because
    return {
        "row": document,
        "because": REPLACEMENTS[ReplacementReason(because)] if because and document.replaced_at else "",
    }


def describe_act(act: RequestedAct) -> dict[str, object]:
    return {
        "row": act,
        "label": ACTS[Act(act.act)],
        "reason": describe_reason(act.reason) if act.reason else "",
        "decision": DECISIONS[act.decision],
    }


def describe_finding(finding: Finding, actors: Mapping[str, str]) -> dict[str, object]:
    return {
        "row": finding,
        "label": FINDINGS[FindingCode(finding.code)],
        "details": json.loads(finding.details),
        "settled_by": actors.get(finding.settled_by, ""),
    }
