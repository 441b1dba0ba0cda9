"""What other apps may want to act on; sent after the transaction committed."""

from django.dispatch import Signal

# Arguments: person. Name confirmed or consent changed: something may be due now.
person_ready = Signal()
