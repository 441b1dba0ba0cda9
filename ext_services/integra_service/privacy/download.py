"""Everything held about one person, for that person: made when they ask, never stored.

Left out is what is somebody else's: who of the staff entered or rated something is told as "staff". Secrets of the
machine (keys, sessions) are nobody's data.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from integra_service.audit.models import AuditEntry
from integra_service.audit.services import list_entries
from integra_service.credentials.models import Credential, CredentialDocument, Finding, RequestedAct
from integra_service.credentials.services import effective_state, get_page_url
from integra_service.eligibility.models import Application, ProposalRow
from integra_service.people.data_requests import list_requests
from integra_service.people.erasing import list_selves
from integra_service.people.models import (
    Consent,
    DataRequest,
    LearnerIdentity,
    LegalName,
    Person,
    ResidenceEpisode,
)
from integra_service.people.services import confirmed_name
from integra_service.records.erasing import list_refused_of
from integra_service.records.models import InboxEvent
from integra_service.records.services import get_record
from integra_service.records.storage import to_plain

SCHEMA = "integra.personal-data/1"
# Members that name another person, by pseudonym or by name.
OF_OTHERS = frozenset({"rater_uuid", "entered_by"})
STAFF = "staff"


def collect_data(person: Person, now: datetime) -> dict[str, Any]:
    """Return everything held about this human being as plain JSON values.

    Shape: ``{"schema", "made_at", "people": [...], "learners": [...], "audit": [...]}``; moments are ISO 8601 in UTC.
    """
    selves = list_selves(person)
    learners = list(
        LearnerIdentity.objects.for_system().filter(person=person).select_related("source").order_by("pk")
    )
    return {
        "schema": SCHEMA,
        "made_at": now.isoformat(),
        "people": [_describe_person(one, now) for one in selves],
        "learners": [_describe_learner(identity) for identity in learners],
        "audit": [_describe_entry(entry) for entry in _list_audit(selves)],
    }


def _describe_person(person: Person, now: datetime) -> dict[str, Any]:
    name = LegalName.objects.filter(person=person).first()
    residences = (
        ResidenceEpisode.objects.for_system().filter(person=person).select_related("zone", "replaces")
    )
    applications = Application.objects.for_system().filter(person=person).select_related("policy")
    return {
        "uuid": str(person.uuid),
        "city": person.city.name,
        "known_since": person.created_at.isoformat(),
        "name": confirmed_name(person),
        "name_confirmed_at": None if name is None else name.confirmed_at.isoformat(),
        "consents": [_describe_consent(row) for row in person.consents.order_by("decided_at", "pk")],
        "credentials": [
            _describe_credential(row, now)
            for row in Credential.objects.for_system().filter(person=person).order_by("pk")
        ],
        "residences": [_describe_residence(row) for row in residences.order_by("pk")],
        "applications": [_describe_application(row) for row in applications.order_by("pk")],
        "data_requests": [_describe_request(row) for row in list_requests(person)],
    }


def _describe_consent(row: Consent) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "is_granted": row.is_granted,
        "notice_version": row.notice_version,
        "decided_at": row.decided_at.isoformat(),
    }


def _describe_credential(row: Credential, now: datetime) -> dict[str, Any]:
    documents = CredentialDocument.objects.for_system().filter(credential=row).order_by("ordinal")
    findings = Finding.objects.for_system().filter(credential=row).order_by("pk")
    acts = RequestedAct.objects.for_system().filter(credential=row).order_by("pk")
    return {
        "uuid": str(row.uuid),
        "achievement": row.achievement_key,
        "term": row.term,
        "address": get_page_url(row),
        "subject_uuid": str(row.subject_uuid),
        "state": effective_state(row, now),
        "reason": row.reason,
        "awarded_at": row.awarded_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "expires_at": _spell(row.expires_at),
        "documents": [_describe_document(document) for document in documents],
        "findings": [
            {
                "code": finding.code,
                "details": json.loads(finding.details),
                "found_at": finding.found_at.isoformat(),
                "settled_at": _spell(finding.settled_at),
            }
            for finding in findings
        ],
        "requested_acts": [
            {
                "act": act.act,
                "reason": act.reason,
                "requested_at": act.requested_at.isoformat(),
                "decision": act.decision,
                "decided_at": _spell(act.decided_at),
            }
            for act in acts
        ],
    }


def _describe_document(row: CredentialDocument) -> dict[str, Any]:
    return {
        "ordinal": row.ordinal,
        "policy_version": row.policy_version,
        "rule_version": row.rule_version,
        "salt": row.salt,
        "name_hash": row.name_hash,
        "evidence": _without_others(json.loads(row.evidence)) if row.evidence else None,
        "signed": json.loads(bytes(row.content)) if row.content else None,
        "ob_jwt": row.ob_jwt,
        "vc_jwt": row.vc_jwt,
        "is_revoked": row.is_revoked,
        "signed_at": _spell(row.signed_at),
        "replaced_at": _spell(row.replaced_at),
        "replaced_because": row.replaced_because,
    }


def _describe_residence(row: ResidenceEpisode) -> dict[str, Any]:
    return {
        "uuid": str(row.uuid),
        "zone": row.zone.name,
        "from_on": row.from_on.isoformat(),
        "to_on": None if row.to_on is None else row.to_on.isoformat(),
        "evidence": row.evidence,
        "entered_at": row.entered_at.isoformat(),
        "replaces": None if row.replaces is None else str(row.replaces.uuid),
        "reason": row.reason,
    }


def _describe_application(row: Application) -> dict[str, Any]:
    proposals = ProposalRow.objects.for_system().filter(application=row).order_by("ordinal")
    return {
        "uuid": str(row.uuid),
        "fund": row.policy.code,
        "fund_version": row.policy.version,
        "registered_at": row.registered_at.isoformat(),
        "proposals": [
            {
                "ordinal": proposal.ordinal,
                "outcome": proposal.outcome,
                "made_at": proposal.made_at.isoformat(),
                "content": _without_others(json.loads(proposal.content)) if proposal.content else None,
            }
            for proposal in proposals
        ],
    }


def _describe_request(row: DataRequest) -> dict[str, Any]:
    return {
        "uuid": str(row.uuid),
        "kind": row.kind,
        "topic": row.topic,
        "asked_at": row.asked_at.isoformat(),
        "due_at": row.due_at.isoformat(),
        "state": row.state,
        "handled_at": _spell(row.handled_at),
        "reason": row.reason,
    }


def _describe_learner(identity: LearnerIdentity) -> dict[str, Any]:
    events = InboxEvent.objects.filter(source=identity.source_id, learner_uuid=identity.learner_uuid)
    return {
        "classroom": identity.source.name,
        "learner_uuid": str(identity.learner_uuid),
        "short_code": identity.short_code,
        "known_since": identity.created_at.isoformat(),
        "left_at": _spell(identity.retired_at),
        "record": _without_others(to_plain(get_record(identity))),
        "events": [
            {
                "received_at": event.received_at.isoformat(),
                "state": event.state,
                "event": _without_others(json.loads(event.body)),
            }
            for event in events.order_by("sequence", "pk")
        ],
        "refused_events": [
            {"code": event.code, "received_at": event.first_at.isoformat(), "event": _without_others(body)}
            for event, body in list_refused_of(identity)
        ],
    }


def _list_audit(selves: list[Person]) -> Iterable[AuditEntry]:
    credentials = Credential.objects.for_system().filter(person__in=selves)
    applications = Application.objects.for_system().filter(person__in=selves)
    subjects = [f"person:{one.uuid}" for one in selves]
    subjects += [f"credential:{uuid}" for uuid in credentials.values_list("uuid", flat=True)]
    subjects += [f"application:{uuid}" for uuid in applications.values_list("uuid", flat=True)]
    return list_entries(subjects)


def _describe_entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "by": STAFF if entry.actor.startswith("user:") else entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "data": json.loads(entry.data),
    }


def _without_others(value: Any) -> Any:
    """Return the JSON value without the members that name another person."""
    if isinstance(value, dict):
        return {key: _without_others(part) for key, part in value.items() if key not in OF_OTHERS}
    if isinstance(value, list):
        return [_without_others(part) for part in value]
    return value


def _spell(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
