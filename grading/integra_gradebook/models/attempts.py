"""Tests and bypass sittings, what was shown in them, and the exemptions they earned."""

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
from integra_gradebook.models.places import CourseRun, LearnerPseudonym


class ItemVersion(models.Model):
    """An item as it was when first used, so that review and rescore never depend on today's course.

    .. no_pii: course content.
    """

    digest = digest_field(unique=True)
    item_key = key_field()
    content = models.JSONField()
    first_used_at = models.DateTimeField()


class Attempt(models.Model):
    """One sitting of one form. The row exists before the first item is shown.

    .. pii: ``entered_by`` links a user who typed a paper form.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    class Kind(models.TextChoices):
        PRE = "pre"
        POST = "post"
        BYPASS = "bypass"
        CLOSING = "closing"

    class Mode(models.TextChoices):
        ALONE = "alone"
        ASSISTED = "assisted"
        SUPERVISED = "supervised"
        PAPER = "paper"

    uuid = Char32UUIDField(unique=True)
    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    block_key = usage_key_field()
    ordinal = models.PositiveSmallIntegerField()  # within learner and block, from 1
    kind = models.CharField(max_length=16, choices=Kind.choices)
    course_family = key_field()
    module_key = key_field(blank=True)  # bypass only
    sitting = models.PositiveSmallIntegerField(default=1)  # both stages of a bypass quiz share it
    stage = models.PositiveSmallIntegerField(default=1)
    form_key = key_field()
    bank_id = key_field()
    bank_digest = digest_field()
    is_bank_public = models.BooleanField()
    rule_version = digest_field()
    score = models.PositiveSmallIntegerField(null=True)
    max_score = models.PositiveSmallIntegerField()
    cut = models.PositiveSmallIntegerField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.ALONE)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    accommodations = models.JSONField(default=list)
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    void_reason = key_field(blank=True)
    # Post-test: when the mirror is to look at this row again; empty: the LMS gradebook has it.
    mirror_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        constraints = [
            # The usage key names its course run: a second long column would add nothing.
            models.UniqueConstraint(
                fields=["learner", "block_key", "ordinal"], name="integra_attempt_ordinal"
            ),
            check_constraint(
                Q(score__isnull=True) | Q(score__lte=F("max_score")), name="integra_attempt_score"
            ),
            check_constraint(
                Q(submitted_at__isnull=True, score__isnull=True)
                | Q(submitted_at__isnull=False, score__isnull=False),
                name="integra_attempt_submitted",
            ),
        ]
        indexes = [
            # Which tests has this learner taken in this run? And which bypass sittings of this module?
            models.Index(fields=["learner", "course", "kind"], name="integra_attempt_kind"),
            models.Index(fields=["learner", "course_family", "module_key"], name="integra_attempt_module"),
        ]


class AttemptResponse(models.Model):
    """One drawn item of an attempt, in its place, with the option order shown and the answer given.

    .. no_pii: learning facts by pseudonym.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="drawn")
    position = models.PositiveSmallIntegerField()
    item_key = key_field()
    item_version = models.ForeignKey(ItemVersion, on_delete=models.PROTECT)
    option_order = models.JSONField()
    response = models.JSONField(null=True)
    answered_at = models.DateTimeField(null=True)
    points = models.PositiveSmallIntegerField(null=True)
    max_points = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "position"], name="integra_drawn_position"),
            models.UniqueConstraint(fields=["attempt", "item_key"], name="integra_drawn_item"),
            check_constraint(
                Q(points__isnull=True) | Q(points__lte=F("max_points")), name="integra_drawn_points"
            ),
        ]


class RingExposure(models.Model):
    """An item of a module's ring was shown to a learner, in any run of the course.

    .. no_pii: learning facts by pseudonym.
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course_family = key_field()
    module_key = key_field()
    item_key = key_field()
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="exposures")
    shown_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "item_key"], name="integra_exposure_once"),
        ]
        indexes = [
            models.Index(fields=["learner", "course_family", "module_key"], name="integra_exposure_ring"),
        ]


class Exemption(models.Model):
    """A module reached by evaluation. It carries over to other runs of the course until it expires.

    .. no_pii: learning facts by pseudonym.
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course_family = key_field()
    module_key = key_field()
    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT)  # its source: sitting and run
    earned_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            check_constraint(Q(earned_at__lt=F("expires_at")), name="integra_exemption_dates"),
        ]
        indexes = [
            models.Index(fields=["learner", "course_family", "module_key"], name="integra_exemption_module"),
        ]
