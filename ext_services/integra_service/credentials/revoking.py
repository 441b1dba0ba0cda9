"""Taking a credential back, visibly."""

from datetime import datetime

from django.db import transaction

from integra_service.audit import services as audit
from integra_service.lib.errors import RequestError

from .issuer import get_issuer, sign_status_list, take_state_position
from .models import Credential, CredentialDocument, CredentialState, RevocationReason, StatusList
from .signals import announce


@transaction.atomic
def revoke(credential: Credential, reason: RevocationReason, by: str, now: datetime) -> None:
    """Revoke: page, status list and classroom say so from now on. Repeating it changes nothing.

    Args:
        credential: Brought up to date.
        reason: The class of reason, which the page shows.
        by: The actor as the audit trail names it, for example ``user:7``.
        now: When.
    """
    locked = Credential.objects.for_system().select_for_update(no_key=True).get(pk=credential.pk)
    if locked.state == CredentialState.INTENDED:
        raise RequestError("not_issued", "This certificate has not been issued.", status=409)
    if locked.state == CredentialState.VALID:
        _set_bits(locked, now)
        locked.state, locked.reason, locked.changed_at = CredentialState.REVOKED, reason, now
        locked.state_position = take_state_position(get_issuer())
        locked.save(update_fields=["state", "reason", "changed_at", "state_position"])
        subject = f"credential:{locked.uuid}"
        audit.record("credential.revoked", actor=by, subject=subject, now=now, data={"reason": reason.value})
        announce(locked.person)
    credential.refresh_from_db()


def _set_bits(credential: Credential, now: datetime) -> None:
    documents = CredentialDocument.objects.for_system().filter(credential=credential)
    documents.update(is_revoked=True)
    lists = StatusList.objects.filter(pk__in=documents.values("status_list")).order_by("pk")
    for status_list in lists.select_for_update(no_key=True):
        sign_status_list(status_list, now)
