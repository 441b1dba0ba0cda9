"""From a stored intent to the signed document: the signature, our own verification of it, and what follows from it."""

import json
import logging
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integra_service.audit import services as audit

from .changes import store_change
from .distrust import is_distrusted
from .documents import digest_content
from .issuer import get_issuer
from .keys import require_trusted
from .life import set_bits
from .locks import lock_credential, lock_source
from .models import Credential, CredentialDocument, CredentialState, Issuer, SuspensionReason
from .signals import announce
from .signing import SignedForms, sign_forms

logger = logging.getLogger(__name__)


def list_unsigned(at: datetime) -> QuerySet[CredentialDocument]:
    """Return what is still to be signed: not of an erased credential, nor of one that ended before that moment."""
    unsigned = CredentialDocument.objects.for_system().filter(signed_at=None)
    return unsigned.exclude(credential__state=CredentialState.ERASED).exclude(credential__expires_at__lt=at)


def complete_intents(now: datetime) -> int:
    """Sign what a stopped process left as intent; return of how many credentials. One that fails stops nobody.

    What ended meanwhile is left alone, as ``complete`` does: another term may follow it.
    """
    begun = Credential.objects.for_system().filter(pk__in=list_unsigned(now).values("credential"))
    completed = 0
    for credential in list(begun.order_by("pk")):
        try:
            complete(credential, now)
            completed += 1
        except Exception:
            logger.exception("a begun credential could not be completed; it is tried again at the next call")
    return completed


def complete(credential: Credential, now: datetime) -> None:
    """Sign, verify and store, unless somebody did. Signing holds no transaction open."""
    issuer = get_issuer()
    for document in list_unsigned(now).filter(credential=credential).order_by("ordinal"):
        _store_signed(document, _sign(issuer, document, now), now)
    credential.refresh_from_db()


def _sign(issuer: Issuer, document: CredentialDocument, now: datetime) -> SignedForms:
    body = json.loads(document.body)
    # A replacement may begin a second after the former one, which can be a moment ahead.
    return sign_forms(issuer, body, max(now, datetime.fromisoformat(body["validFrom"])))


@transaction.atomic
def _store_signed(document: CredentialDocument, forms: SignedForms, now: datetime) -> None:
    credential = lock_credential(document.credential_id)
    if credential.state == CredentialState.ERASED:
        return
    digest = digest_content(forms.content)
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
        credential.state, credential.changed_at = CredentialState.VALID, max(now, credential.changed_at)
        lock_source(document.source_id)
        if is_distrusted(document.source_id):  # since it was decided
            credential.state, credential.reason = (
                CredentialState.SUSPENDED,
                SuspensionReason.SOURCE_DISTRUSTED,
            )
    store_change(credential, now)
    require_trusted(forms.key, forms.jose.key)
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
