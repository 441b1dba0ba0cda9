"""Whether a person wants a certificate, and the name it bears."""

from integra_service.people.erasing import PersonErasedError, is_erased, lock_living
from integra_service.people.models import Person, Purpose
from integra_service.people.services import confirmed_name, has_consent


def find_wanted_name(person: Person) -> str | None:
    """Return the name a certificate of this person bears; None while they confirmed none or want no certificate."""
    wants_one = has_consent(person, Purpose.CERTIFICATE) and not is_erased(person)
    return confirmed_name(person) if wants_one else None


def lock_wanted_name(person: Person) -> str | None:
    """The same inside a transaction, before whose end nobody erases the person."""
    try:
        lock_living(person)
    except PersonErasedError:
        return None
    return find_wanted_name(person)
