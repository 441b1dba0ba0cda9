"""What people do can make something due over an unchanged record."""

from typing import Any

from django.dispatch import receiver

from integra_service.people.models import Person
from integra_service.people.signals import person_ready

from .models import LearningRecordRow
from .tasks import request_apply


@receiver(person_ready, dispatch_uid="records.person_ready")
def announce_again(sender: Any, person: Person, **kwargs: Any) -> None:
    """Have the person's records announced until everyone has dealt with them, whatever failed meanwhile."""
    rows = LearningRecordRow.objects.for_system().filter(identity__person=person)
    if rows.update(is_announcement_due=True):
        request_apply()
