"""What the verification page and the paper say, read out of the signed document itself."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from integra_service.lib.errors import NotFoundError
from integra_service.people.models import Purpose
from integra_service.people.services import has_consent

from .did import document_url
from .models import Credential, CredentialDocument, CredentialState, RevocationReason
from .states import get_page_url

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
    salt: str
    name_hash: str


def access_credential(token: str) -> Credential:
    """Return the credential to whoever knows its address, or raise NotFoundError.

    One that was never issued, one that is not signed yet and one whose holder no longer agrees to it look alike.
    """
    credential = (
        Credential.objects.for_system().filter(token=token).exclude(state=CredentialState.INTENDED)
    ).select_related("person").first()  # fmt: skip
    if credential is None or not has_consent(credential.person, Purpose.CERTIFICATE):
        raise NotFoundError(_("There is no certificate at this address. Check that it is complete."))
    return credential


def describe_credential(credential: Credential) -> CredentialPage:
    """Return what can be said of the credential now; its digest is computed anew each time."""
    stored = CredentialDocument.objects.for_system().filter(credential=credential).latest("ordinal")
    content = bytes(stored.content or b"")
    digest = hashlib.sha256(content).hexdigest()
    state = credential.state if digest == stored.content_digest else UNCONFIRMED
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
        salt=stored.salt,
        name_hash=stored.name_hash,
    )


def describe_state(state: str) -> str:
    """Return the one word for the state."""
    return {
        CredentialState.VALID: _("Valid"),
        CredentialState.REVOKED: _("Revoked"),
        UNCONFIRMED: _("Unconfirmed"),
    }[CredentialState(state) if state in CredentialState else state]


def describe_reason(reason: str) -> str:
    """Return the class of reason for which a credential was revoked, as a sentence."""
    return {
        RevocationReason.EVIDENCE_WITHDRAWN: _("What the certificate rested on was withdrawn or corrected."),
        RevocationReason.ISSUED_IN_ERROR: _("It was issued by mistake."),
        RevocationReason.MISUSE: _("It was obtained or used improperly."),
        RevocationReason.HOLDER_REQUEST: _("Its holder asked for it."),
    }[RevocationReason(reason)]
