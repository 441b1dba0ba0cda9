"""Registers courses and gives people their places: everything made before a learner's first fact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils import timezone

from integra_gradebook import standings
from integra_gradebook.conf import get_default_city, get_default_cohort
from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import Journal
from integra_gradebook.models import (
    Attempt,
    CertificateState,
    Cohort,
    CourseRun,
    Enrolment,
    FacilitatorRole,
    LearnerPseudonym,
    Rating,
    Submission,
    SubmissionDraft,
)
from integra_gradebook.models import Manifest as ManifestRow
from integra_gradebook.places import Place, Run, find_place, get_place, get_run
from integra_gradebook.results import Learner
from integra_gradebook.writing import locked, retried
from integra_grading import events
from integra_grading.deliverables import read_definition, without_words
from integra_grading.errors import GradingError
from integra_grading.forms import first_form
from integra_grading.manifest import Manifest, parse_manifest
from integra_grading.pseudonym import short_code
from integra_grading.standing import Route

SHORT_CODE_TRIES = 5


@retried
def register_course(course_key: str, manifest: dict[str, Any]) -> str:
    """Store the manifest, make the run follow it, and return its ``rule_version``. Repeats harmlessly."""
    try:
        rules = parse_manifest(manifest)
    except GradingError as error:
        raise GradebookError("manifest_invalid", "manifest", reason=str(error)) from error
    if not 0 < len(course_key) <= 255:
        raise GradebookError("manifest_invalid", "course_key", reason=course_key[:255])
    with transaction.atomic():
        row, _ = ManifestRow.objects.get_or_create(
            rule_version=rules.digest,
            defaults={
                "course_family": rules.course.key,
                "content": manifest,
                "registered_at": timezone.now(),
            },
        )
        CourseRun.objects.update_or_create(course_key=course_key, defaults={"manifest": row})
    return rules.digest


# --- the first write of a learner -----------------------------------------------------------------


def get_rules_of(learner: Learner, place: Place | None) -> Manifest:
    return place.run.rules if place else get_run(learner.course_key).rules


def open_place(
    learner: Learner,
    found: Place | None,
    *,
    now: datetime,
    uuid: UUID | None = None,
    fact_type: type[models.Model] | None = None,
) -> Place:
    """Return the learner's place; the first time, make it in the run's default cohort.

    Everything made here is made before the fact's own transaction, each part in a short one of its own:
    a row made and locked in the same transaction deadlocks under parallel first writes. Who has no place
    yet and comes with a uuid already stored comes with somebody else's.
    """
    if found is not None:
        return found
    if fact_type is not None and fact_type._default_manager.filter(uuid=uuid).exists():
        raise GradebookError("uuid_reused", "uuid")
    run = get_run(learner.course_key)
    require_user(learner.user_id)
    cohort = ensure_cohort(run, cohort_key=get_default_cohort(), city_key=get_default_city())
    place_learner(learner.user_id, cohort, now=now)
    place = find_place(learner)
    if place is None:
        raise GradebookError("busy")
    return place


def require_user(user_id: int) -> None:
    if not get_user_model()._default_manager.filter(pk=user_id).exists():
        raise GradebookError("unknown_user", "user_id")


def ensure_pseudonym(user_id: int, *, now: datetime) -> LearnerPseudonym:
    """Return the person's pseudonym, made in its own short transaction the first time."""
    for _ in range(SHORT_CODE_TRIES):
        found = LearnerPseudonym.objects.filter(user_id=user_id).first()
        if found is not None:
            return found
        learner_uuid = uuid4()
        try:
            with transaction.atomic():
                return LearnerPseudonym.objects.create(
                    user_id=user_id,
                    learner_uuid=learner_uuid,
                    short_code=short_code(learner_uuid),
                    created_at=now,
                )
        except IntegrityError:
            # A parallel request made it, or (once in a billion) the short code is taken.
            continue
    raise GradebookError("busy")


def ensure_cohort(run: Run, *, cohort_key: str, city_key: str, **attributes: Any) -> Cohort:
    """Return the cohort, made in its own short transaction the first time; an existing one stays as it is."""
    found = Cohort.objects.filter(course_id=run.id, key=cohort_key).first()
    if found is not None:
        return found
    cohort = Cohort(course_id=run.id, key=cohort_key, city_key=city_key, **attributes)
    try:
        cohort.clean_fields()
        with transaction.atomic():
            cohort.save(force_insert=True)
    except ValidationError as error:
        raise GradebookError("enrolment_invalid", "cohort", reason=" ".join(error.messages)) from error
    except IntegrityError:
        return Cohort.objects.get(course_id=run.id, key=cohort_key)
    return cohort


@retried
def place_learner(
    user_id: int,
    cohort: Cohort,
    *,
    now: datetime,
    route_intended: str = Enrolment.Route.TRAINING,
    accommodations: Sequence[str] = (),
) -> None:
    """Give a person a place in a cohort's run; who has one already keeps it."""
    learner = ensure_pseudonym(user_id, now=now)
    run = get_run(CourseRun.objects.values_list("course_key", flat=True).get(pk=cohort.course_id))
    with locked(learner.pk):
        if Enrolment.objects.filter(learner=learner, course_id=run.id).exists():
            return
        # The cohort's row is always locked after the learner's.
        Cohort.objects.filter(pk=cohort.pk).update(place_count=F("place_count") + 1)
        position = Cohort.objects.values_list("place_count", flat=True).get(pk=cohort.pk) - 1
        forms = run.rules.tests.pre.forms
        enrolment = Enrolment.objects.create(
            learner=learner,
            course_id=run.id,
            cohort=cohort,
            route_intended=route_intended,
            accommodations=list(accommodations),
            first_form=first_form(forms, seed=f"{run.course_key}/{cohort.key}", place=position),
            enrolled_at=now,
        )
        place = get_place(enrolment.pk)
        journal = Journal(place, now)
        journal.record(
            events.LearnerEnrolled, modality=str(cohort.modality), route_intended=Route(route_intended)
        )
        # An exemption earned in another run of the course counts here from the first day.
        standings.refresh(place, journal, now=now)
        journal.say()


