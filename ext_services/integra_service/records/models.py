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
            # The worker's question, and how long the oldest waits; partial, so that a million old rows cost nothing.
            models.Index(
                fields=["source", "learner_uuid"], name="records_inbox_waiting", condition=Q(state="new")
            ),
            models.Index(fields=["received_at"], name="records_inbox_age", condition=Q(state="new")),
            models.Index(fields=["reason"], name="records_inbox_parked", condition=Q(state="parked")),
            models.Index(fields=["source", "learner_uuid", "sequence"], name="records_inbox_learner"),
            # When a source was last heard, and how many facts name a manifest.
            models.Index(fields=["source", "received_at"], name="records_inbox_seen"),
            models.Index(fields=["source", "rule_version"], name="records_inbox_rules"),
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


class IdConflict(models.Model):
    """An id of the inbox that came with another content; also where there was no room to keep that content."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="id_conflicts")
    event_id = models.CharField(max_length=64)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "event_id"], name="records_conflict_once")]
        # How many there were lately, which is asked every few seconds.
        indexes = [models.Index(fields=["last_at"], name="records_conflict_lately")]


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

    class Meta:
        indexes = [
            # What has nothing to say costs nothing, however many learners there are.
            models.Index(fields=["identity"], name="records_due", condition=Q(is_announcement_due=True)),
            models.Index(fields=["missing_count"], name="records_gaps", condition=Q(missing_count__gt=0)),
        ]


class ReconcileReport(models.Model):
    """One comparison with a source's outbox: asked for, carried out, or failed."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="reconcile_reports")
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=100)  # as the audit names them
    after = models.BigIntegerField(default=0)  # position from which on it was read
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=64, blank=True)  # code; what was read before it counts nevertheless
    read_count = models.PositiveIntegerField(default=0)
    missing_count = models.PositiveIntegerField(default=0)  # were not here; are now, unless refused
    different_count = models.PositiveIntegerField(default=0)  # are here with another content
    refused_count = models.PositiveIntegerField(default=0)
    different_ids = models.TextField(default="[]")  # JSON; the first of them

    class Meta:
        indexes = [models.Index(fields=["source", "requested_at"], name="records_reconcile_latest")]

    @property
    def has_drift(self) -> bool:
        """Whether something was missing or different, or the comparison could not be made."""
        return bool(self.error or self.missing_count or self.different_count)


class CheckReport(models.Model):
    """One run of a checker over what came from one source. It changes nothing it looks at."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="check_reports")
    kind = models.CharField(max_length=32)  # "standing", or what another app checks
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    checked_count = models.PositiveIntegerField()
    skipped_count = models.PositiveIntegerField()  # the events do not say enough to judge them
    difference_count = models.PositiveIntegerField()
    differences = models.TextField()  # JSON; the first of them, with pseudonyms only

    class Meta:
        indexes = [models.Index(fields=["source", "kind", "started_at"], name="records_check_latest")]
