"""Reading the token by which a provider says who signed in: every check is ours, nothing is taken on trust."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt

from integra_service.lib.errors import RequestError
from integra_service.lib.providers import Provider, ProviderKind

# No HS*: whoever can check such a token can make one. No "none".
ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
CLOCK_SKEW_SECONDS = 60
MAX_TOKEN_LENGTH = 16 * 1024
MAX_SUBJECT_LENGTH = 255


class IdentityError(RequestError):
    """What came back from the provider cannot be believed; why is for the log, the answer is one."""

    def __init__(self, why: str) -> None:
        super().__init__("sign_in_refused", "The provider's answer cannot be accepted.", status=400)
        self.why = why


def read_subject(
    token: Any, keys: Mapping[str, Any], provider: Provider, *, nonce: str, now: datetime
) -> str:
    """Return who an authentic, current token of this provider speaks of, or raise IdentityError."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise IdentityError("no token")
    claims = verify(token, keys, provider)
    require_times(claims, now)
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise IdentityError("several audiences without azp")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise IdentityError("azp")
    if provider.kind is ProviderKind.OPENEDX:
        return read_user_id(claims)
    if claims.get("nonce") != nonce:
        raise IdentityError("nonce")
    return read_sub(claims)


def verify(token: str, keys: Mapping[str, Any], provider: Provider) -> Mapping[str, Any]:
    """Check signature, algorithm, issuer and audience. The clock is ours, so PyJWT's time checks are off."""
    for key, algorithms in find_keys(token, keys):
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=list(algorithms),
                audience=provider.audience,
                issuer=provider.issuer,
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
    raise IdentityError("signature, algorithm, issuer or audience")


def find_keys(token: str, keys: Mapping[str, Any]) -> list[tuple[jwt.PyJWK, tuple[str, ...]]]:
    """Return the public keys that may have signed, each with its algorithms: those the token names, or all."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        known = jwt.PyJWKSet.from_dict(dict(keys)).keys
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IdentityError("form of the token or of the keys") from error
    return [
        (key, ALGORITHMS[key.key_type])
        for key in known
        if key.key_type in ALGORITHMS and key.public_key_use in {None, "sig"} and kid in {None, key.key_id}
    ]


def require_times(claims: Mapping[str, Any], now: datetime) -> None:
    issued_at, expires_at = read_seconds(claims, "iat"), read_seconds(claims, "exp")
    not_before = read_seconds(claims, "nbf") if "nbf" in claims else issued_at
    moment = now.timestamp()
    if not max(issued_at, not_before) - CLOCK_SKEW_SECONDS <= moment < expires_at + CLOCK_SKEW_SECONDS:
        raise IdentityError("time")


def read_seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IdentityError(name)
    return value


def read_sub(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= MAX_SUBJECT_LENGTH
        or not subject.isprintable()
    ):
        raise IdentityError("sub")
    return subject


def read_user_id(claims: Mapping[str, Any]) -> str:
    """Return the LMS's own number of the account: ``sub`` there depends on the LMS's secret key."""
    user_id = claims.get("user_id")
    if isinstance(user_id, bool) or not isinstance(user_id, int) or user_id <= 0:
        raise IdentityError("user_id")
    return str(user_id)
