"""Strict readers of environment values; ``settings.py`` is the one place that uses them, with ``providers.py``."""

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .urls import origin_of

MAX_NAME_KEYS = 3
URL_SAFE_TO_STANDARD = str.maketrans("-_", "+/")


def read_text(environ: Mapping[str, str], name: str, default: str | None = None) -> str:
    """Return the value of ``name``; a missing or empty one is an error unless there is a default."""
    value = environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is missing in the environment.")
    return default


def read_folder(environ: Mapping[str, str], name: str, default: Path) -> Path:
    """Return the folder ``name`` says, or the default; one that is not there is an error."""
    folder = Path(read_text(environ, name, str(default)))
    if not folder.is_dir():
        raise ImproperlyConfigured(f"{name}: there is no folder {folder}.")
    return folder


def read_switch(environ: Mapping[str, str], name: str) -> bool:
    """Return True for ``1`` and False for ``0`` or absence; anything else is an error."""
    value = environ.get(name, "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"


def read_count(environ: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number from 1 to a thousand millions."""
    text = read_text(environ, name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not 1 <= int(text) <= 10**9:
        raise ImproperlyConfigured(f"{name} must be a whole number from 1 on, not {text!r}.")
    return int(text)


def read_networks(
    environ: Mapping[str, str], name: str
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return addresses and networks (CIDR) separated by commas; none without the value, and never everybody's."""
    networks = []
    for text in filter(None, (part.strip() for part in read_text(environ, name, "").split(","))):
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {text!r} is no address and no network.") from error
        if network.prefixlen == 0:
            raise ImproperlyConfigured(f"{name}: {text} is everybody; name the proxies.")
        networks.append(network)
    return tuple(networks)


def read_secret_key(environ: Mapping[str, str], name: str) -> str:
    value = read_text(environ, name)
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} must have at least 32 characters.")
    return value


def read_encryption_keys(environ: Mapping[str, str], name: str) -> tuple[bytes, ...]:
    """Return 32-byte keys, the current one first; several separated by commas during a rotation."""
    texts = [part.strip() for part in read_text(environ, name).split(",")]
    if len(texts) > MAX_NAME_KEYS:
        raise ImproperlyConfigured(f"{name} holds more than {MAX_NAME_KEYS} keys.")
    keys = []
    for text in texts:
        try:
            key = base64.b64decode(text.translate(URL_SAFE_TO_STANDARD), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise ImproperlyConfigured(f"{name} must hold 32 bytes in base64 per key.")
        keys.append(key)
    return tuple(keys)


def read_issuer_url(environ: Mapping[str, str], name: str, *, is_demo: bool) -> str:
    """Return the public address without a trailing slash.

    did:web allows no IP address, and http is for the demonstration only.
    """
    value = read_text(environ, name).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname or value != origin_of(value):
        raise ImproperlyConfigured(f"{name} must be an origin such as https://certificados.example.org.")
    if parts.scheme == "http" and not is_demo:
        raise ImproperlyConfigured(f"{name} must use https outside the demonstration.")
    try:
        ipaddress.ip_address(parts.hostname)
    except ValueError:
        return value
    raise ImproperlyConfigured(f"{name} must name a host, not an IP address: did:web allows none.")


def read_database(environ: Mapping[str, str], name: str, sqlite_path: Path) -> dict[str, Any]:
    """Return Django's database entry for ``sqlite:///path`` or ``postgresql://user:pass@host:port/name``."""
    url = environ.get(name, "").strip()
    if not url:
        return sqlite_database(str(sqlite_path))
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite_database(unquote(parts.path.removeprefix("/")) or ":memory:")
    if parts.scheme in {"postgresql", "postgres"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.removeprefix("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            # A locked row answers 503 after two seconds instead of holding the worker.
            "OPTIONS": {"options": "-c lock_timeout=2000", **dict(parse_qsl(parts.query))},
        }
    raise ImproperlyConfigured(f"{name} must begin with sqlite:/// or postgresql://.")


def read_demo_source(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what ``make run`` says about its own classroom; read in the demonstration only."""
    names = {
        "key": "INTEGRA_SOURCE",
        "url": "INTEGRA_SOURCE_URL",
        "course_key": "INTEGRA_COURSE_KEY",
        "webhook": "INTEGRA_WEBHOOK_SECRET",
        "handover": "INTEGRA_HANDOVER_SECRET",
        "pull": "INTEGRA_PULL_SECRET",
    }
    return {field: read_text(environ, name, "") for field, name in names.items()}


def sqlite_database(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # IMMEDIATE takes the write lock at BEGIN: a later upgrade would fail instead of waiting.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,
        },
    }
