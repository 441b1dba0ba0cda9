"""One small table for limits that must hold over several processes and hosts."""

from django.db import models


class ThrottleWindow(models.Model):
    """How often one thing was tried in one stretch of time; the key is a digest, never a person's data."""

    key = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "starts_at"], name="lib_throttle_once")]
