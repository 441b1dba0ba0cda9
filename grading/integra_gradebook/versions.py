"""Items as they were when used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from integra_gradebook.models import AttemptResponse, ItemVersion
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


# A version never changes, so a process may keep what it has read; the bound is far above one course's items.
_KEPT = 4096
_items: dict[str, Item] = {}


def load_items(digests: Mapping[str, str]) -> dict[str, Item]:
    """Return the items of versions, under the keys of ``digests``; only what this process has not seen is read."""
    # Looked up once: another thread may empty what is kept at any moment.
    known = {digest: item for digest in digests.values() if (item := _items.get(digest)) is not None}
    unread = [digest for digest in digests.values() if digest not in known]
    if unread:
        rows = ItemVersion.objects.filter(digest__in=unread).values_list("digest", "content")
        read = {digest: Item.from_dict(content) for digest, content in rows}
        if len(_items) + len(read) > _KEPT:
            _items.clear()
        _items.update(read)
        known.update(read)
    return {key: known[digest] for key, digest in digests.items()}


def items_of(drawn: Iterable[AttemptResponse]) -> dict[str, Item]:
    """Return the items of drawn rows by item key; the rows come with the digests of their versions."""
    return load_items({row.item_key: row.item_version.digest for row in drawn})


def _find_ids(digests: Iterable[str]) -> dict[str, int]:
    return dict(ItemVersion.objects.filter(digest__in=list(digests)).values_list("digest", "pk"))
