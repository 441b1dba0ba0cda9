"""From a decision to a signed document: the intent first, then the signature, then our own verification of it."""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import IntegrityError, transaction

from integra_service.audit import services as audit
from integra_service.lib.dates import add_months
from integra_service.lib.days import end_of_day, local_day
from integra_service.lib.errors import ServiceError
from integra_service.people.erasing import PersonErasedError, is_erased, lock_living
from integra_service.people.models import LearnerIdentity, Person, Purpose
from integra_service.people.services import confirmed_name, has_consent
from integra_service.records.fold import CourseRecord

from .decisions import decide_achievements, decide_renewals
from .distrust import is_distrusted, lock_trust
from .documents import CredentialFacts, build_credential, rebuild_credential
from .evidence import collect_evidence, digest_evidence, dump_evidence, list_results
from .issuer import (
    draw_status_index,
    ensure_issuer,
    get_issuer,
    get_list_url,
    make_profile,
    open_status_list,
    take_state_position,
)
from .keys import require_trusted
from .life import set_bits
from .linked_data import dump
from .models import (
    Credential,
    CredentialDocument,
    CredentialState,
    Issuer,
    ReplacementReason,
    SuspensionReason,
)
from .names import hash_name, is_name_of
from .policies import AchievementPolicy, Decision
from .signals import announce
from .signing import SignedForms, sign_forms
from .states import find_term, get_page_url, is_replaceable, list_terms

logger = logging.getLogger(__name__)

MAX_DRAWS = 8
T = TypeVar("T")


def issue_due(identity: LearnerIdentity, now: datetime) -> tuple[Credential, ...]:
    """Issue and renew what this learner reached and wants, and replace what bears another name than the confirmed one.

    Repeatable, also by several workers at once. Nothing is issued before the person consented and confirmed the name.
    Returns the person's credentials, whoever issued them.
    """
    if find_wanted_name(identity.person) is None:
        return ()
    renewals = decide_renewals(identity, now)
    begun = {term.achievement_key for term in list_terms(identity.person)}
    for policy, decision in decide_achievements(identity):
        renewal = renewals.get(policy.key)
        if policy.key not in begun and decision.is_met and decision.course is not None:
            _intend(identity, policy, decision, decision.course, None, now)
        elif renewal is not None and renewal.is_due and renewal.decision.course is not None:
            _intend(identity, policy, renewal.decision, renewal.decision.course, renewal.former, now)
    credentials = list_terms(identity.person)
    for credential in credentials:
        complete(credential, now)
        replace_for_name(credential, now)
    return credentials


def find_wanted_name(person: Person) -> str | None:
    """Return the name a certificate of this person bears; None while they confirmed none or want no certificate."""
    wants_one = has_consent(person, Purpose.CERTIFICATE) and not is_erased(person)
    return confirmed_name(person) if wants_one else None


def lock_wanted_name(person: Person) -> str | None:
    """The same inside a transaction, before whose end nobody erases the person."""
    try:
        lock_living(person)
    except PersonErasedError:
        return None
    return find_wanted_name(person)


def complete_intents(now: datetime) -> int:
    """Sign what a stopped process left as intent; return of how many credentials. One that fails stops nobody."""
    unsigned = CredentialDocument.objects.for_system().filter(signed_at=None)
    begun = Credential.objects.for_system().filter(pk__in=unsigned.values("credential")).order_by("pk")
    completed = 0
    for credential in list(begun.exclude(state=CredentialState.ERASED)):
        try:
            complete(credential, now)
            completed += 1
        except Exception:
            logger.exception("a begun credential could not be completed; it is tried again at the next call")
    return completed


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


def store_with_free_index(
    issuer: Issuer, store: Callable[[], T], find_known: Callable[[], T | None], now: datetime
) -> T:
    """Return what ``store`` made with a place of its own in the status list, or what somebody else made meanwhile."""
    for draw in range(2 * MAX_DRAWS):
        if draw == MAX_DRAWS:
            # So many taken places in a row: the list is more than half full.
            open_status_list(issuer, now)
        try:
            # Committed before anything is signed: a caller that holds a transaction open is a mistake.
            with transaction.atomic(durable=True):
                return store()
        except IntegrityError:  # made meanwhile, or the drawn place in the status list is taken
            known = find_known()
            if known is not None:
                return known
    raise ServiceError("status_list_full", "No free place in the status list was found.")


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
    if name is None or (former is not None and _lock(former).state != CredentialState.VALID):
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


def replace_for_name(credential: Credential, now: datetime) -> None:
    """Replace the document while it was signed for another name than the confirmed one; repeatable.

    Asked again afterwards: the name may have been changed once more while the document was being signed.
    """
    while is_replaceable(credential, now) and _bears_another_name(credential):
        replace(credential, ReplacementReason.NAME_CHANGED, now)


def _bears_another_name(credential: Credential) -> bool:
    name = find_wanted_name(credential.person)
    latest = CredentialDocument.objects.for_system().filter(credential=credential).latest("ordinal")
    return name is not None and not is_name_of(name, salt=latest.salt, identity_hash=latest.name_hash)


