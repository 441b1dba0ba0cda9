"""The ring: a module's bank, drawn without repeats until it is used up.

Source: the programme guide's "evaluación circular" and dossier 2.7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from integra_grading.errors import RingError
from integra_grading.ordering import hash_rank, shuffle
from integra_grading.wire import KEY, Whole, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """How many items of one stratum every form holds."""

    key: str = wire(KEY)
    per_form: int = wire(Whole(1, 100))


@dataclass(frozen=True, slots=True)
class RingItem:
    """An item's place in the ring; twins ask the same with other numbers."""

    key: str
    stratum: str
    twin: str | None = None


def draw_form(
    items: Iterable[RingItem],
    strata: Sequence[Stratum],
    *,
    history: Sequence[Sequence[str]],
    seed: str,
    avoid: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the item keys of the next form.

    In each stratum the items used least come first, among those the ones used longest ago, among those by
    SHA-256(seed, key). Items in ``avoid`` come after all others. Of items that are due alike, the twin of one
    already drawn comes last: one form does not ask the same twice while another question is as due.

    Args:
        items: The whole ring, in any order.
        strata: The blueprint of a form.
        history: The forms this learner has had of this ring, oldest first; keys no longer in it are ignored.
        seed: For example the attempt's uuid.
        avoid: Keys of the first form when the second of the same sitting is drawn.

    Returns:
        Distinct keys, ``sum(per_form)`` of them, mixed across strata.

    Raises:
        RingError: ``duplicate_key``; ``unknown_stratum``; ``stratum_too_small``.

    Invariants: exactly ``per_form`` of each stratum; nothing repeats in a stratum while it holds an item never
    used; the second form shares no item with the first where the stratum has enough; independent of the
    order of ``items``.
    """
    ring = tuple(items)
    by_stratum = _by_stratum(ring, strata)
    twins = {item.key: item.twin for item in ring}
    used = Counter(key for form in history for key in set(form))
    last_used = {key: index for index, form in enumerate(history) for key in form}
    avoided = set(avoid)

    def due(key: str) -> tuple[bool, int, int]:
        return (key in avoided, used[key], last_used.get(key, -1))

    def rank(key: str) -> tuple[bool, int, int, str]:
        return (*due(key), hash_rank(seed, key))

    drawn: list[str] = []
    for stratum in strata:
        keys = by_stratum[stratum.key]
        if len(keys) < stratum.per_form:
            raise RingError("stratum_too_small", stratum.key, f"{stratum.per_form} items are needed.")
        in_turn = [
            key for _, alike in groupby(sorted(keys, key=rank), key=due) for key in _twins_last(alike, twins)
        ]
        drawn += in_turn[: stratum.per_form]
    return shuffle(drawn, seed=seed)


def _twins_last(keys: Iterable[str], twins: Mapping[str, str | None]) -> list[str]:
    first: list[str] = []
    later: list[str] = []
    seen: set[str] = set()
    for key in keys:
        twin = twins[key] or key
        (later if twin in seen else first).append(key)
        seen.add(twin)
    return first + later


def _by_stratum(items: Iterable[RingItem], strata: Sequence[Stratum]) -> dict[str, list[str]]:
    by_stratum: dict[str, list[str]] = {stratum.key: [] for stratum in strata}
    seen: set[str] = set()
    if len(by_stratum) != len(strata):
        raise RingError("duplicate_key", "strata", "A stratum is named twice.")
    for item in items:
        if item.stratum not in by_stratum:
            raise RingError("unknown_stratum", item.key, "The item's stratum has no count per form.")
        if item.key in seen:
            raise RingError("duplicate_key", item.key, "The item is in the ring twice.")
        seen.add(item.key)
        by_stratum[item.stratum].append(item.key)
    return by_stratum
