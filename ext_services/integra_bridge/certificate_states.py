"""Keeps the gradebook's table of certificate states fresh, so that no page ever asks the service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.utils.dateparse import parse_datetime

from integra_bridge import http, outbox
from integra_bridge.conf import BridgeSettings
from integra_bridge.models import RelayState
from integra_bridge.signing import make_request_token
from integra_gradebook import api

PATH = "/api/v1/certificate-states"
_PAGES_AT_ONCE = 50
_TOKEN = re.compile(r"[A-Za-z0-9_-]{0,64}")


class StatesError(Exception):
    """The service did not answer as agreed; ``code`` says how."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def refresh(settings: BridgeSettings, *, now: datetime) -> int:
    """Read the states that are new since the last time and store them; return how many."""
    stored = 0
    for _ in range(_PAGES_AT_ONCE):
        after = outbox.get_state().certificate_position
        page = fetch_page(settings, after=after, now=now)
        if not page:
            break
        rows = [_parse(entry, settings) for entry in page]
        position = max(_position(entry) for entry in page)
        if position <= after:
            raise StatesError("position_not_ascending")
        # Storing repeats harmlessly, so the position may follow in a transaction of its own.
        api.store_certificate_states(rows)
        RelayState.objects.filter(certificate_position__lt=position).update(certificate_position=position)
        stored += len(rows)
    return stored


def fetch_page(settings: BridgeSettings, *, after: int, now: datetime) -> list[Mapping[str, object]]:
    """Return the rows after a position, unparsed, or raise StatesError or UnreachableError."""
    path = urlsplit(settings.service_url).path + PATH
    token = make_request_token(
        settings.pull_secret,
        issuer=settings.source,
        audience=settings.service_origin,
        method="GET",
        path=path,
        now=now,
    )
    answer = http.send(
        "GET",
        f"{settings.service_origin}{path}?after={after}",
        headers={
            "accept": "application/json",
            "authorization": f"Bearer {token}",
            "integra-source": settings.source,
        },
        uses_proxies=not settings.is_demo,
    )
    if answer.status != 200:
        raise StatesError(f"http_{answer.status}")
    page = answer.json()
    if not isinstance(page, list) or not all(isinstance(entry, dict) for entry in page):
        raise StatesError("not_a_list")
    return page


def _parse(entry: Mapping[str, object], settings: BridgeSettings) -> api.CertificateStateRow:
    token = _text(entry, "token")
    if not _TOKEN.fullmatch(token):
        raise StatesError("token_invalid")
    changed_at = _parse_time(_text(entry, "changed_at"))
    try:
        learner_uuid = UUID(_text(entry, "learner_uuid"))
    except ValueError:
        raise StatesError("learner_uuid_invalid") from None
    try:
        state = api.CertificateStatus(_text(entry, "state"))
    except ValueError:
        raise StatesError("state_unknown") from None
    return api.CertificateStateRow(
        learner_uuid=learner_uuid,
        achievement_key=_text(entry, "achievement_key"),
        state=state,
        token=token,
        url=f"{settings.service_url}/c/{token}" if token else "",
        changed_at=changed_at,
    )


def _parse_time(text: str) -> datetime:
    try:
        value = parse_datetime(text)
    except ValueError:
        value = None
    if value is None or value.utcoffset() is None:
        raise StatesError("changed_at_invalid")
    return value


def _position(entry: Mapping[str, object]) -> int:
    value = entry.get("position")
    if type(value) is not int or value < 1:
        raise StatesError("position_invalid")
    return value


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    # A certificate that is only announced has no address yet.
    if value is None and name == "token":
        return ""
    if not isinstance(value, str) or len(value) > 255:
        raise StatesError(f"{name}_invalid")
    return value
