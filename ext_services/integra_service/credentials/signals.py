"""What other apps may want to act on; sent after the transaction committed."""

from django.db import transaction
from django.dispatch import Signal

from integra_service.people.models import Person

# Arguments: person. A credential was issued or revoked.
credential_changed = Signal()


def announce(person: Person) -> None:
    """Tell the receivers once the transaction has committed; one that fails is logged by Django."""
    transaction.on_commit(lambda: credential_changed.send_robust(sender=Person, person=person))
