"""The confirmed name: one encrypted place, and keyed digests of its words to find it by."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from integra_service.audit import services as audit
from integra_service.lib import encryption
from integra_service.lib.text import clean_name, fold_words

from .erasing import PersonErasedError, lock_alone, lock_living
from .models import LegalName, NameToken, Person
from .signals import announce

TOKEN_CONTEXT = "people.name_token"  # noqa: S105 - names a use of the key, no secret


def confirmed_name(person: Person) -> str | None:
    """Return the name this person confirmed, or None before they did."""
    return confirmed_names([person]).get(person.pk)


def confirmed_names(people: Collection[Person]) -> dict[int, str]:
    """Return the confirmed names of those who have one, by the person's internal id."""
    rows = LegalName.objects.filter(person__in=people).select_related("person")
    return {
        row.person_id: encryption.decrypt_text(row.ciphertext, context=name_context(row.person))
        for row in rows
    }


@transaction.atomic
def confirm_name(person: Person, raw: str, *, actor: str, now: datetime) -> str:
    """Store the name as the person confirmed it and return it in its stored spelling."""
    name = clean_name(raw)
    lock_living(person)
    row, is_new = LegalName.objects.update_or_create(
        person=person,
        defaults={
            "ciphertext": encryption.encrypt_text(name, context=name_context(person)),
            "confirmed_at": now,
        },
    )
    _store_tokens(row, name)
    action = "name.confirmed" if is_new else "name.changed"
    audit.record(action, actor=actor, subject=f"person:{person.uuid}", now=now)
    announce(person)
    return name


@transaction.atomic
def encrypt_name_anew(row: LegalName) -> bool:
    """Put the name and what finds it under the current key; False when it was changed or erased meanwhile."""
    try:
        lock_alone(row.person)
    except PersonErasedError:
        return False
    token = encryption.encrypt_anew(row.ciphertext, context=name_context(row.person))
    same = LegalName.objects.filter(pk=row.pk, ciphertext=row.ciphertext)
    if not same.update(ciphertext=token):
        return False
    _store_tokens(row, encryption.decrypt_text(token, context=name_context(row.person)))
    return True


def _store_tokens(row: LegalName, name: str) -> None:
    row.tokens.all().delete()
    NameToken.objects.bulk_create(
        NameToken(name=row, digest=encryption.blind_index(word, context=TOKEN_CONTEXT))
        for word in fold_words(name)
    )


def name_context(person: Person) -> str:
    return f"people.legal_name:{person.uuid}"
