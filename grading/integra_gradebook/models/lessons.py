"""What a learner did in lessons and practices."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from integra_gradebook.fields import (
    Char32UUIDField,
    check_constraint,
    digest_field,
    key_field,
    usage_key_field,
)
from integra_gradebook.models.attempts import ItemVersion
from integra_gradebook.models.places import CourseRun, LearnerPseudonym


class LessonCompletion(models.Model):
    """The learner reached the end of a unit's lesson and said so.

    .. no_pii: learning facts by pseudonym.
    """

    uuid = Char32UUIDField(unique=True)
    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    unit_key = key_field()
    block_key = usage_key_field()
    rule_version = digest_field()
    completed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course", "unit_key"], name="integra_lesson_once")
        ]


class PracticeAnswer(models.Model):
    """One answer to one formative item; there is no limit to them.

    .. no_pii: learning facts by pseudonym.
    """

    uuid = Char32UUIDField(unique=True)
    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    unit_key = key_field()
    practice_key = key_field()
    block_key = usage_key_field()
    item_key = key_field()
    item_version = models.ForeignKey(ItemVersion, on_delete=models.PROTECT)
    response = models.JSONField()
    points = models.PositiveSmallIntegerField()
    max_points = models.PositiveSmallIntegerField()
    is_right = models.BooleanField()
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            check_constraint(Q(points__lte=F("max_points")), name="integra_answer_points"),
        ]
        indexes = [
            # Which items of this course has the learner answered right?
            models.Index(fields=["learner", "course", "is_right", "item_key"], name="integra_answer_right"),
        ]


class ActiveTime(models.Model):
    """An estimate of the time spent in a unit, for the learner and for monitoring; never evidence.

    .. no_pii: learning facts by pseudonym.
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    unit_key = key_field()
    seconds = models.PositiveIntegerField(default=0)
    last_tick_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course", "unit_key"], name="integra_time_unit")
        ]


class UnitCompletion(models.Model):
    """A unit's lesson and all its practices are complete; said once.

    .. no_pii: learning facts by pseudonym.
    """

    learner = models.ForeignKey(LearnerPseudonym, on_delete=models.PROTECT)
    course = models.ForeignKey(CourseRun, on_delete=models.PROTECT)
    unit_key = key_field()
    active_seconds = models.PositiveIntegerField()
    rule_version = digest_field()
    completed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course", "unit_key"], name="integra_unit_once")
        ]
