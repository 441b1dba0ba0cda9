"""What a source should not have sent: a refused event is kept as it came, and may hold what no event may."""

from integra_service.people.models import LearnerIdentity

from .models import RefusedEvent


def erase_refused(identity: LearnerIdentity) -> None:
    """Empty the refused events that speak of this learner; that they came, when and why they were refused stays."""
    rows = RefusedEvent.objects.filter(source=identity.source_id, body__contains=str(identity.learner_uuid))
    rows.update(body="")
