"""When a certificate that ends may be followed by another one. Pure; why the rule is this one: ADR 0014."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .policies import Decision

# A certificate ends with the last second of a day, and its window begins with one.
WINDOW = timedelta(days=91) - timedelta(seconds=1)


class Obstacle(StrEnum):
    """What of the certificate itself stands against another one."""

    TOO_EARLY = "too_early"
    UNSETTLED = "unsettled"  # suspended, revoked, withdrawn or not signed yet: that is settled first


@dataclass(frozen=True, slots=True)
class Renewal:
    """Whether another certificate may follow one that ends, and everything that is missing if not."""

    opens_at: datetime  # the deciding test counts when it was handed in at that moment or later
    obstacles: tuple[Obstacle, ...]
    decision: Decision

    @property
    def is_due(self) -> bool:
        return not self.obstacles and self.decision.is_met


def find_opening(expires_at: datetime) -> datetime:
    """Return since when the deciding test counts for the certificate that follows one with this end."""
    return expires_at - WINDOW


def decide_renewal(opens_at: datetime, decision: Decision, now: datetime, *, is_settled: bool) -> Renewal:
    """Return whether another certificate may follow.

    Args:
        opens_at: Of ``find_opening``.
        decision: Over the learner's record, of which the deciding test counts since ``opens_at`` only.
        now: When it is asked.
        is_settled: Whether nothing else must be settled with the former certificate first.
    """
    obstacles = []
    if not is_settled:
        obstacles.append(Obstacle.UNSETTLED)
    if now < opens_at:
        obstacles.append(Obstacle.TOO_EARLY)
    return Renewal(opens_at, tuple(obstacles), decision)
