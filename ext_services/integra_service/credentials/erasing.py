"""Forgetting a holder: what is left of a credential names nobody, and still tells that it no longer counts."""

from datetime import datetime

from django.db import transaction

from integra_service.audit import services as audit
from integra_service.people.models import Person

from .changes import store_change
from .life import set_bits
from .locks import lock_credential
from .models import Credential, CredentialDocument, CredentialState, Finding
from .signals import announce

# Everything that was signed or can be traced to somebody. Dates, achievement and place in the status list stay.
_FORGOTTEN: dict[str, object] = {
    "salt": "",
    "name_hash": "",
    "evidence": "",
    "body": "",
    "content": None,
    "ob_jwt": "",
    "vc_jwt": "",
}


def erase_credentials(person: Person, *, by: str, now: datetime) -> int:
    """Erase every credential of ``person``; return how many were not erased before. Repeatable.

    Copies that were given away remain readable: their place in the status list says from now on that they were revoked.
    """
    waiting = Credential.objects.for_system().filter(person=person).exclude(state=CredentialState.ERASED)
    return sum(_erase(pk, by, now) for pk in list(waiting.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _erase(pk: int, by: str, now: datetime) -> bool:
    locked = lock_credential(pk)
    if locked.state == CredentialState.ERASED:
        return False
    documents = CredentialDocument.objects.for_system().filter(credential=locked)
    set_bits(documents, now)
    documents.update(**_FORGOTTEN)
    # Their details name attempts and deliverables of one learner.
    Finding.objects.for_system().filter(credential=locked).update(details="[]")
    locked.state, locked.reason, locked.changed_at = CredentialState.ERASED, "", max(now, locked.changed_at)
    store_change(locked, now)
    audit.record("credential.erased", actor=by, subject=f"credential:{locked.uuid}", now=now)
    announce(locked.person)
    return True
