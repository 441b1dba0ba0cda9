"""What other apps may want to act on; sent after the transaction committed."""

from django.db import transaction
from django.dispatch import Signal

from .models import Person

# Arguments: person. Name confirmed, consent or residence changed: something may be due now.
person_ready = Signal()


def announce(person: Person) -> None:
    """Tell the receivers once the transaction has committed; one that fails is logged by Django."""
    transaction.on_commit(lambda: person_ready.send_robust(sender=Person, person=person))
