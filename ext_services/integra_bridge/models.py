"""What the bridge remembers: the events to deliver, and how far it has come."""

from __future__ import annotations

from django.db import models


class OutboxState(models.TextChoices):
    PENDING = "pending"
    """To be sent; ``next_try_at`` says when."""
    DELIVERED = "delivered"
    """The service's receipt named it."""
    DEAD = "dead"
    """Refused, or given up after three days; kept with its reason until somebody resends it."""


class OutboxEvent(models.Model):
    """One event of the gradebook, exactly as it will be sent. Written in the fact's own transaction.

    ``body``, ``digest`` and ``event_id`` never change. ``position`` is given by the relay after the
    commit: an auto-increment id would let a reader skip rows that commit late.

    .. pii: Holds pseudonyms only; the retirement event itself is kept.
    """

    event_id = models.CharField(max_length=64, unique=True)
    learner_uuid = models.CharField(max_length=36, db_index=True)
    event_type = models.CharField(max_length=120)
    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    position = models.BigIntegerField(null=True, unique=True)
    state = models.CharField(max_length=16, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField()
    lease_key = models.CharField(max_length=32, default="")
    leased_until = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=64, default="")
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # "Which rows are to be sent, oldest first?", asked by every relay in every pass.
            models.Index(fields=["state", "position"], name="integra_outbox_due"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class RelayState(models.Model):
    """One row for the whole LMS: what all relays must agree on.

    .. no_pii:
    """

    key = models.CharField(max_length=16, primary_key=True)
    last_position = models.BigIntegerField(default=0)
    """The highest position given; updating this row is the numberer's lock."""
    certificate_position = models.BigIntegerField(default=0)
    """How far the certificate states of the service have been read."""
    failure_count = models.PositiveIntegerField(default=0)
    """Deliveries in a row that reached nobody or were refused whole."""
    hold_until = models.DateTimeField(null=True)
    """Nobody sends before this time: the service asked for it, or it cannot be reached."""
    stopped_at = models.DateTimeField(null=True)
    """The service answered 410: nothing is sent until an operator resends."""
    last_error = models.CharField(max_length=200, default="")
    last_pass_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key
