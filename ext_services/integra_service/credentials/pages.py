"""What the verification page and the paper say, read out of the signed document itself."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from integra_service.lib.errors import NotFoundError
from integra_service.people.models import Person, Purpose
from integra_service.people.services import has_consent

from .did import document_url
from .documents import digest_content
from .models import Credential, CredentialDocument, CredentialState, RevocationReason, SuspensionReason
from .names import is_name_of
from .states import EXPIRED, effective_state, get_page_url

UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class ModuleLine:
    """A module as the signed document names it."""

    name: str
    route: str


@dataclass(frozen=True, slots=True)
class CredentialPage:
    """One credential, ready to be shown. Holds no name: none is in the document."""

    token: str
    url: str
    state: str
    word: str
    reason: str
    changed_at: datetime
    awarded_at: datetime
    expires_at: datetime | None
    version: int
    replaced_at: datetime | None  # when the version before this one ended
    title: str
    description: str
    criteria: str
    modules: tuple[ModuleLine, ...]
    english_title: str
    english_description: str
    issuer_name: str
    issuer_did: str
    issuer_url: str
    did_url: str
    key_id: str
    status_url: str
    status_index: str
    digest: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ErasedPage:
    """What is left of a credential whose holder asked to be forgotten: it names nobody."""

    token: str
    word: str
    awarded_at: datetime
    changed_at: datetime


def access_credential(token: str, viewer: Person | None = None) -> Credential:
    """Return the credential to whoever knows its address, or raise NotFoundError.

    One that was never issued, one that is not signed yet and one whose holder no longer agrees to it look alike, but to
    the holder: whether theirs is hidden tells ``is_hidden``.
    """
    issued = Credential.objects.for_system().exclude(state=CredentialState.INTENDED)
    credential = issued.filter(token=token).select_related("person").first()
    if credential is None or (credential.person != viewer and is_hidden(credential)):
        raise nothing_there()
    return credential


def access_own(token: str, person: Person) -> Credential:
    """Return the credential to its holder, also a hidden one; to others there is none."""
    credential = access_credential(token, person)
    if credential.person != person:
        raise nothing_there()
    return credential


def nothing_there() -> NotFoundError:
    return NotFoundError(_("There is no certificate at this address. Check that it is complete."))


def is_hidden(credential: Credential) -> bool:
    """Tell whether its holder no longer agrees to its being shown."""
    return not (_is_erased(credential) or has_consent(credential.person, Purpose.CERTIFICATE))


def access_document(token: str) -> CredentialDocument:
    """Return the signed document in force to whoever knows the address; of an erased one there is none."""
    credential = access_credential(token)
    if _is_erased(credential):
        raise nothing_there()
    return find_document(credential)


def _is_erased(credential: Credential) -> bool:
    return credential.state == CredentialState.ERASED


def find_document(credential: Credential) -> CredentialDocument:
    """Return the last document that was signed."""
    signed = CredentialDocument.objects.for_system().filter(credential=credential, signed_at__isnull=False)
    return signed.select_related("signing_key", "credential__person").latest("ordinal")


def describe_erased(credential: Credential) -> ErasedPage:
    return ErasedPage(
        credential.token, describe_state(credential.state), credential.awarded_at, credential.changed_at
    )


def describe_credential(stored: CredentialDocument, now: datetime) -> CredentialPage:
    """Return what can be said of the document's credential now; its digest is computed anew each time."""
    credential = stored.credential
    content = bytes(stored.content or b"")
    digest = digest_content(content)
    state = effective_state(credential, now) if digest == stored.content_digest else UNCONFIRMED
    document = json.loads(stored.body)
    subject = document["credentialSubject"]
    achievement = subject["achievement"]
    edition = achievement["related"][0]
    names = {line["id"]: line["name"] for line in achievement["resultDescription"]}
    key = stored.signing_key
    return CredentialPage(
        token=credential.token,
        url=get_page_url(credential),
        state=state,
        word=describe_state(state),
        reason=describe_reason(credential.reason) if credential.reason else "",
        changed_at=credential.changed_at,
        awarded_at=credential.awarded_at,
        expires_at=credential.expires_at,
        version=stored.ordinal,
        replaced_at=_former_documents(stored).aggregate(last=Max("replaced_at"))["last"],
        title=achievement["name"],
        description=achievement["description"],
        criteria=achievement["criteria"]["narrative"],
        modules=tuple(ModuleLine(names[r["resultDescription"]], r["value"]) for r in subject["result"]),
        english_title=edition["name"],
        english_description=edition["description"],
        issuer_name=document["issuer"]["name"],
        issuer_did=document["issuer"]["id"],
        issuer_url=document["issuer"]["url"],
        did_url=document_url(document["issuer"]["id"], scheme=document["issuer"]["url"].partition(":")[0]),
        key_id=f"{document['issuer']['id']}#{key.fragment}" if key else "",
        status_url=document["credentialStatus"]["statusListCredential"],
        status_index=document["credentialStatus"]["statusListIndex"],
        digest=digest,
        content=content,
    )


def _former_documents(stored: CredentialDocument) -> QuerySet[CredentialDocument]:
    documents = CredentialDocument.objects.for_system().filter(credential_id=stored.credential_id)
    return documents.filter(ordinal__lt=stored.ordinal, signed_at__isnull=False)


def compare_name(stored: CredentialDocument, typed: str) -> str:
    """Return ``match``, ``former`` (the name of a version that was replaced) or ``no_match``.

    Who holds an old paper learns that it was replaced, and not that it was forged.
    """
    if is_name_of(typed, salt=stored.salt, identity_hash=stored.name_hash):
        return "match"
    former = _former_documents(stored).values_list("salt", "name_hash")
    is_former = any(is_name_of(typed, salt=salt, identity_hash=name_hash) for salt, name_hash in former)
    return "former" if is_former else "no_match"


def describe_state(state: str) -> str:
    """Return the one word for the state."""
    return {
        CredentialState.VALID: _("Valid"),
        CredentialState.SUSPENDED: _("Suspended"),
        CredentialState.REVOKED: _("Revoked"),
        CredentialState.ERASED: _("Withdrawn"),
        EXPIRED: _("Expired"),
        UNCONFIRMED: _("Unconfirmed"),
    }[CredentialState(state) if state in CredentialState else state]


def describe_reason(reason: str) -> str:
    """Return the class of reason for which a credential was revoked or suspended, as a sentence."""
    sentences: dict[str, str] = {
        RevocationReason.EVIDENCE_WITHDRAWN: _("What the certificate rested on was withdrawn or corrected."),
        RevocationReason.ISSUED_IN_ERROR: _("It was issued by mistake."),
        RevocationReason.MISUSE: _("It was obtained or used improperly."),
        RevocationReason.HOLDER_REQUEST: _("Its holder asked for it."),
        SuspensionReason.UNDER_REVIEW: _("Somebody of the programme is looking into it."),
        SuspensionReason.SOURCE_DISTRUSTED: _("What its classroom reported is being checked."),
    }
    return sentences[reason]
