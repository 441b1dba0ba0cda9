"""People, what they agreed to and what is known of them."""

from integra_service.lib import encryption

from .models import Consent, LegalName, Person, Purpose


def confirmed_name(person: Person) -> str | None:
    """Return the name this person confirmed, or None before they did."""
    name = LegalName.objects.filter(person=person).first()
    if name is None:
        return None
    return encryption.decrypt_text(name.ciphertext, context=name_context(person))


def name_context(person: Person) -> str:
    return f"people.legal_name:{person.uuid}"


def has_consent(person: Person, purpose: Purpose) -> bool:
    """Return whether the person's latest decision on this purpose is yes."""
    latest = Consent.objects.filter(person=person, purpose=purpose).order_by("-decided_at", "-pk").first()
    return latest is not None and latest.is_granted
