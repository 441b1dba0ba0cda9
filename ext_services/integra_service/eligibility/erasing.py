"""Forgetting an applicant: that somebody applied and what was proposed stays countable; why names facts, and goes."""

from datetime import datetime

from django.db import transaction

from integra_service.audit import services as audit
from integra_service.people.models import Person

from .models import Application, ProposalRow


@transaction.atomic
def erase_proposals(person: Person, *, by: str, now: datetime) -> None:
    """Empty the proposals made for this person; repeatable. The person is closed: none is made any more."""
    # Waits for a proposal that is being made.
    applications = list(
        Application.objects.for_system().select_for_update().filter(person=person).order_by("pk")
    )
    rows = ProposalRow.objects.for_system().filter(application__in=applications).exclude(content="")
    if rows.update(content="", facts_digest=""):
        audit.record("proposals.erased", actor=by, subject=f"person:{person.uuid}", now=now)
