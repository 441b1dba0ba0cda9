"""Talks HTTP to the service: bounded in time and size, without redirects, and trusting no answer by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from django.utils import timezone

CONNECT_SECONDS = 3
READ_SECONDS = 10
# A server that drips bytes must not hold the relay: the time allowed for one whole answer.
ANSWER_SECONDS = 30
ANSWER_BYTES = 1024 * 1024
USER_AGENT = "integra-bridge/1"
_RETRY_AFTER_AT_MOST = timedelta(hours=24)


class UnreachableError(Exception):
    """No whole answer arrived; ``code`` says how far it came."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whoever sent it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body, or ``None`` if it is not JSON said to be JSON."""
        if not self.headers.get("content-type", "").split(";")[0].strip().lower().endswith("json"):
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def retry_after(self, now: datetime) -> timedelta | None:
        """Return how long the service asks to wait, at most a day; ``None`` if it does not ask."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            wait = timedelta(seconds=min(int(value[:9]), _RETRY_AFTER_AT_MOST.total_seconds()))
        else:
            try:
                until = parsedate_to_datetime(value)
            except (TypeError, ValueError):
                return None
            if timezone.is_naive(until):
                return None
            wait = until - now
        return min(max(wait, timedelta(0)), _RETRY_AFTER_AT_MOST)


def send(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, uses_proxies: bool
) -> Answer:
    """Send one request and return the answer with whatever status it has, or raise UnreachableError."""
    with requests.Session() as session:
        session.trust_env = uses_proxies
        try:
            with session.request(
                method,
                url,
                data=body,
                headers={"user-agent": USER_AGENT, **headers},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response)
                lowered = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, lowered, content)
        except requests.Timeout as error:
            raise UnreachableError("timeout") from error
        except requests.exceptions.SSLError as error:
            raise UnreachableError("tls") from error
        except requests.RequestException as error:
            raise UnreachableError("connection") from error


def _read(response: requests.Response) -> bytes:
    deadline = time.monotonic() + ANSWER_SECONDS
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(16 * 1024):
        size += len(part)
        if size > ANSWER_BYTES:
            raise UnreachableError("answer_too_large")
        if time.monotonic() > deadline:
            raise UnreachableError("timeout")
        parts.append(part)
    return b"".join(parts)
