"""What people agreed to, purpose by purpose."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from integra_service.audit import services as audit

from .erasing import lock_living
from .models import Consent, Person, Purpose
from .signals import announce


def has_consent(person: Person, purpose: Purpose) -> bool:
    """Return whether the person's latest decision on this purpose is yes."""
    latest = Consent.objects.filter(person=person, purpose=purpose).order_by("-decided_at", "-pk").first()
    return latest is not None and latest.is_granted


def list_consents(person: Person) -> dict[Purpose, Consent]:
    """Return the latest decision on each purpose that was decided."""
    rows = Consent.objects.filter(person=person).order_by("decided_at", "pk")
    return {Purpose(row.purpose): row for row in rows}


@transaction.atomic
def record_consents(
    person: Person, decisions: Mapping[Purpose, bool], *, notice_version: str, actor: str, now: datetime
) -> None:
    """Append the decisions that differ from the latest ones, or were made under another notice."""
    lock_living(person)
    latest = list_consents(person)
    for purpose, is_granted in decisions.items():
        known = latest.get(purpose)
        if known and (known.is_granted, known.notice_version) == (is_granted, notice_version):
            continue
        Consent.objects.create(
            person=person,
            purpose=purpose,
            is_granted=is_granted,
            notice_version=notice_version,
            decided_at=now,
        )
        audit.record(
            "consent.granted" if is_granted else "consent.refused",
            actor=actor,
            subject=f"person:{person.uuid}",
            now=now,
            data={"purpose": purpose.value, "notice_version": notice_version},
        )
    announce(person)
