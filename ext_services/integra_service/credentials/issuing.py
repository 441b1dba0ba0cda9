"""From a decision to a certificate: what will be signed is stored as an intent first, then completed."""

import json
import secrets
from datetime import datetime

from integra_service.audit import services as audit
from integra_service.lib.dates import add_months
from integra_service.lib.days import end_of_day, local_day
from integra_service.people.models import LearnerIdentity
from integra_service.records.fold import CourseRecord

from .completing import complete
from .decisions import decide_achievements, decide_renewals, read_case
from .documents import CredentialFacts, build_credential
from .evidence import collect_evidence, digest_evidence, dump_evidence, list_results
from .issuer import draw_status_index, ensure_issuer, get_list_url, make_profile, store_with_free_index
from .linked_data import dump
from .locks import lock_credential
from .models import Credential, CredentialDocument, Issuer
from .names import hash_name
from .policies import AchievementPolicy, Decision
from .replacing import replace_for_name
from .states import can_be_followed, find_term, get_page_url, list_terms
from .wishes import find_wanted_name, lock_wanted_name


def issue_due(identity: LearnerIdentity, now: datetime) -> tuple[Credential, ...]:
    """Issue and renew what this learner reached and wants, and replace what bears another name than the confirmed one.

    Repeatable, also by several workers at once. Nothing is issued before the person consented and confirmed the name.
    Returns the person's credentials, whoever issued them.
    """
    if find_wanted_name(identity.person) is None:
        return ()
    case, terms = read_case(identity), list_terms(identity.person)
    latest = {term.achievement_key: term for term in terms}
    renewals = decide_renewals(case, terms, now)
    for policy, decision in decide_achievements(case):
        former, renewal = latest.get(policy.key), renewals.get(policy.key)
        if former is None and decision.is_met and decision.course is not None:
            _intend(identity, policy, decision, decision.course, None, now)
        elif renewal is not None and renewal.is_due and renewal.decision.course is not None:
            _intend(identity, policy, renewal.decision, renewal.decision.course, former, now)
    credentials = list_terms(identity.person)
    for credential in credentials:
        complete(credential, now)
        replace_for_name(credential, now)
    return credentials


def _intend(
    identity: LearnerIdentity,
    policy: AchievementPolicy,
    decision: Decision,
    course: CourseRecord,
    former: Credential | None,
    now: datetime,
) -> Credential | None:
    """Store what will be signed, before it is signed; return the intent of whoever came first.

    ``former`` is the certificate that this one follows. None when the person changed their mind meanwhile, or that one
    was suspended or revoked.
    """
    issuer = ensure_issuer(now)
    term = 1 if former is None else former.term + 1

    def store() -> Credential | None:
        return _store_intent(issuer, identity, policy, decision, course, former, now)

    return store_with_free_index(issuer, store, lambda: find_term(identity.person, policy.key, term), now)


def _store_intent(
    issuer: Issuer,
    identity: LearnerIdentity,
    policy: AchievementPolicy,
    decision: Decision,
    course: CourseRecord,
    former: Credential | None,
    now: datetime,
) -> Credential | None:
    name = lock_wanted_name(identity.person)
    if name is None or (former is not None and not can_be_followed(lock_credential(former.pk), now)):
        return None
    expires_at = _find_end(policy, former, now)
    credential = Credential.objects.create(
        token=secrets.token_urlsafe(16),
        person=identity.person,
        achievement_key=policy.key,
        term=1 if former is None else former.term + 1,
        awarded_at=now,
        changed_at=now,
        expires_at=expires_at,
    )
    status_list = issuer.status_lists.latest("pk")
    salt = secrets.token_hex(16)
    facts = CredentialFacts(
        url=get_page_url(credential),
        subject_uuid=credential.subject_uuid,
        name_hash=hash_name(name, salt),
        salt=salt,
        status_list_url=get_list_url(issuer, status_list.key),
        status_index=draw_status_index(),
        awarded_at=now,
        valid_from=now,
        valid_until=expires_at,
        results=list_results(course, policy),
    )
    evidence = dump_evidence(collect_evidence(decision, course, policy))
    evidence_digest = digest_evidence(evidence)
    CredentialDocument.objects.create(
        credential=credential,
        source=identity.source,
        status_list=status_list,
        status_index=facts.status_index,
        salt=salt,
        name_hash=facts.name_hash,
        policy_version=policy.version,
        policy_digest=policy.digest,
        rule_version=course.rule_version,
        bank_digests=json.dumps(sorted({attempt.bank_digest for attempt in decision.tests})),
        evidence=evidence,
        evidence_digest=evidence_digest,
        body=dump(build_credential(facts, policy, make_profile(issuer))).decode("utf-8"),
        intended_at=now,
    )
    audit.record(
        "credential.intended",
        actor=audit.SYSTEM,
        subject=f"credential:{credential.uuid}",
        now=now,
        data={
            "achievement": policy.key,
            "term": credential.term,
            "policy": policy.digest,
            "evidence": evidence_digest,
        },
    )
    return credential


def _find_end(policy: AchievementPolicy, former: Credential | None, now: datetime) -> datetime | None:
    """Return when a certificate issued now ends; who renews early loses nothing of the former one."""
    if policy.valid_months is None:
        return None
    start = now
    if former is not None and former.expires_at is not None:
        start = max(now, former.expires_at)
    return end_of_day(add_months(local_day(start), policy.valid_months))
