"""Courses, cohorts, and who stands where in them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from integra_gradebook.fields import (
    Char32UUIDField,
    check_constraint,
    digest_field,
    key_field,
    usage_key_field,
)


class Manifest(models.Model):
    """One version of a course's rules, for ever: facts name it by ``rule_version``.

    .. no_pii: rules of a course.
    """

    rule_version = digest_field(unique=True)
    course_family = key_field()  # the course's own key, the same in every run
    content = models.JSONField()
    registered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.course_family} {self.rule_version[:12]}"


class CourseRun(models.Model):
    """A run of a course on this platform and the rules it follows now.

    .. no_pii: keys of a course.
    """

    course_key = usage_key_field(unique=True)
    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return str(self.course_key)


class LearnerPseudonym(models.Model):
    """Who a person is outside the LMS, and the lock under which their facts are written.

    A retired person keeps the row, without the user: the facts stay, nobody can be found by them.

    .. pii: Links a user to the identifier other systems know.
    .. pii_types: id, username
    .. pii_retirement: local_api
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="integra_pseudonym"
    )
    learner_uuid = Char32UUIDField(unique=True)
    short_code = models.CharField(max_length=16, unique=True)
    sequence = models.PositiveBigIntegerField(default=0)  # of the last event
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.short_code)


class Cohort(models.Model):
    """Learners who take one delivery of the course together in one city.

    .. no_pii: a group.
    """

    class Modality(models.TextChoices):
        VIRTUAL = "virtual", _("Virtual")
        BLENDED = "blended", _("Blended")
        FACE_TO_FACE = "face_to_face", _("Face to face")
        EVALUATION = "evaluation", _("Evaluation only")

    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT, related_name="cohorts")
    key = key_field()
    city_key = key_field()
    modality = models.CharField(max_length=16, choices=Modality.choices, default=Modality.VIRTUAL)
    time_zone = models.CharField(max_length=64, default="America/Guayaquil")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    # Places given so far: which of the two form orders is next follows from it.
    place_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "key"], name="integra_cohort_key"),
            check_constraint(
                Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(starts_on__lte=F("ends_on")),
                name="integra_cohort_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.city_key})"


class Enrolment(models.Model):
    """A learner's place in a run: their cohort, and which test form comes first.

    .. pii: Accommodations may tell about a disability.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Route(models.TextChoices):
        TRAINING = "training", _("Training")
        EVALUATION = "evaluation", _("Evaluation")

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT, related_name="enrolments")
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT, related_name="enrolments")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="enrolments")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    route_intended = models.CharField(max_length=16, choices=Route.choices, default=Route.TRAINING)
    accommodations = models.JSONField(default=list, blank=True)  # keys, such as "extra_time"
    first_form = models.CharField(
        max_length=8, editable=False
    )  # the pre-test's; the post-test's is the other
    enrolled_at = models.DateTimeField()

    class Meta:
        constraints = [
            # One place per run: moving to another cohort changes this row.
            models.UniqueConstraint(fields=["learner", "course"], name="integra_enrolment_place"),
        ]

    def __str__(self) -> str:
        return f"{self.learner} in {self.cohort}"


class FacilitatorRole(models.Model):
    """Who may use the desk and rate, in which cohort, from when until when.

    .. pii: Links a user to a cohort.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="integra_roles")
    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="facilitator_roles")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)  # the last day; empty: until further notice

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "cohort", "starts_on"], name="integra_role_once"),
            check_constraint(
                Q(ends_on__isnull=True) | Q(starts_on__lte=F("ends_on")), name="integra_role_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.cohort}"
