"""Short-lived HS256 tokens of a source: the hand-over of a learner, and requests of the relay."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from integra_service.lib.errors import RequestError

from .models import SecretKind, Source
from .sources import find_source, open_secrets

ALGORITHM = "HS256"
MAX_TOKEN_LENGTH = 2048
CLOCK_SKEW_SECONDS = 30
HANDOVER_SECONDS = 300
REQUEST_SECONDS = 60
# One spelling only: no padding, and nothing in the two bits that the last character of 32 bytes has to spare.
COMPACT_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
JTI = re.compile(r"[A-Za-z0-9_-]{8,64}")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TokenError(RequestError):
    """The token is not ours to accept; why is for the log, the answer is one. ``source`` signed it, if known."""

    def __init__(self, why: str, source: Source | None = None) -> None:
        super().__init__("bad_token", "The token is missing, expired or made for something else.", status=401)
        self.why = why
        self.source = source


@dataclass(frozen=True, slots=True)
class HandoverClaims:
    """What a hand-over link says."""

    source: Source
    learner_uuid: UUID
    jti: str
    city_key: str
    course_key: str


def read_handover(token: str, now: datetime) -> HandoverClaims:
    """Return what an authentic, current hand-over link says, or raise TokenError."""
    source, claims = open_token(token, SecretKind.HANDOVER, HANDOVER_SECONDS, now)
    subject, jti = read_text(claims, "sub"), read_text(claims, "jti")
    if not UUID_TEXT.fullmatch(subject) or not JTI.fullmatch(jti):
        raise TokenError("claims")
    return HandoverClaims(
        source, UUID(subject), jti, read_text(claims, "city_key"), read_text(claims, "course_key")
    )


def require_request_token(authorization: str, *, method: str, path: str, now: datetime) -> Source:
    """Return the source that made this request's bearer token, or raise TokenError."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenError("scheme")
    source, claims = open_token(token, SecretKind.PULL, REQUEST_SECONDS, now)
    if (claims.get("method"), claims.get("path")) != (method, path):
        raise TokenError("bound to another request")
    return source


def open_token(
    token: str, kind: SecretKind, max_seconds: int, now: datetime
) -> tuple[Source, Mapping[str, Any]]:
    """Check signature, audience and times. The clock is ours, so PyJWT's own time checks are off."""
    if len(token) > MAX_TOKEN_LENGTH or not COMPACT_FORM.fullmatch(token):
        raise TokenError("form")
    source = find_source(read_issuer(token))
    if source is None:
        raise TokenError("source")
    claims = verify(token, open_secrets(source, kind), source.key)
    issued_at, expires_at = read_seconds(claims, "iat"), read_seconds(claims, "exp")
    moment = now.timestamp()
    if not 0 < expires_at - issued_at <= max_seconds:
        raise TokenError("lives too long", source)
    if not issued_at - CLOCK_SKEW_SECONDS <= moment < expires_at:
        raise TokenError("time", source)
    return source, claims


def read_issuer(token: str) -> str:
    """Return whose secrets to try; nothing of the token is believed yet."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False}, algorithms=[ALGORITHM])
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise TokenError("form") from error
    return read_text(claims, "iss")


def verify(token: str, secrets: tuple[str, ...], issuer: str) -> Mapping[str, Any]:
    for secret in secrets:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                audience=settings.INTEGRA_ISSUER_URL,
                issuer=issuer,
                options={
                    "require": ["iss", "aud", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError:
            continue
        return claims
    raise TokenError("signature or audience")


def read_text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isprintable():
        raise TokenError(name)
    return value


def read_seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TokenError(name)
    return value
