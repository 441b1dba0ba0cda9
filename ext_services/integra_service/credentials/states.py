"""Finding credentials and telling their states."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, Subquery

from integra_service.people.models import Person, Source

from .models import IN_FORCE, Credential, CredentialState

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
    changed_at: datetime  # the last change of any certificate of this achievement and person


def effective_state(credential: Credential, now: datetime) -> str:
    """Return the credential's state as it is now: the stored one, or EXPIRED for a valid one past its time."""
    is_expired = is_past(credential, now) and credential.state == CredentialState.VALID
    return EXPIRED if is_expired else str(credential.state)


def is_past(credential: Credential, now: datetime) -> bool:
    """Tell whether its time is over, whatever became of it before."""
    return credential.expires_at is not None and credential.expires_at < now


def is_replaceable(credential: Credential, now: datetime) -> bool:
    """Tell whether a later document may follow its signed one.

    Not when it is past: the document would be expired before anybody reads it.
    """
    return credential.state in IN_FORCE and not is_past(credential, now)


def can_be_followed(credential: Credential, now: datetime) -> bool:
    """Tell whether another certificate may follow: what does not count is settled first.

    What was never signed before its time was over will never be, so that there is nothing to settle.
    """
    is_lost = credential.state == CredentialState.INTENDED and is_past(credential, now)
    return credential.state == CredentialState.VALID or is_lost


def list_terms(person: Person) -> tuple[Credential, ...]:
    """Return every certificate of this person in whatever state, of each achievement the latest last."""
    return tuple(Credential.objects.for_system().filter(person=person).order_by("achievement_key", "term"))


def find_term(person: Person, achievement_key: str, term: int) -> Credential | None:
    """Return that one of the person's certificates of this achievement, in whatever state it is."""
    terms = Credential.objects.for_system().filter(person=person, achievement_key=achievement_key)
    return terms.filter(term=term).first()


def find_former(credential: Credential) -> Credential | None:
    """Return the certificate that this one followed; None for the first."""
    return find_term(credential.person, credential.achievement_key, credential.term - 1)


def find_next(credential: Credential) -> Credential | None:
    """Return the certificate that followed this one, once it was signed."""
    following = find_term(credential.person, credential.achievement_key, credential.term + 1)
    return None if following is None or following.state == CredentialState.INTENDED else following


def list_credentials(person: Person) -> tuple[Credential, ...]:
    """Return what was issued to this person, whatever became of it."""
    unseen = {CredentialState.INTENDED, CredentialState.ERASED}
    issued = Credential.objects.for_system().filter(person=person).exclude(state__in=unseen)
    return tuple(issued.order_by("awarded_at", "pk"))


def list_seen(credential: Credential) -> tuple[Credential, ...]:
    """Return the person's certificates of the same achievement that were issued, whatever became of them."""
    same = Credential.objects.for_system().filter(
        person=credential.person_id, achievement_key=credential.achievement_key
    )
    return tuple(same.filter(state_position__isnull=False).order_by("term"))


def get_page_url(credential: Credential) -> str:
    """Return the address of the verification page."""
    return f"{settings.INTEGRA_ISSUER_URL}/c/{credential.token}"


def list_states(source: Source, after: int, now: datetime, *, limit: int = 500) -> tuple[StateRow, ...]:
    """Return the states of this source's learners that changed after ``after``, oldest change first.

    The classroom knows one certificate of each achievement: the latest that counts, or the latest where none does.
    """
    seen = Credential.objects.for_system().filter(
        person=OuterRef("person"), achievement_key=OuterRef("achievement_key"), state_position__isnull=False
    )
    later = seen.filter(term__gt=OuterRef("term"))
    counts = Q(state=CredentialState.VALID) & (Q(expires_at=None) | Q(expires_at__gte=now))
    is_told = (counts & ~Exists(later.filter(counts))) | (~Exists(seen.filter(counts)) & ~Exists(later))
    # Of all of them together it never runs backwards, and classrooms pass over what is older than they know.
    last_changed_at = seen.values("person").annotate(last=Max("changed_at")).values("last")
    rows = (
        Credential.objects.for_system()
        .filter(is_told, person__identities__source=source, state_position__gt=after)
        .order_by("state_position", "person__identities__pk")
        .values_list("pk", "person__identities__learner_uuid", Subquery(last_changed_at))[:limit]
    )
    credentials = Credential.objects.for_system().in_bulk([pk for pk, _learner_uuid, _changed_at in rows])
    return tuple(
        _make_row(credentials[pk], learner_uuid, changed_at, now) for pk, learner_uuid, changed_at in rows
    )


def _make_row(credential: Credential, learner_uuid: UUID, changed_at: datetime, now: datetime) -> StateRow:
    return StateRow(
        credential.state_position or 0,
        learner_uuid,
        credential.achievement_key,
        effective_state(credential, now),
        credential.token,
        changed_at,
    )
