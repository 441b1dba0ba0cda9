"""Weak items come back: what to ask again, spaced, before a module ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Sleep between two tries makes the second one worth more than another look at once.
PAUSE = timedelta(hours=12)
AT_ONCE = 3  # more would be another practice


@dataclass(frozen=True, slots=True)
class Try:
    """One answer to a practice item; ``is_review``: it came back in a later practice."""

    item_key: str
    answered_at: datetime
    is_right: bool
    is_review: bool = False


def list_due_items(tries: Iterable[Try], *, now: datetime, is_last_practice: bool) -> tuple[str, ...]:
    """Return the items a learner should meet again in a later practice, the weakest first.

        weak      the first try was wrong
        settled   right once when it came back
        due       weak, not settled, and the last try at least 12 hours ago; in the module's last practice at once

    Args:
        tries: All of this learner at items of the module's other practices, in any order.
        now: Aware UTC.
        is_last_practice: Nothing of the module comes after this one.

    Returns:
        At most three keys: those with most wrong tries first, then those tried longest ago, then by key.

    Invariants: independent of the order of tries; a right answer never adds an item.

    Source: Cepeda et al. (2006), Psychol. Bull. 132, 354-380, for distributed practice; Karpicke & Roediger (2008),
    Science 319, 966-968, for asking again instead of showing again.
    """
    by_item: dict[str, list[Try]] = {}
    for each in sorted(tries, key=lambda each: (each.answered_at, each.is_right)):
        by_item.setdefault(each.item_key, []).append(each)
    due = []
    for key, own in by_item.items():
        is_settled = any(each.is_review and each.is_right for each in own)
        last = own[-1].answered_at
        if not own[0].is_right and not is_settled and (is_last_practice or now - last >= PAUSE):
            due.append((-sum(not each.is_right for each in own), last, key))
    return tuple(key for _, _, key in sorted(due)[:AT_ONCE])
