"""What the apps above may call."""

from .access import FoundPerson, Staff, access_person, find_people, find_staff
from .consents import has_consent, list_consents, record_consents
from .names import confirm_name, confirmed_name, confirmed_names
from .residences import access_residence, list_residences, record_residence

__all__ = [
    "FoundPerson",
    "Staff",
    "access_person",
    "access_residence",
    "confirm_name",
    "confirmed_name",
    "confirmed_names",
    "find_people",
    "find_staff",
    "has_consent",
    "list_consents",
    "list_residences",
    "record_consents",
    "record_residence",
]
