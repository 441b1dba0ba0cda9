"""The only way a learner enters the service: a signed link of their classroom, used once."""

from datetime import datetime

from django.db import IntegrityError, transaction

from integra_service.audit import services as audit

from .erasing import begin_anew, is_being_erased
from .identities import ensure_identity
from .models import HandoverUse, LearnerIdentity
from .sources import SourceTerritory, get_territory
from .tokens import HandoverClaims, TokenError, read_handover


def look_at_handover(token: str, now: datetime) -> HandoverClaims:
    """Return whom a link that was not used yet hands over, without using it, or raise TokenError."""
    claims, _territory = read_own(token, now)
    if HandoverUse.objects.filter(source=claims.source, jti=claims.jti).exists():
        raise TokenError("used")
    return claims


def refuse_handover(token: str, now: datetime) -> None:
    """Use the link up without entering: what the person did not want lies in nobody's history as an open door."""
    claims, _territory = read_own(token, now)
    HandoverUse.objects.get_or_create(source=claims.source, jti=claims.jti, defaults={"used_at": now})


def accept_handover(token: str, now: datetime) -> LearnerIdentity:
    """Use the link and return whom it hands over, or raise TokenError."""
    claims, territory = read_own(token, now)
    with transaction.atomic():
        try:
            with transaction.atomic():
                HandoverUse.objects.create(source=claims.source, jti=claims.jti, used_at=now)
        except IntegrityError as error:
            raise TokenError("used") from error
        city_id = territory.city_ids[claims.city_key]
        identity = ensure_identity(claims.source, claims.learner_uuid, city_id, now)
        if identity.retired_at is not None:
            raise TokenError("retired")
        if identity.person.erased_at is not None:
            if is_being_erased(identity.person):
                raise TokenError("being erased")
            begin_anew(identity)
        audit.record(
            "learner.entered",
            actor=f"learner:{identity.learner_uuid}",
            subject=f"person:{identity.person.uuid}",
            now=now,
        )
    return identity


def read_own(token: str, now: datetime) -> tuple[HandoverClaims, SourceTerritory]:
    """Return what an authentic link says that stays within its source's cities and courses."""
    claims = read_handover(token, now)
    territory = get_territory(claims.source)
    if not territory.covers(city_key=claims.city_key, course_key=claims.course_key):
        raise TokenError("territory")
    return claims, territory


def forget_uses(before: datetime) -> int:
    """Delete the uses of links that have long expired; return how many."""
    return HandoverUse.objects.filter(used_at__lt=before).delete()[0]
