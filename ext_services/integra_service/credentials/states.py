"""Finding credentials and telling their states."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from integra_service.people.models import Person, Source

from .models import Credential, CredentialState


@dataclass(frozen=True, slots=True)
class StateRow:
    """A credential's state as the classroom learns it."""

    position: int
    learner_uuid: UUID
    achievement_key: str
    state: str
    token: str
    url: str
    changed_at: datetime


def find_credential(person: Person, achievement_key: str) -> Credential | None:
    """Return the credential in whatever state it is."""
    return Credential.objects.for_system().filter(person=person, achievement_key=achievement_key).first()


def find_current(person: Person, achievement_key: str) -> Credential | None:
    """Return the person's valid credential of this achievement, or None."""
    credential = find_credential(person, achievement_key)
    return credential if credential and credential.state == CredentialState.VALID else None


def list_credentials(person: Person) -> tuple[Credential, ...]:
    """Return what was issued to this person, whatever became of it."""
    issued = Credential.objects.for_system().filter(person=person).exclude(state=CredentialState.INTENDED)
    return tuple(issued.order_by("awarded_at", "pk"))


def get_page_url(credential: Credential) -> str:
    """Return the address of the verification page."""
    return f"{settings.INTEGRA_ISSUER_URL}/c/{credential.token}"


def list_states(source: Source, after: int, limit: int = 500) -> tuple[StateRow, ...]:
    """Return the states of this source's learners that changed after ``after``, oldest change first."""
    rows = (
        Credential.objects.for_system()
        .filter(person__identities__source=source, state_position__gt=after)
        .order_by("state_position", "person__identities__pk")
        .values_list("pk", "person__identities__learner_uuid")[:limit]
    )
    credentials = Credential.objects.for_system().in_bulk([pk for pk, _learner_uuid in rows])
    return tuple(_make_row(credentials[pk], learner_uuid) for pk, learner_uuid in rows)


def _make_row(credential: Credential, learner_uuid: UUID) -> StateRow:
    return StateRow(
        credential.state_position or 0,
        learner_uuid,
        credential.achievement_key,
        credential.state,
        credential.token,
        get_page_url(credential),
        credential.changed_at,
    )
