"""Which learner's browser this is, for the pages of every app: set by the hand-over alone."""

from django.http import HttpRequest

from .models import LearnerIdentity

LEARNER_KEY = "learner_identity"


def find_learner(request: HttpRequest) -> LearnerIdentity | None:
    """Return the learner who was handed over to this browser, or None."""
    pk = request.session.get(LEARNER_KEY)
    if pk is None:
        return None
    identities = LearnerIdentity.objects.for_system().select_related("person__city", "source")
    return identities.filter(
        pk=pk, source__is_active=True, retired_at__isnull=True, person__erased_at__isnull=True
    ).first()
