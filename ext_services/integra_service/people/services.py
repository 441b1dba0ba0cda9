"""What several apps or pages above call; what only one of them needs it takes from the module itself."""

from .access import Staff, access_person, find_people, find_staff, name_colleagues
from .consents import has_consent, list_consents, record_consents
from .identities import list_short_codes
from .names import confirm_name, confirmed_name, confirmed_names
from .residences import access_residence, list_residences, record_residence
from .source_access import access_source, operated_sources

__all__ = [
    "Staff",
    "access_person",
    "access_residence",
    "access_source",
    "confirm_name",
    "confirmed_name",
    "confirmed_names",
    "find_people",
    "find_staff",
    "has_consent",
    "list_consents",
    "list_residences",
    "list_short_codes",
    "name_colleagues",
    "operated_sources",
    "record_consents",
    "record_residence",
]
