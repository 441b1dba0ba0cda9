"""Many rows in one statement that leaves out those already there and says which it made."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def insert_missing(rows: Sequence[models.Model], *, unique: Sequence[str], returning: str) -> set[Any]:
    """Insert what is not there yet by the unique columns; return ``returning`` of the rows that were made.

    The constraint decides, not a look beforehand. Outside a transaction the statement is one of its own. Give the rows
    in one order everywhere: two statements with the same rows then wait for each other instead of deadlocking.
    ``bulk_create(ignore_conflicts=True)`` does the same without saying which rows it made, and with several times the
    work for it.
    """
    if not rows:
        return set()
    fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
    quote = connection.ops.quote_name
    values = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    # Names of our own tables and columns; every value is a parameter.
    statement = (
        f"INSERT INTO {quote(rows[0]._meta.db_table)} ({', '.join(quote(str(field.column)) for field in fields)}) "  # noqa: S608
        f"VALUES {values} ON CONFLICT ({', '.join(map(quote, unique))}) DO NOTHING RETURNING {quote(returning)}"
    )
    parameters = [
        field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {made for (made,) in cursor.fetchall()}
