"""When something may be due: a record changed, or a person became ready."""

from typing import Any

from django.dispatch import receiver

from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity, Person
from integra_service.people.signals import person_ready
from integra_service.records.signals import record_changed

from .issuing import issue_due


@receiver(record_changed, dispatch_uid="credentials.record_changed")
def issue_after_record(sender: Any, identity: LearnerIdentity, **_kwargs: Any) -> None:
    issue_due(identity, utc_now())


@receiver(person_ready, dispatch_uid="credentials.person_ready")
def issue_after_person(sender: Any, person: Person, **_kwargs: Any) -> None:
    for identity in LearnerIdentity.objects.for_system().filter(person=person).select_related("person"):
        issue_due(identity, utc_now())
