"""Drafts, submissions in versions, and their ratings."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from integra_gradebook.fields import (
    Char32UUIDField,
    check_constraint,
    digest_field,
    key_field,
    usage_key_field,
)
from integra_gradebook.models.places import CourseRun, Enrolment, LearnerPseudonym


class SubmissionDraft(models.Model):
    """What the learner typed so far. ``revision`` tells two devices apart.

    .. pii: A learner's own business figures and free text.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    deliverable_key = key_field()
    block_key = usage_key_field()
    document = models.JSONField()
    revision = models.PositiveIntegerField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course", "deliverable_key"], name="integra_draft_one")
        ]


class Submission(models.Model):
    """One version of a deliverable as sent. The definition travels with it: it must stay readable.

    .. pii: A learner's own business figures and free text.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        SUBMITTED = "submitted"
        RETURNED = "returned"
        ACCEPTED = "accepted"
        REPLACED = "replaced"  # by a newer version, before anybody rated this one

    uuid = Char32UUIDField(unique=True)
    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    # The place, so that the queue follows a learner who moves to another cohort.
    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT)
    module_key = key_field()
    deliverable_key = key_field()
    block_key = usage_key_field()
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=16, choices=State.choices)
    definition = models.JSONField()
    document = models.JSONField()
    digest = digest_field()
    is_drawn = models.BooleanField()  # for review by a person although it could be accepted automatically
    rule_version = digest_field()
    submitted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    # When the mirror is to look at this row again; empty: the LMS gradebook has it.
    mirror_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course", "deliverable_key", "version"], name="integra_submission_version"
            ),
        ]
        indexes = [
            # What waits in this course, oldest first?
            models.Index(fields=["course", "state", "submitted_at", "id"], name="integra_submission_queue"),
        ]


class RatingClaim(models.Model):
    """Who is reading a submission now. Made with it, empty; taken by one conditional UPDATE.

    .. pii: Links a user to what they read.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    submission = models.OneToOneField(Submission, on_delete=models.CASCADE, related_name="claim")
    rater_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField(null=True)


class Rating(models.Model):
    """One rater's levels for one version. There is never a second one for the same version.

    .. pii: Comments are free text.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    class By(models.TextChoices):
        FACILITATOR = "facilitator"
        AUTOMATIC = "automatic"

    uuid = Char32UUIDField(unique=True)
    submission = models.OneToOneField(Submission, on_delete=models.PROTECT, related_name="rating")
    rater = models.ForeignKey(LearnerPseudonym, null=True, on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=16, choices=By.choices)
    rubric_version = key_field()
    levels = models.JSONField()  # points per criterion; empty when automatic
    comments = models.JSONField()
    outcome = models.CharField(max_length=16)
    score = models.PositiveSmallIntegerField()
    max_score = models.PositiveSmallIntegerField()
    rated_at = models.DateTimeField()

    class Meta:
        constraints = [
            check_constraint(Q(score__lte=F("max_score")), name="integra_rating_score"),
            check_constraint(
                Q(by="automatic", rater__isnull=True) | Q(by="facilitator", rater__isnull=False),
                name="integra_rating_rater",
            ),
        ]
