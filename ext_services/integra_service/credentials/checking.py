"""Does every credential still rest on what it was issued for? Reported to a person; nothing is taken back by itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from integra_service.audit import services as audit
from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity, Source
from integra_service.records.checking import store_report
from integra_service.records.models import CheckReport

from .approvals import find_policy_by_digest
from .decisions import decide
from .documents import digest_content
from .evidence import digest_evidence, list_facts
from .locks import lock_credential
from .models import IN_FORCE, Credential, CredentialDocument, Finding, FindingCode
from .pages import find_document
from .renewal import find_opening
from .states import find_former

# What of a fact must stay as it was; times and event ids may change when the gradebook says the same again.
_ESSENTIAL = {
    "modules": ("module_key", ("state", "route")),
    "deliverables": ("submission_uuid", ("outcome", "levels")),
    "tests": ("attempt_uuid", ("score", "cut")),
}

EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was, with the codes and keys that say what."""

    code: FindingCode
    details: tuple[str, ...]


def check_credential(credential: Credential) -> tuple[Difference, ...]:
    """Compare an issued credential with today's record; empty when all is as it was."""
    document = find_document(credential)
    differences = []
    if digest_content(bytes(document.content or b"")) != document.content_digest:
        differences.append(Difference(FindingCode.BYTES_CHANGED, ("document",)))
    if digest_evidence(document.evidence) != document.evidence_digest:
        differences.append(Difference(FindingCode.BYTES_CHANGED, ("evidence",)))
        return tuple(differences)  # what it says of the facts is worth nothing
    return (*differences, *_judge_evidence(document))


def _judge_evidence(document: CredentialDocument) -> tuple[Difference, ...]:
    policy = find_policy_by_digest(document.policy_digest)
    if policy is None:
        return (Difference(FindingCode.UNDECIDABLE, (document.policy_digest,)),)
    identities = LearnerIdentity.objects.for_system().filter(
        person_id=document.credential.person_id, source_id=document.source_id
    )
    former = find_former(document.credential)
    # What it was issued for is a test passed since then; an older one, however good, is not what it rests on.
    since = None if former is None or former.expires_at is None else find_opening(former.expires_at)
    decisions = [
        decide(identity, policy, tested_since=since)
        for identity in identities.select_related("person").order_by("pk")
    ]
    if not decisions:
        return (Difference(FindingCode.EVIDENCE_GONE, ("no_learner",)),)
    best = min(decisions, key=lambda decision: len(decision.reasons))
    if not best.is_met or best.course is None:
        return (Difference(FindingCode.EVIDENCE_GONE, tuple(f"{r.code}:{r.key}" for r in best.reasons)),)
    changed = compare(json.loads(document.evidence), list_facts(best.course))
    return (Difference(FindingCode.EVIDENCE_CHANGED, changed),) if changed else ()


def compare(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of facts that stood in the evidence and say something else today, or are gone."""
    changed = []
    for part, (key, members) in _ESSENTIAL.items():
        today = {fact[key]: fact for fact in now[part]}
        for fact in then[part]:
            known = today.get(fact[key])
            if known is None and part == "deliverables":
                continue  # a later version was handed in; the decision judged that one
            if known is None or any(known[member] != fact[member] for member in members):
                changed.append(f"{part}:{fact[key]}")
    return tuple(changed)


def report_differences(credential: Credential, now: datetime) -> tuple[Difference, ...]:
    """Check one credential and keep what was found, once; what is no longer so is settled by itself."""
    if credential.state not in IN_FORCE:
        return ()
    differences = check_credential(credential)
    with transaction.atomic():
        lock_credential(credential.pk)
        rows = Finding.objects.for_system().filter(credential=credential)
        latest = {row.code: row for row in rows.order_by("pk")}
        gone = set(latest) - {difference.code for difference in differences}
        rows.filter(code__in=gone, settled_at=None).update(settled_at=now, settled_by=audit.SYSTEM)
        for difference in differences:
            known = latest.get(difference.code)
            if known is None or known.settled_by == audit.SYSTEM or known.details != _spell(difference):
                _keep(credential, difference, now)
    return differences


def _keep(credential: Credential, difference: Difference, now: datetime) -> None:
    open_rows = Finding.objects.for_system().filter(credential=credential, settled_at=None)
    open_rows.filter(code=difference.code).update(settled_at=now, settled_by=audit.SYSTEM)
    Finding.objects.for_system().create(
        credential=credential, code=difference.code, details=_spell(difference), found_at=now
    )
    audit.record(
        "credential.finding",
        actor=audit.SYSTEM,
        subject=f"credential:{credential.uuid}",
        now=now,
        data={"code": difference.code.value},
    )


def _spell(difference: Difference) -> str:
    return json.dumps(difference.details)


def settle_finding(finding: Finding, *, by: str, now: datetime) -> None:
    """Note that a person looked at it; the same difference is not reported again while it lasts."""
    with transaction.atomic():
        open_rows = Finding.objects.for_system().filter(pk=finding.pk, settled_at=None)
        if open_rows.update(settled_at=now, settled_by=by):
            subject = f"credential:{finding.credential.uuid}"
            audit.record("credential.finding_settled", actor=by, subject=subject, now=now)


def check_evidence(source: Source) -> CheckReport:
    """Check every credential in force that rests on this source, store the report and return it.

    Findings are for the officers of each city; the report tells whoever keeps the machine that there are some.
    """
    started_at = utc_now()
    issued = Credential.objects.for_system().filter(
        state__in=IN_FORCE,
        documents__source=source,
        documents__replaced_at=None,
    )
    checked, differences = 0, list[dict[str, object]]()
    for credential in issued.distinct().order_by("pk").iterator(chunk_size=500):
        checked += 1
        differences += [
            {"credential": str(credential.uuid), "code": found.code.value, "details": list(found.details)}
            for found in report_differences(credential, utc_now())
        ]
    return store_report(
        source, EVIDENCE, started_at=started_at, checked=checked, skipped=0, differences=differences
    )
