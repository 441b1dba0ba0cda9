"""Who is who: the rules of a run, a learner's place in a cohort, and who facilitates. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from integra_gradebook.errors import CourseNotRegistered, GradebookError
from integra_gradebook.models import CourseRun, Enrolment, FacilitatorRole, LearnerPseudonym
from integra_gradebook.models import Manifest as ManifestRow
from integra_gradebook.results import Learner
from integra_grading.manifest import Manifest, parse_manifest

if TYPE_CHECKING:
    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Run:
    """A course run and the rules it follows now."""

    id: int
    course_key: str
    rule_version: str

    @property
    def rules(self) -> Manifest:
        return load_rules(self.rule_version)

    @property
    def course_family(self) -> str:
        """The course's own key, the same in every run: ring exposure and exemptions belong to it."""
        return self.rules.course.key


@dataclass(frozen=True, slots=True)
class Place:
    """Where one learner stands in one run: everything a fact needs to know about its owner."""

    run: Run
    learner_id: int
    user_id: int | None
    learner_uuid: UUID
    short_code: str
    enrolment_id: int
    cohort_key: str
    city_key: str
    time_zone: str
    first_form: str
    enrolled_at: datetime
    accommodations: tuple[str, ...]


@lru_cache(maxsize=64)
def load_rules(rule_version: str) -> Manifest:
    """Return one version of the rules; it never changes, so that a process may keep it."""
    return parse_manifest(
        ManifestRow.objects.values_list("content", flat=True).get(rule_version=rule_version)
    )


def find_run(course_key: str) -> Run | None:
    row = CourseRun.objects.filter(course_key=course_key).values_list("pk", "manifest__rule_version").first()
    return Run(id=row[0], course_key=course_key, rule_version=row[1]) if row else None


def get_run(course_key: str) -> Run:
    run = find_run(course_key)
    if run is None:
        raise CourseNotRegistered(course_key)
    return run


def get_rules(course_key: str) -> Manifest:
    """Return the rules a run follows now, or raise CourseNotRegistered."""
    return get_run(course_key).rules


def list_courses() -> tuple[str, ...]:
    return tuple(CourseRun.objects.order_by("course_key").values_list("course_key", flat=True))


def find_place(learner: Learner) -> Place | None:
    """Return the learner's place, or None where they never wrote anything and nobody enrolled them."""
    return _find(
        Enrolment.objects.filter(learner__user_id=learner.user_id, course__course_key=learner.course_key)
    )


def get_place(enrolment_id: int) -> Place:
    place = _find(Enrolment.objects.filter(pk=enrolment_id))
    if place is None:
        raise Enrolment.DoesNotExist
    return place


def _find(enrolments: QuerySet[Enrolment]) -> Place | None:
    row = enrolments.values(*_PLACE_COLUMNS).first()
    if row is None:
        return None
    return Place(
        run=Run(row["course_id"], row["course__course_key"], row["course__manifest__rule_version"]),
        learner_id=row["learner_id"],
        user_id=row["learner__user_id"],
        learner_uuid=row["learner__learner_uuid"],
        short_code=row["learner__short_code"],
        enrolment_id=row["pk"],
        cohort_key=row["cohort__key"],
        city_key=row["cohort__city_key"],
        time_zone=row["cohort__time_zone"],
        first_form=row["first_form"],
        enrolled_at=row["enrolled_at"],
        accommodations=tuple(row["accommodations"]),
    )


# Read in one statement and as plain values: every request of every block begins with it.
_PLACE_COLUMNS = (
    "pk",
    "learner_id",
    "learner__user_id",
    "learner__learner_uuid",
    "learner__short_code",
    "course_id",
    "course__course_key",
    "course__manifest__rule_version",
    "cohort__key",
    "cohort__city_key",
    "cohort__time_zone",
    "first_form",
    "enrolled_at",
    "accommodations",
)


def find_user_id(learner_uuid: UUID) -> int | None:
    """Return whose pseudonym this is; None where it is nobody's, or a retired person's."""
    return (
        LearnerPseudonym.objects.filter(learner_uuid=learner_uuid).values_list("user_id", flat=True).first()
    )


# --- facilitators ---------------------------------------------------------------------------------


def is_facilitator(user_id: int, course_key: str, *, on: date) -> bool:
    return _roles(course_key).filter(_valid_on(on), user_id=user_id).exists()


def list_facilitators(course_key: str, *, on: date) -> tuple[int, ...]:
    """Return the user ids of those who facilitate in this run, for the doctor."""
    return tuple(
        _roles(course_key)
        .filter(_valid_on(on))
        .order_by("user_id")
        .values_list("user_id", flat=True)
        .distinct()
    )


def access_cohorts(user_id: int, course_key: str, *, now: datetime) -> tuple[int, ...]:
    """Return the cohorts a facilitator sees now; for everybody else there is nothing here.

    A role ends with its last day where the cohort is.
    """
    roles = _roles(course_key).filter(user_id=user_id)
    cohorts = set()
    for cohort_id, time_zone, starts_on, ends_on in roles.values_list(
        "cohort_id", "cohort__time_zone", "starts_on", "ends_on"
    ):
        today = now.astimezone(ZoneInfo(time_zone)).date()
        if starts_on <= today and (ends_on is None or today <= ends_on):
            cohorts.add(cohort_id)
    if not cohorts:
        raise GradebookError("not_a_facilitator")
    return tuple(sorted(cohorts))


def _roles(course_key: str) -> QuerySet[FacilitatorRole]:
    return FacilitatorRole.objects.filter(cohort__course__course_key=course_key)


def _valid_on(on: date) -> Q:
    return Q(starts_on__lte=on) & (Q(ends_on__isnull=True) | Q(ends_on__gte=on))
