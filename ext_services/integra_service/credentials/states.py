"""Finding credentials and telling their states."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from integra_service.people.models import Person, Source

from .models import Credential, CredentialState

# Not stored: it follows from the date, and nobody has to do anything for it.
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StateRow:
    """A credential's state as the classroom learns it."""

    position: int
    learner_uuid: UUID
    achievement_key: str
    state: str
    token: str
    changed_at: datetime


def effective_state(credential: Credential, now: datetime) -> str:
    """Return the credential's state as it is now: the stored one, or EXPIRED for a valid one past its time."""
    is_past = credential.expires_at is not None and credential.expires_at < now
    return EXPIRED if is_past and credential.state == CredentialState.VALID else str(credential.state)


def find_credential(person: Person, achievement_key: str) -> Credential | None:
    """Return the credential in whatever state it is."""
    return Credential.objects.for_system().filter(person=person, achievement_key=achievement_key).first()


def find_current(person: Person, achievement_key: str, now: datetime) -> Credential | None:
    """Return the person's credential of this achievement if it counts now, or None."""
    credential = find_credential(person, achievement_key)
    counts = credential is not None and effective_state(credential, now) == CredentialState.VALID
    return credential if counts else None


def list_credentials(person: Person) -> tuple[Credential, ...]:
    """Return what was issued to this person, whatever became of it."""
    unseen = {CredentialState.INTENDED, CredentialState.ERASED}
    issued = Credential.objects.for_system().filter(person=person).exclude(state__in=unseen)
    return tuple(issued.order_by("awarded_at", "pk"))


def get_page_url(credential: Credential) -> str:
    """Return the address of the verification page."""
    return f"{settings.INTEGRA_ISSUER_URL}/c/{credential.token}"


def list_states(source: Source, after: int, now: datetime, *, limit: int = 500) -> tuple[StateRow, ...]:
    """Return the states of this source's learners that changed after ``after``, oldest change first."""
    rows = (
        Credential.objects.for_system()
        .filter(person__identities__source=source, state_position__gt=after)
        .order_by("state_position", "person__identities__pk")
        .values_list("pk", "person__identities__learner_uuid")[:limit]
    )
    credentials = Credential.objects.for_system().in_bulk([pk for pk, _learner_uuid in rows])
    return tuple(_make_row(credentials[pk], learner_uuid, now) for pk, learner_uuid in rows)


def _make_row(credential: Credential, learner_uuid: UUID, now: datetime) -> StateRow:
    return StateRow(
        credential.state_position or 0,
        learner_uuid,
        credential.achievement_key,
        effective_state(credential, now),
        credential.token,
        credential.changed_at,
    )
