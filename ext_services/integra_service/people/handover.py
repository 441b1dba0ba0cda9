"""The only way a learner enters the service: a signed link of their classroom, used once.

Once, but for a button that was pressed twice: the browser that was asked (``mark``: what its cookie says) may send its
yes again for a minute, because the first answer may have been lost.
"""

import hashlib
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from integra_service.audit import services as audit

from .erasing import begin_anew, is_being_erased
from .identities import ensure_identity
from .models import HandoverUse, LearnerIdentity
from .sources import SourceTerritory, get_territory
from .tokens import HandoverClaims, TokenError, read_handover

AGAIN_WITHIN = timedelta(seconds=60)


class UsedLinkError(TokenError):
    """The link is authentic and was used already."""

    def __init__(self, claims: HandoverClaims) -> None:
        super().__init__("used", claims.source)
        self.claims = claims


def look_at_handover(token: str, now: datetime) -> HandoverClaims:
    """Return whom a link that was not used yet hands over, without using it, or raise TokenError."""
    claims, _territory = read_own(token, now)
    if HandoverUse.objects.filter(source=claims.source, jti=claims.jti).exists():
        raise UsedLinkError(claims)
    return claims


def refuse_handover(token: str, now: datetime) -> None:
    """Use the link up without entering: what the person did not want lies in nobody's history as an open door."""
    claims, _territory = read_own(token, now)
    HandoverUse.objects.get_or_create(source=claims.source, jti=claims.jti, defaults={"used_at": now})


def accept_handover(token: str, now: datetime, mark: str = "") -> LearnerIdentity:
    """Use the link and return whom it hands over, or raise TokenError."""
    claims, territory = read_own(token, now)
    with transaction.atomic():
        if not use(claims, mark, now):
            raise UsedLinkError(claims)
        city_id = territory.city_ids[claims.city_key]
        identity = ensure_identity(claims.source, claims.learner_uuid, city_id, now)
        if identity.retired_at is not None:
            raise TokenError("retired", claims.source)
        if identity.person.erased_at is not None:
            if is_being_erased(identity.person):
                raise TokenError("being erased", claims.source)
            begin_anew(identity)
        audit.record(
            "learner.entered",
            actor=f"learner:{identity.learner_uuid}",
            subject=f"person:{identity.person.uuid}",
            now=now,
        )
    return identity


def use(claims: HandoverClaims, mark: str, now: datetime) -> bool:
    """Tell whether the link may be used now, and note that it was."""
    digest = hashlib.sha256(mark.encode()).hexdigest() if mark else ""
    try:
        with transaction.atomic():
            HandoverUse.objects.create(
                source=claims.source, jti=claims.jti, used_at=now, browser_digest=digest
            )
    except IntegrityError:
        again = HandoverUse.objects.filter(
            source=claims.source, jti=claims.jti, browser_digest=digest, used_at__gte=now - AGAIN_WITHIN
        )
        return digest != "" and again.exists()
    return True


def read_own(token: str, now: datetime) -> tuple[HandoverClaims, SourceTerritory]:
    """Return what an authentic link says that stays within its source's cities and courses."""
    claims = read_handover(token, now)
    territory = get_territory(claims.source)
    if not territory.covers(city_key=claims.city_key, course_key=claims.course_key):
        raise TokenError("territory", claims.source)
    return claims, territory


def forget_uses(before: datetime) -> int:
    """Delete the uses of links that have long expired; return how many."""
    return HandoverUse.objects.filter(used_at__lt=before).delete()[0]
