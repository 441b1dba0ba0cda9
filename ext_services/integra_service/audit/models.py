"""Append-only record of who did what to what, chained by hashes."""

from django.db import models


class AuditEntry(models.Model):
    """One act. Holds pseudonyms, keys and field names, never a name or a free text."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=100)  # "user:<id>", "learner:<uuid>", "source:<key>" or "system"
    action = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    data = models.TextField()  # canonical JSON
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "sequence"], name="audit_by_subject")]


class AuditHead(models.Model):
    """The last link of the chain; its row is also the lock that puts entries in one order."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)
