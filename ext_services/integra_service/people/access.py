"""The one door through which staff reach people: their own cities, and nothing else."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import OuterRef, Q, Subquery

from integra_grading.errors import PseudonymError
from integra_grading.pseudonym import read_short_code
from integra_service.lib import encryption
from integra_service.lib.errors import NotFoundError
from integra_service.lib.text import fold_words

from .identities import list_short_codes
from .models import Consent, LearnerIdentity, LegalName, NameToken, Person, Purpose, Role, StaffRole
from .names import TOKEN_CONTEXT, confirmed_names

MAX_FOUND = 20
MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Staff:
    """A signed-in member of the staff with the cities their roles of today reach."""

    user_id: int
    username: str
    city_ids: frozenset[int]  # may see people
    editable_city_ids: frozenset[int]  # may enter and decide
    officer_city_ids: frozenset[int]  # may take credentials back, and stand for policies
    operator_city_ids: frozenset[int]  # keep the machine of these cities; no people

    @property
    def sees_people(self) -> bool:
        return bool(self.city_ids)

    @property
    def is_officer(self) -> bool:
        return bool(self.officer_city_ids)

    @property
    def is_operator(self) -> bool:
        return bool(self.operator_city_ids)

    @property
    def actor(self) -> str:
        """How the audit names them."""
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """One row of a search."""

    person: Person
    name: str | None
    short_codes: tuple[str, ...]


def find_staff(user: User, *, on: date) -> Staff | None:
    """Return the roles this user has on that day; None for a user without any."""
    if not user.is_active:
        return None
    roles = StaffRole.objects.filter(
        Q(to_on__isnull=True) | Q(to_on__gte=on), user_id=user.pk, from_on__lte=on
    )
    held = [(role.city_id, role.role) for role in roles]
    if not held:
        return None

    def cities_of(*wanted: Role) -> frozenset[int]:
        return frozenset(city_id for city_id, role in held if role in wanted)

    return Staff(
        user_id=user.pk,
        username=user.get_username(),
        city_ids=cities_of(Role.STAFF, Role.AUDITOR, Role.OFFICER),
        editable_city_ids=cities_of(Role.STAFF),
        officer_city_ids=cities_of(Role.OFFICER),
        operator_city_ids=cities_of(Role.OPERATOR),
    )


def name_colleagues(staff: Staff, user_ids: Collection[int]) -> dict[int, str]:
    """Return the usernames of those among them who have or had a role in a city this member of the staff sees.

    Their own is always there; of who worked in other cities only, nothing is said.
    """
    shared = StaffRole.objects.filter(city_id__in=staff.city_ids, user_id__in=user_ids)
    named = User.objects.filter(Q(pk__in=shared.values("user")) | Q(pk=staff.user_id), pk__in=user_ids)
    return dict(named.values_list("pk", "username"))


def access_person(staff: Staff, uuid: UUID) -> Person:
    """Return the person if they belong to one of the staff member's cities, else raise NotFoundError.

    The answer is the same for a person who does not exist and for one of another city.
    """
    known = Person.objects.in_cities(staff.city_ids).filter(erased_at__isnull=True)
    person = known.select_related("city").filter(uuid=uuid).first()
    if person is None:
        raise NotFoundError
    return person


def find_people(staff: Staff, code_or_name: str) -> tuple[FoundPerson, ...]:
    """Return the people of the staff member's cities with that short code or confirmed name.

    A name finds only those who agreed to be found by it; every word typed must be one of the name's.
    """
    try:
        people = find_by_code(staff, read_short_code(code_or_name))
    except PseudonymError:
        people = find_by_name(staff, code_or_name)
    return describe(people)


def find_by_code(staff: Staff, code: str) -> list[Person]:
    identities = LearnerIdentity.objects.in_cities(staff.city_ids).filter(
        short_code=code, retired_at__isnull=True, person__erased_at__isnull=True
    )
    return unique([identity.person for identity in identities.select_related("person__city")[:MAX_FOUND]])


def find_by_name(staff: Staff, text: str) -> list[Person]:
    words = fold_words(text)[:MAX_WORDS]
    if not words:
        return []
    names = LegalName.objects.all()
    for word in words:
        digests = encryption.blind_indexes(word, context=TOKEN_CONTEXT)
        names = names.filter(pk__in=NameToken.objects.filter(digest__in=digests).values("name_id"))
    latest = Consent.objects.filter(person=OuterRef("pk"), purpose=Purpose.FIND_BY_NAME)
    people = Person.objects.in_cities(staff.city_ids).select_related("city").order_by("pk")
    agreed = people.annotate(agreed=Subquery(latest.order_by("-decided_at", "-pk").values("is_granted")[:1]))
    return list(agreed.filter(agreed=True, pk__in=names.values("person_id"))[:MAX_FOUND])


def describe(people: list[Person]) -> tuple[FoundPerson, ...]:
    names, codes = confirmed_names(people), list_short_codes(people)
    return tuple(FoundPerson(p, names.get(p.pk), codes.get(p.pk, ())) for p in people)


def unique(people: list[Person]) -> list[Person]:
    return list({person.pk: person for person in people}.values())
