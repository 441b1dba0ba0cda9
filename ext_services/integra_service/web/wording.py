"""How the console calls what happens to certificates: states, acts, findings, entries of the audit trail, people."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integra_service.audit.models import AuditEntry
from integra_service.credentials.pages import UNCONFIRMED
from integra_service.credentials.services import (
    EXPIRED,
    Act,
    ActDecision,
    Credential,
    CredentialState,
    FindingCode,
    PolicyApproval,
    ReplacementReason,
    RevocationReason,
    Shown,
    SuspensionReason,
    describe_reason,
    describe_state,
    effective_state,
    get_policies,
)
from integra_service.people.services import Staff, name_colleagues

SHOWN = {
    Shown.VALID: gettext_lazy("Valid ones"),
    Shown.SUSPENDED: gettext_lazy("Suspended ones"),
    Shown.LONG_SUSPENDED: gettext_lazy("Suspended for more than 30 days"),
    Shown.REVOKED: gettext_lazy("Revoked ones"),
    Shown.EXPIRED: gettext_lazy("Expired ones"),
    Shown.ERASED: gettext_lazy("Withdrawn at their holder's request"),
    Shown.REPLACED: gettext_lazy("Replaced after issue"),
}
# Never by colour alone: the word stands in it.
LOOKS = {
    CredentialState.VALID: "tag-good",
    CredentialState.SUSPENDED: "tag-warn",
    EXPIRED: "tag-warn",
    CredentialState.REVOKED: "tag-bad",
    CredentialState.ERASED: "",
    UNCONFIRMED: "tag-bad",
}
ACTS = {
    Act.REVOKE: gettext_lazy("Revoke"),
    Act.SUSPEND: gettext_lazy("Suspend"),
    Act.REINSTATE: gettext_lazy("Lift the suspension"),
}
DECISIONS = {
    "": gettext_lazy("Waits for another person"),
    ActDecision.APPROVED: gettext_lazy("Approved"),
    ActDecision.REFUSED: gettext_lazy("Refused act"),
    ActDecision.WITHDRAWN: gettext_lazy("Taken back by who asked for it"),
}
REPLACEMENTS = {
    ReplacementReason.NAME_CHANGED: gettext_lazy("The person corrected the name"),
    ReplacementReason.KEY_COMPROMISED: gettext_lazy("The key that signed it stopped being trusted"),
}
FINDINGS = {
    FindingCode.BYTES_CHANGED: gettext_lazy("The stored document is not the one that was signed"),
    FindingCode.EVIDENCE_GONE: gettext_lazy("With today's data the achievement is not reached"),
    FindingCode.EVIDENCE_CHANGED: gettext_lazy(
        "It is reached, but some result is not the one it was issued for"
    ),
    FindingCode.UNDECIDABLE: gettext_lazy("The rule it was issued under cannot be read any more"),
}
ENTRIES = {
    "credential.intended": gettext_lazy("Decided and prepared"),
    "credential.issued": gettext_lazy("Signed and issued"),
    "credential.replaced": gettext_lazy("Signed anew"),
    "credential.forms_added": gettext_lazy("Further file formats signed"),
    "credential.suspended": gettext_lazy("Suspended"),
    "credential.reinstated": gettext_lazy("Suspension lifted"),
    "credential.revoked": gettext_lazy("Revoked"),
    "credential.expired": gettext_lazy("Expired"),
    "credential.erased": gettext_lazy("Withdrawn and erased"),
    "credential.finding": gettext_lazy("A check found a difference"),
    "credential.finding_settled": gettext_lazy("Somebody looked at a difference"),
    "credential.act_requested": gettext_lazy("Asked for, waits for another person"),
    "credential.act_approved": gettext_lazy("Approved by a second person"),
    "credential.act_refused": gettext_lazy("Refused by a second person"),
    "credential.act_withdrawn": gettext_lazy("Taken back by who asked for it"),
}
_REASONS = frozenset({*RevocationReason, *SuspensionReason})


def tag_of(credential: Credential, now: datetime) -> dict[str, str]:
    """Return the one word for the credential's state, and how it looks."""
    state = effective_state(credential, now)
    return {"word": describe_state(state), "look": LOOKS[state]}


def name_achievements() -> Mapping[str, str]:
    """Return what each achievement is called; one whose policy is gone keeps its key."""
    return {policy.key: policy.name.es for policy in get_policies()}


@dataclass(frozen=True, slots=True)
class StandingFor:
    """One approval of a policy as a member of the staff may read it: names of their own cities only."""

    row: PolicyApproval
    proposed_by: str
    approved_by: str  # empty while nobody did


def describe_approvals(staff: Staff, approvals: Iterable[PolicyApproval]) -> dict[str, StandingFor]:
    """Return by digest who stands for each version of a policy; that two people do is said everywhere."""
    rows = list(approvals)
    ids = {row.proposed_by_id for row in rows} | {row.approved_by_id for row in rows if row.approved_by_id}
    names = name_colleagues(staff, ids)

    def name(user_id: int | None) -> str:
        return "" if user_id is None else names.get(user_id, _("a person of another city"))

    return {row.digest: StandingFor(row, name(row.proposed_by_id), name(row.approved_by_id)) for row in rows}


def name_actors(actors: Iterable[str]) -> Mapping[str, str]:
    """Return what the console calls each actor of the audit trail, in one query."""
    wanted = set(actors)
    users = {int(actor[5:]) for actor in wanted if actor.startswith("user:") and actor[5:].isdigit()}
    usernames = dict(User.objects.filter(pk__in=users).values_list("pk", "username"))

    def name(actor: str) -> str:
        kind, _colon, key = actor.partition(":")
        if kind == "user" and key.isdigit():
            return usernames.get(int(key), actor)
        if kind == "learner":
            return _("the person")
        if kind == "source":
            return _("the classroom %(key)s") % {"key": key}
        return _("the system")

    return {actor: name(actor) for actor in wanted}


def describe_entry(entry: AuditEntry, actors: Mapping[str, str]) -> dict[str, object]:
    """Return one line of the audit trail: what, who, when, and the codes stored with it."""
    data = json.loads(entry.data)
    known = {"act", "reason", "code"}
    words = []
    if "act" in data:
        words.append(str(ACTS[Act(data["act"])]))
    if data.get("reason"):
        words.append(describe_reason(data["reason"]) if data["reason"] in _REASONS else data["reason"])
    if "code" in data:
        words.append(str(FINDINGS[FindingCode(data["code"])]))
    return {
        "at": entry.at,
        "what": ENTRIES.get(entry.action, entry.action),
        "who": actors[entry.actor],
        "about": words,
        "codes": [f"{key}: {value}" for key, value in data.items() if key not in known],
        "sequence": entry.sequence,
    }
