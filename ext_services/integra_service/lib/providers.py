"""The provider of identities as the environment names it, and which addresses of one are taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from .env import read_text
from .errors import RequestError
from .strictjson import parse_json


class ProviderKind(StrEnum):
    """How a provider of identities says who signed in."""

    OIDC = "oidc"  # an id_token, with discovery: OpenID Connect Core 1.0
    OPENEDX = "openedx"  # an access token in JWT form: the LMS speaks OAuth 2.0 only


@dataclass(frozen=True, slots=True)
class Provider:
    """The one provider of identities whose word on who signed in is taken."""

    kind: ProviderKind
    issuer: str  # exactly as its tokens say it
    client_id: str
    client_secret: str
    audience: str  # whom its tokens must be made for
    name: str  # on the sign-in page
    keys: dict[str, Any] | None  # its public JWK set; None: the one its discovery names


def read_provider(environ: Mapping[str, str], *, is_demo: bool) -> Provider | None:
    """Return the provider of identities, or None without an issuer: local accounts only.

    An LMS publishes no keys at an address, so its JWK set comes from a file; it names itself as audience.
    """
    issuer = read_text(environ, "INTEGRA_OIDC_ISSUER", "")
    if not issuer:
        others = sorted(
            name for name, value in environ.items() if name.startswith("INTEGRA_OIDC_") and value.strip()
        )
        if others:
            raise ImproperlyConfigured(f"INTEGRA_OIDC_ISSUER is missing beside {', '.join(others)}.")
        return None
    require_provider_url(issuer, "INTEGRA_OIDC_ISSUER", is_demo=is_demo)
    kind = read_text(environ, "INTEGRA_OIDC_KIND", ProviderKind.OIDC)
    if kind not in set(ProviderKind):
        raise ImproperlyConfigured(f"INTEGRA_OIDC_KIND must be oidc or openedx, not {kind!r}.")
    is_lms = kind == ProviderKind.OPENEDX
    client_id = read_text(environ, "INTEGRA_OIDC_CLIENT_ID")
    keys_path = read_text(environ, "INTEGRA_OIDC_KEYS", None if is_lms else "")
    return Provider(
        kind=ProviderKind(kind),
        issuer=issuer,
        client_id=client_id,
        client_secret=read_text(environ, "INTEGRA_OIDC_CLIENT_SECRET"),
        audience=read_text(environ, "INTEGRA_OIDC_AUDIENCE", None if is_lms else client_id),
        name=read_text(environ, "INTEGRA_OIDC_NAME", str(urlsplit(issuer).hostname)),
        keys=read_public_keys(Path(keys_path), "INTEGRA_OIDC_KEYS") if keys_path else None,
    )


def require_provider_url(value: str, name: str, *, is_demo: bool) -> None:
    parts = urlsplit(value)
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and is_demo)
    if not is_allowed or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be an address such as https://lms.example.org/oauth2.")


def read_public_keys(path: Path, name: str) -> dict[str, Any]:
    """Return a JWK set (RFC 7517); one that holds a private or shared key is an error."""
    try:
        keys = parse_json(path.read_bytes())
        members = keys["keys"]
        is_public = all({"d", "k"}.isdisjoint(key) and isinstance(key["kty"], str) for key in members)
    except (OSError, RequestError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"{name}: {path} is not a JWK set.") from error
    if not members or not is_public:
        raise ImproperlyConfigured(f"{name}: {path} must hold public keys, and only those.")
    return dict(keys)
