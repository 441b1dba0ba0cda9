"""What may become of an issued credential, and who sees it: page, status list, classroom, in one transaction."""

from collections.abc import Set
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import RequestError

from .changes import store_change
from .issuer import sign_status_list
from .locks import lock_credential, lock_status_lists
from .models import (
    IN_FORCE,
    Act,
    Credential,
    CredentialDocument,
    CredentialState,
    RevocationReason,
    StatusList,
    SuspensionReason,
)
from .signals import announce

# Act: the states it may start from, the one it ends in, and the audit's word for it.
_ACTS = {
    Act.REVOKE: (
        IN_FORCE,
        CredentialState.REVOKED,
        "credential.revoked",
    ),
    Act.SUSPEND: ({CredentialState.VALID}, CredentialState.SUSPENDED, "credential.suspended"),
    Act.REINSTATE: ({CredentialState.SUSPENDED}, CredentialState.VALID, "credential.reinstated"),
}
REASONS: dict[Act, frozenset[str]] = {
    Act.REVOKE: frozenset(RevocationReason),
    Act.SUSPEND: frozenset(SuspensionReason),
    Act.REINSTATE: frozenset({""}),
}


def revoke(credential: Credential, reason: RevocationReason, by: str, now: datetime) -> None:
    """Take the credential back for good; its bit in the status list tells every verifier."""
    perform(credential, Act.REVOKE, reason, by=by, now=now)


def suspend(credential: Credential, reason: SuspensionReason, by: str, now: datetime) -> None:
    """Let it not count for now: said by the page and to the classroom, and not in the list, which cannot be undone."""
    perform(credential, Act.SUSPEND, reason, by=by, now=now)


def reinstate(credential: Credential, by: str, now: datetime) -> None:
    """Let a suspended credential count again."""
    perform(credential, Act.REINSTATE, "", by=by, now=now)


@transaction.atomic
def perform(credential: Credential, act: Act, reason: str, *, by: str, now: datetime) -> None:
    """Do one act. Repeating it changes nothing; one that does not fit the state is refused.

    Args:
        credential: Brought up to date.
        act: What to do.
        reason: The class of reason, which the page shows; one of ``REASONS[act]``.
        by: The actor as the audit trail names it, for example ``user:7``.
        now: When.
    """
    if reason not in REASONS[act]:
        raise RequestError("bad_reason", _("Choose one of the reasons."), "reason")
    sources, target, action = _ACTS[act]
    locked = lock_credential(credential.pk)
    if locked.state != target:
        require_state(locked, sources)
        if act == Act.REVOKE:
            set_bits(CredentialDocument.objects.for_system().filter(credential=locked), now)
        locked.state, locked.reason, locked.changed_at = target, reason, max(now, locked.changed_at)
        store_change(locked, now)
        data = {"reason": str(reason)} if reason else None
        audit.record(action, actor=by, subject=f"credential:{locked.uuid}", now=now, data=data)
        announce(locked.person)
    credential.refresh_from_db()


def announce_expired(now: datetime) -> int:
    """Tell the classrooms of credentials whose time is over since the last call; return how many."""
    past = Credential.objects.for_system().filter(state=CredentialState.VALID, expires_at__lt=now)
    untold = past.filter(changed_at__lt=F("expires_at")).order_by("pk")
    return sum(_announce_expired(pk, now) for pk in list(untold.values_list("pk", flat=True)))


@transaction.atomic
def _announce_expired(pk: int, now: datetime) -> bool:
    locked = lock_credential(pk)
    if (
        locked.state != CredentialState.VALID
        or locked.expires_at is None
        or locked.changed_at >= locked.expires_at
    ):
        return False
    locked.changed_at = max(now, locked.changed_at)
    store_change(locked, now)
    audit.record("credential.expired", actor=audit.SYSTEM, subject=f"credential:{locked.uuid}", now=now)
    announce(locked.person)
    return True


def list_possible_acts(credential: Credential) -> tuple[Act, ...]:
    """Return what the credential's state leaves to be done."""
    return tuple(act for act, (sources, _target, _action) in _ACTS.items() if credential.state in sources)


def require_state(credential: Credential, allowed: Set[CredentialState]) -> None:
    if credential.state == CredentialState.INTENDED:
        raise RequestError("not_issued", _("This certificate has not been issued."), status=409)
    if credential.state not in allowed:
        raise RequestError(
            "wrong_state", _("The certificate's state changed meanwhile: reload the page."), status=409
        )


def set_bits(documents: QuerySet[CredentialDocument], now: datetime) -> None:
    """Mark the documents revoked and publish their lists anew. The caller holds the credential's row."""
    pks = list(documents.filter(is_revoked=False).values_list("pk", flat=True))
    rows = CredentialDocument.objects.for_system().filter(pk__in=pks)
    rows.update(is_revoked=True)
    for status_list in lock_status_lists(StatusList.objects.filter(pk__in=rows.values("status_list"))):
        sign_status_list(status_list, now)
