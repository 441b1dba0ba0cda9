"""From a source's learner to a person, and from person to person."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from integra_grading.pseudonym import short_code
from integra_service.lib.inserting import insert_missing

from .models import City, LearnerIdentity, Person, Source


def find_identity(source: Source, learner_uuid: UUID) -> LearnerIdentity | None:
    return (
        LearnerIdentity.objects.for_system()
        .select_related("person", "source")
        .filter(source=source, learner_uuid=learner_uuid)
        .first()
    )


def list_short_codes(people: Iterable[Person]) -> dict[int, tuple[str, ...]]:
    """Return the short codes by which people are found, by the person's internal id; retired ones find nobody."""
    codes: dict[int, tuple[str, ...]] = {}
    identities = LearnerIdentity.objects.for_system().filter(person__in=people, retired_at__isnull=True)
    for person_id, code in identities.order_by("pk").values_list("person_id", "short_code"):
        codes[person_id] = (*codes.get(person_id, ()), code)
    return codes


def ensure_identity(source: Source, learner_uuid: UUID, city_id: int, now: datetime) -> LearnerIdentity:
    """Return the identity, made with its person in that city when it is not known yet."""
    known = find_identity(source, learner_uuid)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            person = Person.objects.create(city_id=city_id, created_at=now)
            return LearnerIdentity.objects.create(
                source=source,
                learner_uuid=learner_uuid,
                short_code=short_code(learner_uuid),
                person=person,
                own_person=person,
                created_at=now,
            )
    except IntegrityError:  # another process was first
        made = find_identity(source, learner_uuid)
        if made is None:
            raise
        return made


@transaction.atomic
def ensure_identities(source: Source, city_ids: Mapping[UUID, int], now: datetime) -> None:
    """Make the identities that are not known yet, each with its person in the city given."""
    if not city_ids:
        return
    learner_uuids = sorted(city_ids)  # in one order: two workers with the same learners do not deadlock
    people = Person.objects.for_system().bulk_create(
        [Person(city_id=city_ids[learner_uuid], created_at=now) for learner_uuid in learner_uuids]
    )
    made = insert_missing(
        [
            LearnerIdentity(
                source=source,
                learner_uuid=learner_uuid,
                short_code=short_code(learner_uuid),
                person=person,
                own_person=person,
                created_at=now,
            )
            for learner_uuid, person in zip(learner_uuids, people, strict=True)
        ],
        unique=("source_id", "learner_uuid"),
        returning="own_person_id",
    )
    # Another process was first: its person is the one that stays.
    Person.objects.for_system().filter(pk__in=[p.pk for p in people if p.pk not in made]).delete()


def move_person(identity: LearnerIdentity, city: City) -> None:
    """Put the identity's own person into another city: staff of the old one no longer see them."""
    Person.objects.for_system().filter(pk=identity.own_person_id).exclude(city=city).update(city=city)


def retire_identity(identity: LearnerIdentity, now: datetime) -> None:
    """Note that the learner left their classroom for good; ``privacy`` forgets who is left without any identity."""
    LearnerIdentity.objects.for_system().filter(pk=identity.pk, retired_at__isnull=True).update(
        retired_at=now
    )
