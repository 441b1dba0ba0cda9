"""What others may listen to."""

from django.dispatch import Signal

# Sent with ``event`` (integra_grading.events.Event) inside the transaction of the fact, once per event.
# A receiver writes rows and nothing else; when it raises, the fact is not stored either.
event_recorded = Signal()
