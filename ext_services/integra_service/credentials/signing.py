"""All forms of a credential from one body, and our own verification of each before anything is stored."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db import transaction
from django.db.models import Q, QuerySet

from integra_service.audit import services as audit
from integra_service.lib.errors import ServiceError

from .documents import format_time
from .issuer import resolve_own, sign_status_list
from .jose import JwtForm, sign_jwt
from .keys import get_signing_method, require_trusted
from .linked_data import JsonObject, LinkedDataError, dump
from .locks import lock_credential, lock_issuer, lock_status_lists
from .models import CredentialDocument, Issuer, KeyAlgorithm, KeyState, SigningKey, StatusList
from .proofs import SigningMethod, sign
from .secured import RefusedError, Resolve, read_embedded, read_jwt
from .verification import CONTEXTS, Outcome, verify_document

logger = logging.getLogger(__name__)


class SelfVerificationError(ServiceError):
    """What we signed does not verify; nothing of it was stored."""

    def __init__(self, code: str) -> None:
        super().__init__("self_verification_failed", f"The signed document does not verify: {code}.")


@dataclass(frozen=True, slots=True)
class JoseForms:
    """The two JWTs of a credential and the key that signed both."""

    key: SigningKey
    ob_jwt: str
    vc_jwt: str


@dataclass(frozen=True, slots=True)
class SignedForms:
    """Everything signed of a credential, verified; the images and the paper are made of ``content``."""

    key: SigningKey
    content: bytes
    jose: JoseForms


def sign_forms(issuer: Issuer, body: JsonObject, now: datetime) -> SignedForms:
    """Return ``body`` in its three signed forms, or raise SelfVerificationError."""
    key, method = get_signing_method(issuer, KeyAlgorithm.ED25519)
    jose_key, jose_method = get_signing_method(issuer, KeyAlgorithm.P256)
    # Read after both keys were opened, so that a key made meanwhile is in the DID document.
    resolve = cache(resolve_own(issuer))
    content = dump(sign(body, method, created=format_time(now)))
    result = verify_document(content, resolve, now=now)
    if result.outcome is not Outcome.VALID:
        raise SelfVerificationError(result.code or result.outcome.value)
    return SignedForms(key, content, sign_jose(body, jose_key, jose_method, resolve))


def sign_jose(body: JsonObject, key: SigningKey, method: SigningMethod, resolve: Resolve) -> JoseForms:
    """Return the JWTs of a body whose embedded form was verified, or raise SelfVerificationError.

    That they say the same as the verified document makes every judgement of it theirs.
    """
    tokens = {form: sign_jwt(body, method, form) for form in JwtForm}
    for form, token in tokens.items():
        try:
            said = read_jwt(token.encode("ascii"), resolve, form=form, contexts=CONTEXTS)
        except (RefusedError, LinkedDataError) as error:
            raise SelfVerificationError(error.code) from error
        if said != body:
            raise SelfVerificationError("forms_differ")
    return JoseForms(key, tokens[JwtForm.OPEN_BADGES], tokens[JwtForm.VC_JOSE_COSE])


def complete_forms(issuer: Issuer, now: datetime) -> int:
    """Give JWTs to what was signed before there were any, and new ones where a compromised key signed them.

    Only a document that still verifies gets them, made of its own signed bytes: never of what stands beside them.
    Returns how many documents got theirs.
    """
    for status_list in issuer.status_lists.filter(jwt=""):
        _renew_list(status_list, now)
    key, method = get_signing_method(issuer, KeyAlgorithm.P256)
    resolve = cache(resolve_own(issuer))
    lacking = _list_lacking().exclude(signing_key__state=KeyState.COMPROMISED).order_by("pk")
    completed = 0
    # One at a time: ten thousand documents with their evidence do not fit in memory.
    for pk in list(lacking.values_list("pk", flat=True)):
        document = CredentialDocument.objects.for_system().select_related("credential").get(pk=pk)
        body = _read_signed(document, resolve)
        if body is not None:
            completed += _store_jose(document, sign_jose(body, key, method, resolve), now)
    return completed


def _list_lacking() -> QuerySet[CredentialDocument]:
    """Return the documents that stand and have no JWTs that count."""
    documents = CredentialDocument.objects.for_system().filter(content__isnull=False, replaced_at=None)
    return documents.filter(Q(ob_jwt="") | Q(jose_key__state=KeyState.COMPROMISED))


@transaction.atomic
def _renew_list(status_list: StatusList, now: datetime) -> None:
    (locked,) = lock_status_lists(StatusList.objects.filter(pk=status_list.pk))
    sign_status_list(locked, now)
    subject = f"issuer:{status_list.issuer.key}"
    audit.record(
        "status_list.renewed", actor=audit.SYSTEM, subject=subject, now=now, data={"list": status_list.key}
    )


def _read_signed(document: CredentialDocument, resolve: Resolve) -> JsonObject | None:
    try:
        return read_embedded(bytes(document.content or b""), resolve, contexts=CONTEXTS)
    except (RefusedError, LinkedDataError) as error:
        logger.error("document %s gets no JWT: it does not verify (%s)", document.pk, error.code)
        return None


@transaction.atomic
def _store_jose(document: CredentialDocument, forms: JoseForms, now: datetime) -> bool:
    """Store the JWTs unless another process was faster or the document was erased meanwhile."""
    lock_credential(document.credential_id)
    lock_issuer(forms.key.issuer)
    require_trusted(forms.key)
    lacking = _list_lacking().filter(pk=document.pk)
    if not lacking.update(jose_key=forms.key, ob_jwt=forms.ob_jwt, vc_jwt=forms.vc_jwt):
        return False
    subject, data = f"credential:{document.credential.uuid}", {"jose_key": forms.key.fragment}
    audit.record("credential.forms_added", actor=audit.SYSTEM, subject=subject, now=now, data=data)
    return True
