"""When a certificate that ends may be followed by another one. Pure; why the rule is this one: ADR 0014."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .models import Credential, CredentialState
from .policies import Decision

# A certificate ends with the last second of a day, and its window begins with one.
WINDOW = timedelta(days=91) - timedelta(seconds=1)


class Obstacle(StrEnum):
    """What of the certificate itself stands against another one."""

    TOO_EARLY = "too_early"
    NOT_IN_FORCE = "not_in_force"  # suspended, revoked, withdrawn or not signed: that is settled first


@dataclass(frozen=True, slots=True)
class Renewal:
    """Whether another certificate may follow ``former``, which ends, and everything that is missing if not."""

    former: Credential
    opens_at: datetime  # the deciding test counts when it was handed in at that moment or later
    obstacles: tuple[Obstacle, ...]
    decision: Decision

    @property
    def is_due(self) -> bool:
        return not self.obstacles and self.decision.is_met


def find_opening(awarded_at: datetime, expires_at: datetime) -> datetime:
    """Return since when the deciding test counts for the certificate that follows one of these dates.

    Never before it was awarded: what the one rests on is no evidence for the next.
    """
    return max(awarded_at, expires_at - WINDOW)


def decide_renewal(former: Credential, opens_at: datetime, decision: Decision, now: datetime) -> Renewal:
    """Return whether another certificate may follow.

    Args:
        former: The latest of its achievement and person, as it was read; it ends, or has ended.
        opens_at: Of ``find_opening``.
        decision: Over the learner's record, of which the deciding test counts since ``opens_at`` only.
        now: When it is asked.
    """
    obstacles = []
    if former.state != CredentialState.VALID:
        obstacles.append(Obstacle.NOT_IN_FORCE)
    if now < opens_at:
        obstacles.append(Obstacle.TOO_EARLY)
    return Renewal(former, opens_at, tuple(obstacles), decision)
