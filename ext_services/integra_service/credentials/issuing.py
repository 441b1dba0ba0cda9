"""From a decision to a signed document: the intent first, then the signature, then our own verification of it."""

import hashlib
import json
import secrets
from datetime import datetime

from django.db import IntegrityError, transaction

from integra_service.audit import services as audit
from integra_service.lib.errors import ServiceError
from integra_service.people.models import LearnerIdentity, Purpose
from integra_service.people.services import confirmed_name, has_consent
from integra_service.records.fold import CourseRecord

from .decisions import decide_achievements
from .documents import CredentialFacts, build_credential
from .evidence import collect_evidence, digest_evidence, dump_evidence, list_results
from .issuer import (
    draw_status_index,
    ensure_issuer,
    get_issuer,
    get_list_url,
    make_profile,
    take_state_position,
)
from .keys import require_trusted
from .linked_data import dump
from .models import Credential, CredentialDocument, CredentialState, Issuer
from .names import hash_name
from .policies import AchievementPolicy, Decision
from .signals import announce
from .signing import SignedForms, sign_forms
from .states import find_credential

MAX_DRAWS = 8


def issue_due(identity: LearnerIdentity, now: datetime) -> tuple[Credential, ...]:
    """Issue what this learner reached and wants; repeatable, also by several workers at once.

    Nothing is issued before the person consented and confirmed the name. Returns the credentials that exist for what
    was reached, whoever issued them.
    """
    name = confirmed_name(identity.person)
    if name is None or not has_consent(identity.person, Purpose.CERTIFICATE):
        return ()
    credentials = []
    for policy, decision in decide_achievements(identity):
        if not decision.is_met or decision.course is None:
            continue
        credential = find_credential(identity.person, policy.key)
        if credential is None:
            credential = _intend(identity, policy, decision, decision.course, name, now)
        _complete(credential, now)
        credentials.append(credential)
    return tuple(credentials)


def complete_intents(now: datetime) -> int:
    """Sign what a stopped process left as intent; return how many there were."""
    intended = Credential.objects.for_system().filter(state=CredentialState.INTENDED).order_by("pk")
    credentials = list(intended)
    for credential in credentials:
        _complete(credential, now)
    return len(credentials)


def _intend(
    identity: LearnerIdentity,
    policy: AchievementPolicy,
    decision: Decision,
    course: CourseRecord,
    name: str,
    now: datetime,
) -> Credential:
    """Store what will be signed, before it is signed; return the intent of whoever came first."""
    issuer = ensure_issuer(now)
    for _draw in range(MAX_DRAWS):
        try:
            # Committed before anything is signed: a caller that holds a transaction open is a mistake.
            with transaction.atomic(durable=True):
                return _store_intent(issuer, identity, policy, decision, course, name, now)
        except IntegrityError:  # issued meanwhile, or the drawn place in the status list is taken
            credential = find_credential(identity.person, policy.key)
            if credential is not None:
                return credential
    raise ServiceError("status_list_full", "No free place in the status list was found.")


def _store_intent(
    issuer: Issuer,
    identity: LearnerIdentity,
    policy: AchievementPolicy,
    decision: Decision,
    course: CourseRecord,
    name: str,
    now: datetime,
) -> Credential:
    credential = Credential.objects.create(
        token=secrets.token_urlsafe(16),
        person=identity.person,
        achievement_key=policy.key,
        awarded_at=now,
        changed_at=now,
    )
    status_list = issuer.status_lists.latest("pk")
    salt = secrets.token_hex(16)
    facts = CredentialFacts(
        url=f"{issuer.url}/c/{credential.token}",
        subject_uuid=credential.subject_uuid,
        name_hash=hash_name(name, salt),
        salt=salt,
        status_list_url=get_list_url(issuer, status_list),
        status_index=draw_status_index(),
        awarded_at=now,
        valid_from=now,
        results=list_results(course, policy),
    )
    evidence = dump_evidence(collect_evidence(decision, course, policy))
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
        evidence_digest=digest_evidence(evidence),
        body=dump(build_credential(facts, policy, make_profile(issuer))).decode("utf-8"),
        intended_at=now,
    )
    audit.record(
        "credential.intended",
        actor="system",
        subject=f"credential:{credential.uuid}",
        now=now,
        data={"achievement": policy.key, "policy": policy.digest, "evidence": digest_evidence(evidence)},
    )
    return credential


def _complete(credential: Credential, now: datetime) -> None:
    """Sign, verify and store, unless somebody did. Signing holds no transaction open."""
    issuer = get_issuer()
    unsigned = CredentialDocument.objects.for_system().filter(credential=credential, signed_at=None)
    for document in unsigned:
        _store_signed(issuer, document, _sign(issuer, document, now), now)
    credential.refresh_from_db()


def _sign(issuer: Issuer, document: CredentialDocument, now: datetime) -> SignedForms:
    return sign_forms(issuer, json.loads(document.body), now)


@transaction.atomic
def _store_signed(issuer: Issuer, document: CredentialDocument, forms: SignedForms, now: datetime) -> None:
    digest = hashlib.sha256(forms.content).hexdigest()
    unsigned = CredentialDocument.objects.for_system().filter(pk=document.pk, signed_at=None)
    if not unsigned.update(
        content=forms.content,
        content_digest=digest,
        signing_key=forms.key,
        jose_key=forms.jose.key,
        ob_jwt=forms.jose.ob_jwt,
        vc_jwt=forms.jose.vc_jwt,
        signed_at=now,
    ):
        return  # another worker stored its signature of the same body first
    credential = Credential.objects.for_system().select_related("person").get(pk=document.credential_id)
    credential.state, credential.changed_at = CredentialState.VALID, now
    credential.state_position = take_state_position(issuer)
    require_trusted(forms.key, forms.jose.key)
    credential.save(update_fields=["state", "changed_at", "state_position"])
    audit.record(
        "credential.issued",
        actor="system",
        subject=f"credential:{credential.uuid}",
        now=now,
        data={"document": digest, "key": forms.key.fragment, "jose_key": forms.jose.key.fragment},
    )
    announce(credential.person)
