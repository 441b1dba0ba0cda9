"""What other apps may want to act on; sent after the transaction committed."""

from django.dispatch import Signal

# Arguments: identity. Sent again until no receiver raises: receivers must be repeatable.
record_changed = Signal()
