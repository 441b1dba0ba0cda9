"""A fact changed: propose again. Every receiver is repeatable."""

from typing import Any

from django.dispatch import receiver

from integra_service.credentials.signals import credential_changed
from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity, Person
from integra_service.people.signals import person_ready
from integra_service.records.signals import record_changed

from .services import refresh_person


@receiver(record_changed)
def on_record_changed(sender: Any, identity: LearnerIdentity, **_: Any) -> None:
    refresh_person(identity.person, now=utc_now())


@receiver(credential_changed)
def on_credential_changed(sender: Any, person: Person, **_: Any) -> None:
    refresh_person(person, now=utc_now())


@receiver(person_ready)
def on_person_ready(sender: Any, person: Person, **_: Any) -> None:
    refresh_person(person, now=utc_now())
