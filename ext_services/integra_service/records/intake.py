"""``POST /api/v1/events``: from raw bytes to a receipt."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, UnreadablePostError

from integra_grading.events import MAX_EVENT_BYTES
from integra_service.lib.errors import RequestError
from integra_service.lib.strictjson import parse_json
from integra_service.lib.webhooks import require_signature
from integra_service.people.models import Source
from integra_service.people.sources import find_sender

from .pressure import allowances, backlog

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MAX_BODY_BYTES = 1024 * 1024
MAX_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """An authentic delivery: who sent it and its events, not yet judged."""

    source: Source
    events: tuple[Any, ...]
    is_batch: bool


def read_delivery(request: HttpRequest, now: datetime) -> Delivery:
    """Return the delivery, or raise RequestError; nothing of the body is parsed before it is authentic."""
    is_batch = read_media_type(request) == BATCH
    body = read_body(request, MAX_BODY_BYTES if is_batch else MAX_EVENT_BYTES)
    sender = find_sender(request.headers.get("integra-source", ""))
    require_signature(request.headers, body, () if sender is None else sender.secrets, now)
    if sender is None:  # no secrets, so the signature above was refused
        raise RequestError("bad_signature", "Source, secret and signature do not fit this body.", status=401)
    if not sender.source.is_active:
        raise RequestError("source_inactive", "This source is switched off; keep the events.", status=403)
    backlog.require_room(sender.source.pk, now)
    events = read_events(parse_json(body), is_batch=is_batch)
    allowances.take(sender.source.key, len(events))
    return Delivery(sender.source, events, is_batch)


def read_media_type(request: HttpRequest) -> str:
    media_type = request.content_type or ""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if media_type not in {SINGLE, BATCH} or charset.lower() != "utf-8":
        raise RequestError("unsupported_media_type", f"Send {SINGLE}, or {BATCH} for an array.", status=415)
    return media_type


def read_body(request: HttpRequest, max_bytes: int) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isascii() or not length.isdigit():
        raise RequestError("length_required", "Content-Length is missing.", status=411)
    # Compared by length first: a number of thousands of digits is no number to Python.
    if len(length) > 12 or int(length) > max_bytes:
        raise RequestError("too_large", f"The body is larger than {max_bytes} bytes.", status=413)
    try:
        return request.body
    except UnreadablePostError as error:
        raise RequestError("body_incomplete", "The body ended early.") from error


def read_events(parsed: Any, *, is_batch: bool) -> tuple[Any, ...]:
    if not is_batch:
        if not isinstance(parsed, dict):
            raise RequestError("not_an_object", "A single event is a JSON object.")
        return (parsed,)
    if not isinstance(parsed, list):
        raise RequestError("not_an_array", "A batch is a JSON array.")
    if not parsed:
        raise RequestError("no_events", "The batch is empty.")
    if len(parsed) > MAX_EVENTS:
        raise RequestError("too_many_events", f"A batch has at most {MAX_EVENTS} events.", status=413)
    return tuple(parsed)