def replace(credential: Credential, because: ReplacementReason, now: datetime) -> None:
    """Sign the credential anew under the same address; the former document is revoked and kept.

    Args:
        credential: Valid or suspended; stays what it is. What is past is left alone.
        because: Why, as the former document's row tells.
        now: When; becomes the new ``validFrom``.
    """
    issuer = get_issuer()
    latest = CredentialDocument.objects.for_system().filter(credential=credential).latest("ordinal")

    def store() -> CredentialDocument | None:
        return _store_replacement(issuer, latest, because, now)

    def find_known() -> CredentialDocument | None:
        later = CredentialDocument.objects.for_system().filter(credential=credential)
        return later.filter(ordinal__gt=latest.ordinal).first()

    store_with_free_index(issuer, store, find_known, now)
    complete(credential, now)


def _store_replacement(
    issuer: Issuer, latest: CredentialDocument, because: ReplacementReason, now: datetime
) -> CredentialDocument | None:
    name = None
    if because == ReplacementReason.NAME_CHANGED:
        name = lock_wanted_name(latest.credential.person)
        if name is None:
            return None
    if not is_replaceable(_lock(latest.credential), now):
        return None
    salt, name_hash = latest.salt, latest.name_hash
    if name is not None:
        salt = secrets.token_hex(16)
        name_hash = hash_name(name, salt)
    status_list = issuer.status_lists.latest("pk")
    index = draw_status_index()
    former = json.loads(latest.body)
    body = rebuild_credential(
        former,
        name_hash=name_hash,
        salt=salt,
        status_list_url=get_list_url(issuer, status_list.key),
        status_index=index,
        # Documents tell time in seconds, and the later one counts.
        valid_from=max(now, datetime.fromisoformat(former["validFrom"]) + timedelta(seconds=1)),
    )
    document = CredentialDocument.objects.create(
        credential_id=latest.credential_id,
        source_id=latest.source_id,
        ordinal=latest.ordinal + 1,
        status_list=status_list,
        status_index=index,
        salt=salt,
        name_hash=name_hash,
        policy_version=latest.policy_version,
        policy_digest=latest.policy_digest,
        rule_version=latest.rule_version,
        bank_digests=latest.bank_digests,
        evidence=latest.evidence,
        evidence_digest=latest.evidence_digest,
        body=dump(body).decode("utf-8"),
        intended_at=now,
    )
    CredentialDocument.objects.for_system().filter(pk=latest.pk).update(replaced_because=because)
    return document


def _lock(credential: Credential) -> Credential:
    """Return it as it is now; nobody revokes, suspends or erases it before the end of the caller's transaction."""
    return Credential.objects.for_system().select_for_update(no_key=True).get(pk=credential.pk)


def complete(credential: Credential, now: datetime) -> None:
    """Sign, verify and store, unless somebody did. Signing holds no transaction open."""
    issuer = get_issuer()
    unsigned = CredentialDocument.objects.for_system().filter(credential=credential, signed_at=None)
    due = unsigned.exclude(credential__state=CredentialState.ERASED).exclude(credential__expires_at__lt=now)
    for document in due.order_by("ordinal"):
        _store_signed(issuer, document, _sign(issuer, document, now), now)
    credential.refresh_from_db()


def _sign(issuer: Issuer, document: CredentialDocument, now: datetime) -> SignedForms:
    body = json.loads(document.body)
    # A replacement may begin a second after the former one, which can be a moment ahead.
    return sign_forms(issuer, body, max(now, datetime.fromisoformat(body["validFrom"])))


@transaction.atomic
def _store_signed(issuer: Issuer, document: CredentialDocument, forms: SignedForms, now: datetime) -> None:
    credentials = Credential.objects.for_system().select_related("person")
    credential = credentials.select_for_update(of=("self",), no_key=True).get(pk=document.credential_id)
    if credential.state == CredentialState.ERASED:
        return
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
    action = "credential.issued"
    if document.ordinal > 1:
        action = "credential.replaced"
        _end_former(document, now)
    if credential.state == CredentialState.REVOKED:  # while this was being signed
        set_bits(CredentialDocument.objects.for_system().filter(pk=document.pk), now)
    if credential.state == CredentialState.INTENDED:
        credential.state, credential.changed_at = CredentialState.VALID, now
        lock_trust(document.source_id)
        if is_distrusted(document.source_id):  # since it was decided
            credential.state, credential.reason = (
                CredentialState.SUSPENDED,
                SuspensionReason.SOURCE_DISTRUSTED,
            )
    credential.state_position = take_state_position(issuer)
    require_trusted(forms.key, forms.jose.key)
    credential.save(update_fields=["state", "reason", "changed_at", "state_position"])
    audit.record(
        action,
        actor=audit.SYSTEM,
        subject=f"credential:{credential.uuid}",
        now=now,
        data={"document": digest, "key": forms.key.fragment, "jose_key": forms.jose.key.fragment},
    )
    announce(credential.person)


def _end_former(document: CredentialDocument, now: datetime) -> None:
    """Revoke what ``document`` replaces."""
    former = CredentialDocument.objects.for_system().filter(
        credential_id=document.credential_id, ordinal__lt=document.ordinal
    )
    former.filter(replaced_at=None).update(replaced_at=now)
    set_bits(former, now)
