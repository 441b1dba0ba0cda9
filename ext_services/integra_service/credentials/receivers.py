"""When something may be due: a record changed, or a person became ready."""

from typing import Any

from django.dispatch import receiver

from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity, Person
from integra_service.people.signals import person_ready
from integra_service.records.signals import record_changed

from .checking import report_differences
from .issuing import issue_due
from .states import list_credentials


@receiver(record_changed, dispatch_uid="credentials.record_changed")
def follow_record(sender: Any, identity: LearnerIdentity, **_kwargs: Any) -> None:
    """Issue what is due and look again at what was issued."""
    now = utc_now()
    issue_due(identity, now)
    for credential in list_credentials(identity.person):
        report_differences(credential, now)


@receiver(person_ready, dispatch_uid="credentials.person_ready")
def issue_after_person(sender: Any, person: Person, **_kwargs: Any) -> None:
    identities = LearnerIdentity.objects.for_system().filter(person=person, retired_at=None)
    for identity in identities.select_related("person", "source"):
        issue_due(identity, utc_now())
