"""Turns INTEGRA_DATABASE_URL into Django's DATABASES entry, with the platform's transaction settings."""

import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import django


def parse_database_url(url: str | None) -> dict[str, object]:
    """Return the settings of one database; ``None`` means SQLite in a temporary file."""
    if not url:
        folder = Path(tempfile.gettempdir())
        return _sqlite(str(folder / "integra-standin.sqlite3"))
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path))
    if parts.scheme in {"postgresql", "postgres"}:
        return _server(parts, "django.db.backends.postgresql", {})
    if parts.scheme == "mysql":
        # The platform sets the level itself; the server's own default is REPEATABLE READ.
        options = {"charset": "utf8mb4", "isolation_level": "read committed"}
        return _server(parts, "django.db.backends.mysql", options)
    raise ValueError(f"INTEGRA_DATABASE_URL: unknown scheme {parts.scheme!r}")


def _server(parts, engine: str, options: dict[str, object]) -> dict[str, object]:
    """Read host, port, socket, name and person out of a server database's address."""
    query = dict(parse_qsl(parts.query))
    host = query.get("unix_socket") or query.get("host") or parts.hostname or ""
    return {
        "ENGINE": engine,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "ATOMIC_REQUESTS": True,
        "OPTIONS": options,
        "TEST": {"CHARSET": "utf8mb4"} if engine.endswith("mysql") else {},
    }


def _sqlite(name: str) -> dict[str, object]:
    options: dict[str, object] = {"timeout": 20}
    if django.VERSION >= (5, 1):
        options |= {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "ATOMIC_REQUESTS": True,
        "OPTIONS": options,
    }
