"""Inbox, manifests and the learning record."""

from django.db import models
from django.db.models import Q

from integra_service.lib.scope import CityScopedManager
from integra_service.people.models import LearnerIdentity, Source


class Manifest(models.Model):
    """A course's rules as registered; facts name it by ``rule_version``."""

    rule_version = models.CharField(max_length=128, unique=True)
    course_family = models.CharField(max_length=64)
    content = models.TextField()  # canonical JSON
    registered_at = models.DateTimeField()


class InboxState(models.TextChoices):
    NEW = "new"
    APPLIED = "applied"
    PARKED = "parked"


class InboxEvent(models.Model):
    """A received event, kept for ever: its id stays known, so that a repeat never takes effect twice."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="inbox")
    event_id = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    type = models.CharField(max_length=100)
    learner_uuid = models.UUIDField()
    sequence = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    rule_version = models.CharField(max_length=128)
    body = models.TextField()  # canonical JSON
    state = models.CharField(max_length=10, choices=InboxState.choices, default=InboxState.NEW)
    reason = models.CharField(max_length=64, blank=True)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "event_id"], name="records_event_once")]
        indexes = [
            # The worker's question; partial, so that a million old rows cost it nothing.
            models.Index(fields=["learner_uuid"], name="records_inbox_new", condition=Q(state="new")),
            models.Index(fields=["reason"], name="records_inbox_parked", condition=Q(state="parked")),
            models.Index(fields=["source", "learner_uuid", "sequence"], name="records_inbox_learner"),
        ]


class RefusedEvent(models.Model):
    """What was sent and not accepted, with its reason and how often; a person looks at it."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="refused")
    event_id = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    field = models.CharField(max_length=200, blank=True)
    body = models.TextField()  # ASCII JSON, cut at the size limit of an event
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="records_refused_once")]


class LearningRecordRow(models.Model):
    """The fold of one learner's events, stored. Everything in it follows from the inbox."""

    identity = models.OneToOneField(LearnerIdentity, on_delete=models.PROTECT, related_name="record")
    content = models.TextField()  # canonical JSON of fold.LearningRecord
    digest = models.CharField(max_length=64)
    last_sequence = models.BigIntegerField()
    missing_count = models.PositiveIntegerField()  # numbers below last_sequence that never arrived
    # True until everyone who listens to record_changed has dealt with it.
    is_announcement_due = models.BooleanField(default=True)

    objects = CityScopedManager("identity__person__city_id")
