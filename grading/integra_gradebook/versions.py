"""Items as they were when used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from integra_gradebook.models import ItemVersion
from integra_gradebook.writing import TryAgain
from integra_grading.items import Item, item_digest


def store_versions(items: Iterable[Item], *, now: datetime) -> dict[str, int]:
    """Return the row of every item, written on first use. Runs inside the transaction of a fact."""
    by_digest = {item_digest(item): item for item in items}
    found = _find_ids(by_digest)
    missing = sorted(
        by_digest.keys() - found.keys()
    )  # in one order for all, so that two learners do not deadlock
    if missing:
        ItemVersion.objects.bulk_create(
            (
                ItemVersion(
                    digest=digest,
                    item_key=by_digest[digest].key,
                    content=by_digest[digest].to_dict(),
                    first_used_at=now,
                )
                for digest in missing
            ),
            ignore_conflicts=True,
        )
        found = _find_ids(by_digest)
    if len(found) != len(by_digest):
        # Written by somebody else since this transaction's snapshot was taken (repeatable read).
        raise TryAgain
    return {by_digest[digest].key: found[digest] for digest in found}


def _find_ids(digests: Iterable[str]) -> dict[str, int]:
    return dict(ItemVersion.objects.filter(digest__in=list(digests)).values_list("digest", "pk"))
