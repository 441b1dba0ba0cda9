"""Column types that must stay the same on every database and Django this app supports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django
from django.core.validators import RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable

VALIDATE_KEY = RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class Char32UUIDField(models.UUIDField):  # type: ignore[type-arg]  # generic in the type stubs only
    """A uuid that is ``char(32)`` on MySQL and MariaDB, whatever the Django version.

    Django 5 expects a native ``uuid`` column on MariaDB 10.7 and later, so that a table made under
    Django 4.2 would break with the platform's upgrade.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "char(32)" if connection.vendor == "mysql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        return value.hex if connection.vendor == "mysql" and isinstance(value, UUID) else value

    def from_db_value(
        self, value: Any, _expression: Combinable | None, _connection: BaseDatabaseWrapper
    ) -> UUID | None:
        return UUID(value) if isinstance(value, str) else value


def check_constraint(condition: models.Q, *, name: str) -> models.CheckConstraint:
    # Django 5.1 renamed the argument and 6.0 removes the old name.
    arguments: dict[str, Any] = {"condition" if django.VERSION >= (5, 1) else "check": condition}
    return models.CheckConstraint(name=name, **arguments)


def key_field(**options: Any) -> Any:
    """A key chosen by a person: module, unit, item, cohort, city. Events carry it in this form only."""
    return models.CharField(max_length=64, validators=[VALIDATE_KEY], **options)


def usage_key_field(**options: Any) -> Any:
    """A course key or a usage key as text. At most one of these stands in any index."""
    return models.CharField(max_length=255, **options)


def digest_field(**options: Any) -> Any:
    return models.CharField(max_length=64, **options)
