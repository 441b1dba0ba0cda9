"""Sources: who may send, with which secrets, about which places."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection, transaction

from integra_service.audit import services as audit
from integra_service.lib import encryption, webhooks
from integra_service.lib.errors import RequestError

from .models import SecretKind, Source, SourceSecret

MAX_ACTIVE_SECRETS = webhooks.MAX_SECRETS
MIN_TOKEN_SECRET_BYTES = 32  # RFC 7518, section 3.2, for HS256


@dataclass(frozen=True, slots=True)
class SourceSecrets:
    """The three shared secrets of a source, as the operator received them."""

    webhook: str
    handover: str
    pull: str


@dataclass(frozen=True, slots=True)
class SourceTerritory:
    """What a source may speak of."""

    city_ids: dict[str, int]  # by city key
    course_keys: frozenset[str]

    def covers(self, *, city_key: str, course_key: str) -> bool:
        return city_key in self.city_ids and course_key in self.course_keys


@dataclass(frozen=True, slots=True)
class Sender:
    """A source, of which key and ``is_active`` are read, and the secrets its deliveries may be signed with."""

    source: Source
    secrets: tuple[bytes, ...]


SENDER_QUERY = """
    SELECT source.id, source.is_active, secret.ciphertext
    FROM people_source AS source JOIN people_sourcesecret AS secret ON secret.source_id = source.id
    WHERE source.key = %s AND secret.kind = %s AND secret.retired_at IS NULL
    ORDER BY secret.created_at DESC, secret.id DESC LIMIT %s
"""


def find_source(key: str) -> Source | None:
    """Return the active source of that key."""
    # A NUL would reach the database as an error; no key has one.
    if not key.isascii() or not key.isprintable():
        return None
    return Source.objects.filter(key=key, is_active=True).first()


def get_source(key: str) -> Source:
    """Return the source of that key, switched off or not, else raise RequestError."""
    source = Source.objects.filter(key=key).first() if key.isascii() and key.isprintable() else None
    if source is None:
        raise RequestError("unknown_source", f"There is no source {key!r}.")
    return source


def get_territory(source: Source) -> SourceTerritory:
    return SourceTerritory(
        city_ids={city.key: city.pk for city in source.cities.all()},
        course_keys=frozenset(source.courses.values_list("course_key", flat=True)),
    )


def open_secrets(source: Source, kind: SecretKind) -> tuple[str, ...]:
    """Return the active secrets of one kind, the newest first."""
    rows = SourceSecret.objects.filter(source=source, kind=kind, retired_at__isnull=True)
    return tuple(
        encryption.decrypt_text(row.ciphertext, context=secret_context(source.key, kind))
        for row in rows.order_by("-created_at", "-pk")[:MAX_ACTIVE_SECRETS]
    )


def find_sender(key: str) -> Sender | None:
    """Return who may sign as that key: a source with its active webhook secrets, the newest first.

    Asked at every delivery, so that a retired secret or a switched-off source is refused from that moment on; what
    costs, the decryption, is remembered per ciphertext. Written by hand because Django needs longer to build the
    statement than the database to answer it.
    """
    if not key.isascii() or not key.isprintable():  # as in find_source
        return None
    with connection.cursor() as cursor:
        cursor.execute(SENDER_QUERY, [key, SecretKind.WEBHOOK, MAX_ACTIVE_SECRETS])
        rows = cursor.fetchall()
    if not rows:
        return None
    pk, is_active, _ = rows[0]
    # The rest is read where somebody asks.
    source = Source.from_db(None, ["id", "key", "is_active"], [pk, key, bool(is_active)])
    return Sender(source, tuple(open_webhook_secret(ciphertext, key) for _, _, ciphertext in rows))


@lru_cache(maxsize=256)
def open_webhook_secret(ciphertext: str, source_key: str) -> bytes:
    context = secret_context(source_key, SecretKind.WEBHOOK)
    return webhooks.read_secret(encryption.decrypt_text(ciphertext, context=context))


def add_secret(source: Source, kind: SecretKind, text: str, now: datetime) -> tuple[SourceSecret, bool]:
    """Return the secret and whether it is new; one that was retired does not come back."""
    require_secret(kind, text)
    fingerprints = encryption.blind_indexes(text, context=secret_context(source.key, kind))
    known = SourceSecret.objects.filter(source=source, kind=kind, fingerprint__in=fingerprints).first()
    if known is not None and known.retired_at is not None:
        raise RequestError(
            "secret_retired", f"This {kind.value} secret was retired: make a new one.", kind.value
        )
    if known is not None:
        return known, False
    secret = SourceSecret.objects.create(
        source=source,
        kind=kind,
        ciphertext=encryption.encrypt_text(text, context=secret_context(source.key, kind)),
        fingerprint=fingerprints[0],
        created_at=now,
    )
    return secret, True


@transaction.atomic
def retire_old_secrets(source: Source, now: datetime, kept: Collection[SourceSecret] = ()) -> int:
    """End the overlap: of each kind only the kept secret stays, or the newest. Return how many were retired."""
    kept_of = {secret.kind: secret.pk for secret in kept}
    retired = 0
    for kind in SecretKind:
        active = source.secrets.filter(kind=kind, retired_at__isnull=True).order_by("-created_at", "-pk")
        stays = kept_of.get(kind) or active.values_list("pk", flat=True).first()
        retired += active.order_by().exclude(pk=stays or 0).update(retired_at=now)
    if retired:
        audit.record("source.secrets_retired", actor=audit.SYSTEM, subject=f"source:{source.key}", now=now)
    return retired


def encrypt_secret_anew(row: SourceSecret) -> bool:
    """Put the secret and what finds it under the current key; False when the row is gone."""
    context = secret_context(row.source.key, SecretKind(row.kind))
    token = encryption.encrypt_anew(row.ciphertext, context=context)
    found_by = encryption.blind_index(encryption.decrypt_text(token, context=context), context=context)
    twins = SourceSecret.objects.filter(source=row.source_id, kind=row.kind, fingerprint=found_by)
    # Registered again under the newer key, the secret is found by that row, and this digest finds nothing any more.
    changed = {"ciphertext": token} if twins.exists() else {"ciphertext": token, "fingerprint": found_by}
    return bool(SourceSecret.objects.filter(pk=row.pk, ciphertext=row.ciphertext).update(**changed))


def require_secret(kind: SecretKind, text: str) -> None:
    try:
        if kind is SecretKind.WEBHOOK:
            webhooks.read_secret(text)
        elif len(text.encode()) < MIN_TOKEN_SECRET_BYTES:
            raise ValueError(f"The {kind.value} secret needs at least {MIN_TOKEN_SECRET_BYTES} bytes.")
    except ValueError as error:
        raise RequestError("bad_secret", str(error), kind.value) from error


def secret_context(source_key: str, kind: SecretKind) -> str:
    return f"people.source_secret:{source_key}:{SecretKind(kind).value}"
