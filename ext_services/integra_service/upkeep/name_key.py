"""Ending a rotation of ``INTEGRA_NAME_KEY``: everything stored under an older key is put under the first one.

Row by row, each compared with what was read and set in one statement or transaction: killed at any moment it goes on at
the next call, and what somebody changes meanwhile stays as they changed it.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from integra_service.audit import services as audit
from integra_service.credentials.keys import encrypt_private_key_anew
from integra_service.credentials.models import SigningKey
from integra_service.lib import encryption
from integra_service.people import factors, names, sources
from integra_service.people.models import LegalName, SecondFactor, SourceSecret

logger = logging.getLogger(__name__)

CHUNK = 200
KEY_ID_AT, KEY_ID_LENGTH = len(encryption.VERSION) + 2, 8  # counted from 1, as databases do


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A place where tokens of ``lib.encryption`` are stored, and what puts one row's under the current key.

    ``encrypt_anew`` returns whether it did, False for a row that is another one by now.
    """

    name: str
    model: type[Model]
    field: str
    related: tuple[str, ...]
    encrypt_anew: Callable[[Any], bool]

    def all_rows(self) -> QuerySet[Any]:
        return self.model._default_manager.order_by("pk")

    def list_old(self) -> QuerySet[Any]:
        """Return the rows under another key than the current one."""
        return self.all_rows().exclude(**{f"{self.field}__startswith": encryption.current_prefix()})


COLUMNS = (
    EncryptedColumn("names", LegalName, "ciphertext", ("person",), names.encrypt_name_anew),
    EncryptedColumn("source secrets", SourceSecret, "ciphertext", ("source",), sources.encrypt_secret_anew),
    EncryptedColumn("second factors", SecondFactor, "ciphertext", ("user",), factors.encrypt_secret_anew),
    EncryptedColumn("signing keys", SigningKey, "private_key", (), encrypt_private_key_anew),
)


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of one column: rows put under the current key, and rows that are not."""

    name: str
    done_count: int
    left_count: int


def rotate(now: datetime) -> Iterator[Rotated]:
    """Put everything under the current key, a column at a time; one row that cannot be opened stops no other."""
    for column in COLUMNS:
        done = rotate_column(column)
        if done:
            note(column, done, now)
        yield Rotated(column.name, done, column.list_old().count())


def rotate_column(column: EncryptedColumn) -> int:
    last, done = 0, 0
    while chunk := list(column.list_old().filter(pk__gt=last).select_related(*column.related)[:CHUNK]):
        last = chunk[-1].pk
        for row in chunk:
            try:
                done += column.encrypt_anew(row)
            except encryption.DecryptionError:
                logger.error("%s: a row cannot be opened with the configured keys", column.name)
    return done


@transaction.atomic
def note(column: EncryptedColumn, done: int, now: datetime) -> None:
    key_id = encryption.key_id(encryption.current_keys()[0])
    audit.record(
        "name_key.rotated",
        actor=audit.SYSTEM,
        subject=f"name_key:{key_id}",
        now=now,
        data={"what": column.name, "count": done},
    )


def key_ids_query() -> str:
    """Return the statement that lists the ids of the keys that something is encrypted with."""
    parts = [
        f"SELECT substr({column.field}, {KEY_ID_AT}, {KEY_ID_LENGTH}) FROM {column.model._meta.db_table}"  # noqa: S608 - our own tables
        for column in COLUMNS
    ]
    return " UNION ".join(parts)
