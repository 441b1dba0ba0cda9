"""Forgetting a person: what of it lies in this app, and the lock that keeps anybody from writing about them again.

``integra_service.privacy.erasing`` calls these in order; each is repeatable and a transaction of its own.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import RequestError

from .erasures import note_erasure
from .models import (
    DataRequest,
    LearnerIdentity,
    LegalName,
    Person,
    RequestKind,
    RequestState,
    ResidenceEpisode,
)


class PersonErasedError(RequestError):
    """Somebody asked meanwhile that this person be forgotten; nothing is written about them any more."""

    def __init__(self) -> None:
        super().__init__("person_erased", _("These data were erased."), status=409)


def lock_living(person: Person) -> None:
    """Let nobody erase this person before the caller's transaction ends, or raise PersonErasedError.

    Shared: any number of writers hold it at once, and only an erasure waits for them. SQLite has one writer anyway.
    """
    living = Person.objects.for_system().filter(pk=person.pk, erased_at__isnull=True).values_list("pk")
    query, values = living.query.sql_with_params()
    if connection.vendor == "postgresql":
        query += " FOR SHARE"  # which Django has no word for
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        if cursor.fetchone() is None:
            raise PersonErasedError


def lock_alone(person: Person) -> None:
    """The same, and no other writer holds it either: for what is read first and decided upon."""
    living = Person.objects.for_system().select_for_update(no_key=True).filter(erased_at__isnull=True)
    if living.filter(pk=person.pk).values_list("pk").first() is None:
        raise PersonErasedError


def is_erased(person: Person) -> bool:
    """Tell whether the person's erasure was begun, as the database has it now."""
    return Person.objects.for_system().filter(pk=person.pk, erased_at__isnull=False).exists()


def list_selves(person: Person) -> list[Person]:
    """Return the person and those that a human joined into them: one human being."""
    joined = LearnerIdentity.objects.for_system().filter(person=person).values("own_person")
    return list(Person.objects.for_system().filter(Q(pk=person.pk) | Q(pk__in=joined)).order_by("pk"))


@transaction.atomic
def close_person(person: Person, *, by: str, now: datetime) -> None:
    """Begin: from the commit on, every transaction that would write about this person is refused.

    What stood beside the identity's own dates is overwritten, so that no equal moment leads from what is left to it.
    """
    living = Person.objects.for_system().filter(pk=person.pk, erased_at__isnull=True)
    if living.update(erased_at=now, created_at=now):
        note_erasure(person, now)
        audit.record("person.erasure_begun", actor=by, subject=f"person:{person.uuid}", now=now)


@transaction.atomic
def erase_name(person: Person, *, by: str, now: datetime) -> None:
    """Delete the name with everything it could be found by."""
    if LegalName.objects.filter(person=person).delete()[0]:
        audit.record("name.erased", actor=by, subject=f"person:{person.uuid}", now=now)


@transaction.atomic
def erase_residences(person: Person, *, by: str, now: datetime) -> None:
    """Delete where they lived, corrections before what they corrected."""
    rows = list(ResidenceEpisode.objects.for_system().filter(person=person).order_by("-pk"))
    for row in rows:
        row.delete()
    if rows:
        audit.record("residences.erased", actor=by, subject=f"person:{person.uuid}", now=now)


@transaction.atomic
def end_erasure(person: Person, *, by: str, now: datetime) -> None:
    """Close what they asked for: the erasure is done, and there is nothing left for the rest to be about."""
    unsettled = DataRequest.objects.for_system().filter(
        person=person, state__in=[RequestState.OPEN, RequestState.BEGUN]
    )
    requests = list(unsettled.select_for_update().order_by("pk"))
    for request in requests:
        is_erasure = request.kind == RequestKind.ERASURE
        request.state = RequestState.DONE if is_erasure else RequestState.WITHDRAWN
        request.handled_by, request.handled_at = by, now
        request.save(update_fields=["state", "handled_by", "handled_at"])
    if requests:
        audit.record("data_request.done", actor=by, subject=f"person:{person.uuid}", now=now)


def is_being_erased(person: Person) -> bool:
    """Tell whether an erasure was begun and has not reached its end."""
    begun = DataRequest.objects.for_system().filter(person=person, state=RequestState.BEGUN)
    return begun.exists()


def list_detachable(before: datetime) -> list[LearnerIdentity]:
    """Return the learners whose former person was erased before then and who still lead to what is left of it."""
    rows = LearnerIdentity.objects.for_system().filter(person__erased_at__lt=before)
    known = rows.select_related("person").order_by("pk")
    return [identity for identity in known if not is_being_erased(identity.person)]


@transaction.atomic
def begin_anew(identity: LearnerIdentity) -> None:
    """Cut the learner off from the person that was erased: they are somebody of whom nothing is known.

    Not audited: the entry would be the very link that is cut.
    """
    identities = LearnerIdentity.objects.for_system().select_for_update(of=("self",), no_key=True)
    locked = identities.select_related("person").get(pk=identity.pk)
    if locked.person.erased_at is not None:
        blank = Person.objects.create(city_id=locked.person.city_id, created_at=locked.created_at)
        locked.person = locked.own_person = blank
        locked.save(update_fields=["person", "own_person"])
    identity.refresh_from_db()
