"""Storing what became of a credential, so that classrooms hear of it in the order it happened."""

from datetime import datetime

from .issuer import get_issuer, take_state_position
from .models import Credential, CredentialState
from .states import effective_state, list_seen


def store_change(locked: Credential, now: datetime) -> None:
    """Store a changed credential under the next number of those by which classrooms read on.

    They are told of one certificate of each achievement (``list_states``). Where that is another one from now on, it
    takes the number after. The caller holds ``lock_credential``, which keeps the others as they are.
    """
    issuer = get_issuer()
    seen = list_seen(locked)
    # By the stored state: one whose time is over has counted until this was noticed.
    told = max(seen, key=lambda c: (c.state == CredentialState.VALID, c.term), default=locked)
    locked.state_position = take_state_position(issuer)
    locked.save(update_fields=["state", "reason", "changed_at", "state_position"])
    terms = (*(term for term in seen if term != locked), locked)
    next_told = max(terms, key=lambda c: (effective_state(c, now) == CredentialState.VALID, c.term))
    if next_told not in (told, locked):
        next_told.state_position = take_state_position(issuer)
        next_told.save(update_fields=["state_position"])
