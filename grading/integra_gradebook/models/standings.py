"""What was derived from the facts, what was said about them, and what the service answered."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from integra_gradebook.fields import Char32UUIDField, check_constraint, digest_field, key_field
from integra_gradebook.models.places import CourseRun, LearnerPseudonym


class Standing(models.Model):
    """A cache of what ``integra_grading.standing`` decides. ``module_key`` empty: the course.

    .. no_pii: learning facts by pseudonym.
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    module_key = key_field(blank=True)
    state = models.CharField(max_length=16)
    route = models.CharField(max_length=16, blank=True)
    reasons = models.JSONField()
    minutes_trained = models.PositiveIntegerField()
    minutes_recognised = models.PositiveIntegerField()
    rule_version = digest_field()
    changed_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)
    mirrored_revision = models.PositiveIntegerField(default=0)  # what the LMS gradebook has seen
    # When the mirror is to look at this row again; empty: it is up to date.
    mirror_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course", "module_key"], name="integra_standing_one"),
            check_constraint(Q(mirrored_revision__lte=F("revision")), name="integra_standing_mirror"),
        ]


class LearnerEvent(models.Model):
    """The journal: every event as it was said, so that an outbox can be rebuilt from it.

    .. no_pii: learning facts by pseudonym.
    """

    event_id = Char32UUIDField(unique=True)
    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveBigIntegerField()
    type = models.CharField(max_length=128)
    occurred_at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "sequence"], name="integra_event_sequence"),
        ]


class CertificateState(models.Model):
    """What the service last said about a certificate; refreshed by the relay.

    .. pii: The token opens the learner's public certificate page.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.CASCADE)
    achievement_key = key_field()
    state = models.CharField(max_length=16)
    token = models.CharField(max_length=64, blank=True)
    url = models.CharField(max_length=255, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "achievement_key"], name="integra_certificate_one")
        ]
