"""Everything that is stored of one credential: versions, acts, findings, and what the audit trail says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from integra_service.audit.models import AuditEntry
from integra_service.audit.services import list_entries
from integra_service.lib.errors import NotFoundError
from integra_service.people.services import Staff

from .models import Credential, CredentialDocument, Finding, RequestedAct


@dataclass(frozen=True, slots=True)
class History:
    """One credential's rows, the latest first."""

    documents: Sequence[CredentialDocument]
    acts: Sequence[RequestedAct]
    findings: Sequence[Finding]
    entries: Sequence[AuditEntry]


def read_history(credential: Credential) -> History:
    """Return the history of a credential that ``access_issued`` gave."""
    documents = CredentialDocument.objects.for_system().filter(credential=credential)
    acts = RequestedAct.objects.for_system().filter(credential=credential)
    findings = Finding.objects.for_system().filter(credential=credential)
    return History(
        documents=tuple(
            documents.select_related("signing_key", "jose_key", "status_list", "source")
            .defer("content", "ob_jwt", "vc_jwt", "body")
            .order_by("-ordinal")
        ),
        acts=tuple(acts.select_related("requested_by", "decided_by").order_by("-pk")),
        findings=tuple(findings.order_by("-pk")),
        entries=list_entries([f"credential:{credential.uuid}"])[::-1],
    )


def access_finding(staff: Staff, credential: Credential, uuid: UUID) -> Finding:
    """Return a finding of this credential if it is of one of the officer's cities, else raise NotFoundError."""
    rows = Finding.objects.in_cities(staff.officer_city_ids).select_related("credential")
    finding = rows.filter(credential=credential, uuid=uuid).first()
    if finding is None:
        raise NotFoundError
    return finding
