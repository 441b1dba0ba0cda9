"""The signed link with which a learner enters the service: the only way in, single use, five minutes."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import jwt

from integra_bridge.conf import BridgeSettings
from integra_bridge.signing import ALGORITHM
from integra_gradebook import api

LIFETIME = timedelta(minutes=5)
_PATH = "/entrar/"


def make_handover_url(learner: api.Learner, settings: BridgeSettings, *, now: datetime) -> str:
    """Return the address under which the service takes this learner in.

    It carries the pseudonym, city and course; no name, e-mail or anything else of the LMS's account.

    Raises:
        GradebookError: The course is not registered, or the person has no place in it.
    """
    place = api.find_place(learner)
    if place is None:
        raise NoPlaceError
    claims = {
        "iss": settings.source,
        "sub": str(place.learner_uuid),
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + LIFETIME,
        "aud": settings.service_url,
        "city_key": place.city_key,
        "course_key": learner.course_key,
    }
    token = jwt.encode(claims, settings.handover_secret, algorithm=ALGORITHM)
    return f"{settings.service_url}{_PATH}{token}"


class NoPlaceError(Exception):
    """The person has done nothing in this course yet: there is nobody to hand over."""
