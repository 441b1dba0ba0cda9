"""Sent with ``user`` when the LMS erases a person on request."""

from django.dispatch import Signal

USER_RETIRE_LMS_MISC = Signal()
