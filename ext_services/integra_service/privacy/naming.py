"""Correcting one's name: freely before a certificate bears it, a few times a year afterwards."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from integra_service.credentials.services import list_credentials
from integra_service.lib import throttle
from integra_service.lib.errors import RequestError
from integra_service.lib.text import clean_name
from integra_service.people.erasing import lock_alone
from integra_service.people.models import Person
from integra_service.people.services import confirm_name, confirmed_name

# Each change makes every paper that was given away worthless; who needs more talks to somebody.
CHANGES_PER_YEAR = 3
YEAR_SECONDS = 365 * 24 * 3600


def name_turns(person: Person) -> str:
    """Return under which name the throttle counts this person's changes."""
    return f"name-change:{person.uuid}"


def can_correct_name(person: Person, now: datetime) -> bool:
    """Tell whether the person may still change the name alone."""
    return not list_credentials(person) or throttle.has_turn(
        name_turns(person), limit=CHANGES_PER_YEAR, window_seconds=YEAR_SECONDS, now=now
    )


def correct_name(person: Person, raw: str, *, actor: str, now: datetime) -> bool:
    """Confirm the name; what bears another one is replaced after the commit. Return whether anything changed.

    Two at once follow each other: the later one is the person's name and the one on every certificate.
    """
    name = clean_name(raw)
    with transaction.atomic():
        lock_alone(person)
        if confirmed_name(person) == name:
            return False
        if list_credentials(person) and not throttle.take_turn(
            name_turns(person), limit=CHANGES_PER_YEAR, window_seconds=YEAR_SECONDS, now=now
        ):
            raise RequestError(
                "name_changes_used_up",
                _(
                    "You have already corrected your name three times this year. "
                    "Go to the programme's office in your city: there they help you."
                ),
                status=429,
            )
        confirm_name(person, name, actor=actor, now=now)
    return True
