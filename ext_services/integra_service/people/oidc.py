"""Signing in through another system: the authorization-code flow with PKCE, state and nonce.

OpenID Connect Core 1.0 section 3.1 with RFC 7636. What is learned is one thing: the subject. Names, e-mails and
roles of the provider are neither asked for nor read.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from integra_service.lib.errors import RequestError
from integra_service.lib.outgoing import Answer, OutgoingError, fetch, post_form
from integra_service.lib.providers import Provider, ProviderKind, require_provider_url
from integra_service.lib.remembering import Remembered, StillAskingError
from integra_service.lib.strictjson import parse_json

from .id_tokens import IdentityError, read_subject

PENDING_SECONDS = 10 * 60
DISCOVERY_SECONDS = 5 * 60
FAILED_SECONDS = 30  # who presses the button meanwhile does not make us call again
VERIFIER_LENGTH = 64
TOKEN_BYTES = 32
SCOPES = {ProviderKind.OIDC: "openid", ProviderKind.OPENEDX: "user_id"}


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What this browser's session remembers until the provider sends it back; used once."""

    state: str
    nonce: str
    verifier: str
    started_at: float


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider answers."""

    authorize_url: str
    token_url: str
    keys_url: str | None
    takes_secret_in_form: bool


def begin(provider: Provider, redirect_uri: str, now: datetime) -> tuple[str, PendingSignIn]:
    """Return where to send the browser, and what to remember of it."""
    client = WebApplicationClient(provider.client_id)
    verifier = client.create_code_verifier(VERIFIER_LENGTH)
    pending = PendingSignIn(
        state=secrets.token_urlsafe(TOKEN_BYTES),
        nonce=secrets.token_urlsafe(TOKEN_BYTES),
        verifier=verifier,
        started_at=now.timestamp(),
    )
    url = client.prepare_request_uri(
        find_endpoints(provider).authorize_url,
        redirect_uri=redirect_uri,
        scope=SCOPES[provider.kind],
        state=pending.state,
        code_challenge=client.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
        nonce=pending.nonce,
    )
    return str(url), pending


def finish(
    provider: Provider, pending: PendingSignIn, returned_to: str, redirect_uri: str, now: datetime
) -> str:
    """Return the subject that signed in, or raise IdentityError.

    Args:
        returned_to: The address the provider sent the browser to, with its query.
    """
    if not 0 <= now.timestamp() - pending.started_at <= PENDING_SECONDS:
        raise IdentityError("began too long ago")
    client = WebApplicationClient(provider.client_id)
    try:
        returned = client.parse_request_uri_response(returned_to, state=pending.state)
    except (OAuth2Error, ValueError) as error:
        raise IdentityError(f"return: {type(error).__name__}") from error
    if returned.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise IdentityError("iss of the return")
    endpoints = find_endpoints(provider)
    tokens = exchange(client, provider, endpoints, pending, redirect_uri)
    token_name = "access_token" if provider.kind is ProviderKind.OPENEDX else "id_token"
    keys = provider.keys or read_object(endpoints.keys_url or "")
    return read_subject(tokens.get(token_name), keys, provider, nonce=pending.nonce, now=now)


def exchange(
    client: WebApplicationClient,
    provider: Provider,
    endpoints: Endpoints,
    pending: PendingSignIn,
    redirect_uri: str,
) -> Mapping[str, Any]:
    """Return what the token endpoint gives for the code."""
    fields: dict[str, Any] = (
        {"client_secret": provider.client_secret} if endpoints.takes_secret_in_form else {}
    )
    if provider.kind is ProviderKind.OPENEDX:
        fields["token_type"] = "jwt"  # noqa: S105 - a kind of token, as the LMS names it
    form = client.prepare_request_body(redirect_uri=redirect_uri, code_verifier=pending.verifier, **fields)
    headers = {} if endpoints.takes_secret_in_form else {"Authorization": basic(provider)}
    return read_answer(send(lambda: post_form(endpoints.token_url, form, headers)))


def basic(provider: Provider) -> str:
    """Return the header of RFC 6749 section 2.3.1, whose parts are form-encoded first."""
    pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def find_endpoints(provider: Provider) -> Endpoints:
    """Return where the provider answers; its discovery document is kept for five minutes, a failure for half of one.

    Whoever presses the button makes us call, so one thread calls at a time and the others wait for what it hears.
    """
    if provider.kind is ProviderKind.OPENEDX:
        return Endpoints(f"{provider.issuer}/authorize", f"{provider.issuer}/access_token", None, True)
    try:
        return remember_discovery(provider.issuer).get()
    except StillAskingError as error:
        raise IdentityError("discovery takes long") from error


@cache
def remember_discovery(issuer: str) -> Remembered[Endpoints]:
    return Remembered(lambda: discover(issuer), DISCOVERY_SECONDS, FAILED_SECONDS)


def discover(issuer: str) -> Endpoints:
    """Read OpenID Connect Discovery 1.0 section 4; the document must name this very issuer."""
    document = read_object(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise IdentityError("discovery of another issuer")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Endpoints(
        read_url(document, "authorization_endpoint"),
        read_url(document, "token_endpoint"),
        read_url(document, "jwks_uri"),
        isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def read_url(document: Mapping[str, Any], name: str) -> str:
    url = document.get(name)
    try:
        require_provider_url(url if isinstance(url, str) else "", name, is_demo=settings.INTEGRA_DEMO)
    except (ImproperlyConfigured, ValueError) as error:
        raise IdentityError(name) from error
    return str(url)


def read_object(url: str) -> Mapping[str, Any]:
    return read_answer(send(lambda: fetch(url, {})))


def send(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except OutgoingError as error:
        raise IdentityError(f"call: {error.code}") from error


def read_answer(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of a successful answer; a redirect is none."""
    try:
        parsed = parse_json(answer.body) if answer.status == 200 else None
    except RequestError as error:
        raise IdentityError(f"answer: {error.code}") from error
    if not isinstance(parsed, dict):
        raise IdentityError(f"answer: {answer.status}")
    return parsed
