"""Signs what the bridge sends: Standard Webhooks over the raw bytes, and short-lived tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import jwt

TOKEN_SECONDS = 60
CLOCK_SKEW_SECONDS = 30
ALGORITHM = "HS256"


class BadTokenError(Exception):
    """The token is missing, expired, of somebody else, or bound to another request."""


def name_delivery(event_ids: Iterable[str]) -> str:
    """Return the ``webhook-id`` of a body with these events: the same on every retry of that body."""
    digest = hashlib.sha256("\n".join(event_ids).encode()).hexdigest()
    return f"dlv_{digest[:40]}"


def sign_body(secret: bytes, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def make_request_token(
    secret: str, *, issuer: str, audience: str, method: str, path: str, now: datetime
) -> str:
    """Return a bearer token that is good for one method and path of one host, for a minute."""
    claims = {
        "iss": issuer,
        "aud": audience,
        "method": method,
        "path": path,
        "iat": now,
        "exp": now + timedelta(seconds=TOKEN_SECONDS),
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def check_request_token(
    token: str, secret: str, *, issuer: str, audiences: Iterable[str], method: str, path: str
) -> None:
    """Raise BadTokenError unless ``token`` was made for exactly this request, at most a minute ago."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=issuer,
            audience=list(audiences),
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["iss", "aud", "iat", "exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise BadTokenError(str(error)) from error
    lifetime = claims["exp"] - claims["iat"]
    if not 0 < lifetime <= TOKEN_SECONDS:
        raise BadTokenError("lives too long")
    if (claims.get("method"), claims.get("path")) != (method, path):
        raise BadTokenError("made for another request")