def get_learner_uuid(learner: Learner) -> UUID:
    """Return the learner's pseudonym for other systems. Makes the place the first time: not for views."""
    now = timezone.now()
    return open_place(learner, find_place(learner), now=now).learner_uuid


def get_short_code(learner: Learner) -> str:
    """Return the code by which staff find the learner. Makes the place the first time: not for views."""
    now = timezone.now()
    return open_place(learner, find_place(learner), now=now).short_code


# --- what coordinators do -------------------------------------------------------------------------


def open_cohort(
    course_key: str,
    *,
    cohort_key: str,
    city_key: str,
    modality: str = Cohort.Modality.VIRTUAL,
    time_zone: str = "America/Guayaquil",
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> None:
    """Make a cohort; an existing one stays as it is."""
    ensure_cohort(
        get_run(course_key),
        cohort_key=cohort_key,
        city_key=city_key,
        modality=modality,
        time_zone=time_zone,
        starts_on=starts_on,
        ends_on=ends_on,
    )


def get_cohort(course_key: str, cohort_key: str) -> Cohort:
    cohort = Cohort.objects.filter(course__course_key=course_key, key=cohort_key).first()
    if cohort is None:
        raise GradebookError("cohort_unknown", "cohort_key")
    return cohort


def enrol(
    learner: Learner,
    *,
    cohort_key: str,
    now: datetime,
    route_intended: str = Enrolment.Route.TRAINING,
    accommodations: Sequence[str] = (),
) -> None:
    """Give a learner their place in a cohort; who has a place in this run keeps it."""
    cohort = get_cohort(learner.course_key, cohort_key)
    require_user(learner.user_id)
    place_learner(
        learner.user_id, cohort, now=now, route_intended=route_intended, accommodations=accommodations
    )


def appoint_facilitator(
    user_id: int, course_key: str, *, cohort_key: str, starts_on: date, ends_on: date | None = None
) -> None:
    """Let a person rate and use the desk in one cohort, from a day to a day."""
    cohort = get_cohort(course_key, cohort_key)
    require_user(user_id)
    FacilitatorRole.objects.update_or_create(
        user_id=user_id, cohort=cohort, starts_on=starts_on, defaults={"ends_on": ends_on}
    )


def change_enrolment(
    enrolment_id: int,
    *,
    cohort_id: int,
    status: str,
    route_intended: str,
    accommodations: Sequence[str],
    now: datetime,
) -> None:
    """Move a learner to another cohort of the run, end their place, or change what they need.

    Not a durable transaction: Django admin calls it inside its own.
    """
    learner_id = Enrolment.objects.values_list("learner_id", flat=True).get(pk=enrolment_id)
    with locked(learner_id, durable=False):
        before = Enrolment.objects.select_related("cohort").get(pk=enrolment_id)
        if not Cohort.objects.filter(pk=cohort_id, course_id=before.course_id).exists():
            raise GradebookError("cohort_unknown", "cohort")
        Enrolment.objects.filter(pk=enrolment_id).update(
            cohort_id=cohort_id,
            status=status,
            route_intended=route_intended,
            accommodations=list(accommodations),
        )
        place = get_place(enrolment_id)
        journal = Journal(place, now)
        if cohort_id != before.cohort_id:
            journal.record(
                events.LearnerMoved, from_cohort_key=before.cohort.key, to_cohort_key=place.cohort_key
            )
        if status != before.status and status == Enrolment.Status.WITHDRAWN:
            journal.record(events.LearnerUnenrolled, reason="withdrawn")
        journal.say()


@retried
def retire_learner(user_id: int, *, now: datetime) -> None:
    """Forget who somebody is; tell the service where it was a learner.

    The facts stay, without a person: what was handed in and how it was rated, not its words. Drafts go, and so do
    accommodations. Not a durable transaction: the platform's retirement calls it inside its own.
    """
    Attempt.objects.filter(entered_by_id=user_id).update(entered_by=None)
    FacilitatorRole.objects.filter(user_id=user_id).delete()
    learner = LearnerPseudonym.objects.filter(user_id=user_id).first()
    if learner is None:
        return
    enrolment_ids = Enrolment.objects.filter(learner=learner).order_by("pk").values_list("pk", flat=True)
    places = [get_place(enrolment_id) for enrolment_id in enrolment_ids]
    with locked(learner.pk, durable=False):
        if not LearnerPseudonym.objects.filter(pk=learner.pk, user_id=user_id).update(user=None):
            return
        SubmissionDraft.objects.filter(learner=learner).delete()
        for submission in Submission.objects.filter(learner=learner).order_by("pk"):
            document = without_words(read_definition(submission.definition), submission.document)
            Submission.objects.filter(pk=submission.pk).update(document=document)
        Rating.objects.filter(submission__learner=learner).update(comments={})
        Enrolment.objects.filter(learner=learner).update(accommodations=[])
        CertificateState.objects.filter(learner=learner).delete()
        if places:
            journal = Journal(places[0], now)
            journal.record(events.LearnerRetired)
            journal.say()
