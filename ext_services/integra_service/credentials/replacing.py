"""Signing a credential anew under the same address: for another name, or because its key counts no more."""

import json
import secrets
from datetime import datetime, timedelta

from .completing import complete
from .documents import rebuild_credential
from .issuer import draw_status_index, get_issuer, get_list_url, store_with_free_index
from .linked_data import dump
from .locks import lock_credential
from .models import Credential, CredentialDocument, Issuer, ReplacementReason
from .names import hash_name, is_name_of
from .states import is_replaceable
from .wishes import find_wanted_name, lock_wanted_name


def replace_for_name(credential: Credential, now: datetime) -> None:
    """Replace the document while it was signed for another name than the confirmed one; repeatable.

    Asked again afterwards: the name may have been changed once more while the document was being signed.
    """
    while is_replaceable(credential, now) and (misnamed := _find_misnamed(credential)) is not None:
        replace(misnamed, ReplacementReason.NAME_CHANGED, now)
        credential.refresh_from_db()


def _find_misnamed(credential: Credential) -> CredentialDocument | None:
    """Return the last document if it is for another name than the confirmed one."""
    name = find_wanted_name(credential.person)
    documents = CredentialDocument.objects.for_system().filter(credential=credential)
    latest = documents.select_related("credential__person").latest("ordinal")
    if name is None or is_name_of(name, salt=latest.salt, identity_hash=latest.name_hash):
        return None
    return latest


def replace(document: CredentialDocument, because: ReplacementReason, now: datetime) -> None:
    """Sign the document's credential anew under the same address; the document is revoked and kept.

    Args:
        document: Of a credential that is valid or suspended and stays so; of one that is past nothing is signed. Where
            another one followed it meanwhile, that one is only completed.
        because: Why, as the document's row tells.
        now: When; becomes the new ``validFrom``.
    """
    issuer = get_issuer()

    def store() -> CredentialDocument | None:
        return _store_replacement(issuer, document, because, now)

    def find_known() -> CredentialDocument | None:
        later = CredentialDocument.objects.for_system().filter(credential=document.credential_id)
        return later.filter(ordinal__gt=document.ordinal).first()

    store_with_free_index(issuer, store, find_known, now)
    complete(document.credential, now)


def _store_replacement(
    issuer: Issuer, latest: CredentialDocument, because: ReplacementReason, now: datetime
) -> CredentialDocument | None:
    name = None
    if because == ReplacementReason.NAME_CHANGED:
        name = lock_wanted_name(latest.credential.person)
        if name is None:
            return None
    if not is_replaceable(lock_credential(latest.credential_id), now):
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
