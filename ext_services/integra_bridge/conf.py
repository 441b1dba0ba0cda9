"""The bridge's settings: read here and nowhere else, strictly.

In the LMS they are Django settings (Tutor patches or the platform's YAML set them); in the embedded
classroom they come from the process environment. A Django setting wins over the environment.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SOURCE = "INTEGRA_SOURCE"
SERVICE_URL = "INTEGRA_SERVICE_URL"
WEBHOOK_SECRET = "INTEGRA_WEBHOOK_SECRET"  # noqa: S105 - the setting's name, not its value
HANDOVER_SECRET = "INTEGRA_HANDOVER_SECRET"  # noqa: S105 - likewise
PULL_SECRET = "INTEGRA_PULL_SECRET"  # noqa: S105 - likewise
DEMO = "INTEGRA_DEMO"
NAMES = (SOURCE, SERVICE_URL, WEBHOOK_SECRET, HANDOVER_SECRET, PULL_SECRET)

_SOURCE_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
# RFC 7518 §3.2 for HS256; Standard Webhooks asks for 24 to 64 bytes.
_JWT_SECRET_BYTES = 32
_WEBHOOK_SECRET_BYTES = range(24, 65)


class BridgeSettingsError(ImproperlyConfigured):
    """One setting is missing or wrong; the message names it and says what it must look like."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"{name} {problem}")


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """Everything the bridge needs to talk to the service."""

    source: str
    service_url: str
    """Without a slash at the end."""
    webhook_secret: bytes
    handover_secret: str
    pull_secret: str
    is_demo: bool

    @property
    def service_origin(self) -> str:
        return origin_of(self.service_url)


def get_settings() -> BridgeSettings:
    """Return the settings, or raise BridgeSettingsError for the first that is missing or wrong."""
    return BridgeSettings(
        source=read_source(),
        service_url=_service_url(),
        webhook_secret=_webhook_secret(),
        handover_secret=_jwt_secret(HANDOVER_SECRET),
        pull_secret=_jwt_secret(PULL_SECRET),
        is_demo=is_demo(),
    )


def find_source() -> str | None:
    """Return the Source key, or ``None`` where the LMS is not connected to a service yet."""
    return read_source() if _raw(SOURCE) else None


def read_source() -> str:
    value = _required(SOURCE)
    if not _SOURCE_KEY.fullmatch(value):
        raise BridgeSettingsError(
            SOURCE, "must be 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit."
        )
    return value


def is_demo() -> bool:
    value = _raw(DEMO)
    if value in (None, "", False, "0"):
        return False
    if value in (True, "1"):
        return True
    raise BridgeSettingsError(DEMO, "must be 1 or absent.")


def list_problems() -> list[BridgeSettingsError]:
    """Return every setting that is missing or wrong, for the doctor."""
    readers: tuple[Callable[[], object], ...] = (
        read_source,
        _service_url,
        _webhook_secret,
        lambda: _jwt_secret(HANDOVER_SECRET),
        lambda: _jwt_secret(PULL_SECRET),
        is_demo,
    )
    problems = []
    for reader in readers:
        try:
            reader()
        except BridgeSettingsError as problem:
            problems.append(problem)
    return problems


def origin_of(url: str) -> str:
    """Return scheme, host and port of ``url`` in lower case, without a default port."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _service_url() -> str:
    value = _required(SERVICE_URL)
    try:
        parts = urlsplit(value)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise BridgeSettingsError(SERVICE_URL, "is not an address.") from None
    if not parts.hostname or not port_is_readable or parts.query or parts.fragment or "@" in parts.netloc:
        raise BridgeSettingsError(SERVICE_URL, "must be an address without credentials, query or fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_demo()):
        raise BridgeSettingsError(SERVICE_URL, "must begin with https:// (http only in the demonstration).")
    return value.rstrip("/")


def _webhook_secret() -> bytes:
    value = _required(WEBHOOK_SECRET)
    form = "must be whsec_ and the base64 of 24 to 64 random bytes."
    if not value.startswith("whsec_"):
        raise BridgeSettingsError(WEBHOOK_SECRET, form)
    try:
        secret = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise BridgeSettingsError(WEBHOOK_SECRET, form) from None
    if len(secret) not in _WEBHOOK_SECRET_BYTES:
        raise BridgeSettingsError(WEBHOOK_SECRET, form)
    return secret


def _jwt_secret(name: str) -> str:
    value = _required(name)
    if len(value.encode()) < _JWT_SECRET_BYTES:
        raise BridgeSettingsError(name, f"must have at least {_JWT_SECRET_BYTES} bytes.")
    return value


def _required(name: str) -> str:
    value = _raw(name)
    if not value:
        raise BridgeSettingsError(name, "is not set.")
    if not isinstance(value, str):
        raise BridgeSettingsError(name, "must be text.")
    return value


def _raw(name: str) -> Any:
    value = getattr(settings, name, None)
    return os.environ.get(name) if value is None else value
