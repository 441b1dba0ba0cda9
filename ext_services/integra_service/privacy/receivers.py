"""A learner who left their classroom for good is forgotten here too."""

from typing import Any

from django.dispatch import receiver

from integra_service.audit.services import SYSTEM
from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity
from integra_service.records.signals import record_changed

from .erasing import erase_person


@receiver(record_changed, dispatch_uid="privacy.record_changed")
def forget_retired(sender: Any, identity: LearnerIdentity, **_kwargs: Any) -> None:
    """Erase the person none of whose identities is left; called again until it did not fail."""
    identity.refresh_from_db()
    identities = LearnerIdentity.objects.for_system().filter(person=identity.person_id)
    if identity.retired_at is not None and not identities.filter(retired_at=None).exists():
        erase_person(identity.person, by=SYSTEM, now=utc_now())
