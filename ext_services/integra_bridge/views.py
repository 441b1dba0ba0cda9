"""The bridge's two addresses in the LMS: the hand-over for learners, the outbox for the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from integra_bridge import conf, outbox
from integra_bridge.handover import NoPlaceError, make_handover_url
from integra_bridge.signing import BadTokenError, check_request_token
from integra_gradebook.api import GradebookError, Learner

BODY_BYTES = 2048
PAGE_ROWS = 200
_POSITION_DIGITS = 18


class RefusedError(Exception):
    """The request cannot be answered; ``code`` is stable, the message is for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(code)


def _answers_json(view: Callable[..., JsonResponse]) -> Callable[..., JsonResponse]:
    """Turn every refusal into its status, code and sentence."""

    @wraps(view)
    def answering(request: HttpRequest) -> JsonResponse:
        try:
            return view(request)
        except RefusedError as refusal:
            return JsonResponse({"code": refusal.code, "message": refusal.message}, status=refusal.status)
        except conf.BridgeSettingsError:
            message = _("Certificates are not connected yet. Please tell your facilitator.")
            return JsonResponse({"code": "not_connected", "message": message}, status=503)

    return answering


@require_POST
@csrf_protect
@never_cache
@_answers_json
def handover(request: HttpRequest) -> JsonResponse:
    """Give the person of this session the signed link into the service."""
    if not request.user.is_authenticated:
        raise RefusedError(401, "not_logged_in", _("Log in and try again."))
    learner = Learner(request.user.pk, _parse_course_key(request))
    try:
        url = make_handover_url(learner, conf.get_settings(), now=timezone.now())
    except (NoPlaceError, GradebookError):
        raise RefusedError(404, "not_found", _("You have no record in this course yet.")) from None
    return JsonResponse({"url": url})


@require_GET
@csrf_exempt
@never_cache
@_answers_json
def pull_outbox(request: HttpRequest) -> JsonResponse:
    """Give the service the rows after a position, so that it finds what it lost."""
    _require_pull_token(request)
    after = _parse_position(request)
    rows = outbox.list_after(after, PAGE_ROWS)
    events = [
        {
            "position": row.position,
            "id": row.event_id,
            "digest": row.digest,
            "event": json.loads(bytes(row.body)),
        }
        for row in rows
    ]
    return JsonResponse({"events": events, "next": rows[-1].position if rows else after})


def _parse_course_key(request: HttpRequest) -> str:
    if request.content_type != "application/json":
        raise RefusedError(415, "not_json", _("The request cannot be read."))
    if len(request.body) > BODY_BYTES:
        raise RefusedError(413, "too_large", _("The request cannot be read."))
    try:
        command = json.loads(request.body, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        raise RefusedError(400, "not_json", _("The request cannot be read.")) from None
    if not isinstance(command, dict) or set(command) != {"course_key"}:
        raise RefusedError(400, "unknown_fields", _("The request cannot be read."))
    course_key = command["course_key"]
    if not isinstance(course_key, str) or not 0 < len(course_key) <= 255 or not _is_plain(course_key):
        raise RefusedError(400, "course_key_invalid", _("The request cannot be read."))
    return course_key


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _value in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _is_plain(text: str) -> bool:
    return text.isprintable() and text.isascii()


def _require_pull_token(request: HttpRequest) -> None:
    settings = conf.get_settings()
    scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or not token.isascii():
            raise BadTokenError("no bearer token")
        check_request_token(
            token,
            settings.pull_secret,
            issuer=settings.source,
            audiences=_own_origins(request),
            method=request.method or "",
            path=request.path,
        )
    except BadTokenError:
        raise RefusedError(401, "bad_token", _("The request is not signed by the service.")) from None


def _own_origins(request: HttpRequest) -> set[str]:
    """Return how this LMS may be called; behind a proxy only its setting knows the outer address."""
    configured = getattr(django_settings, "LMS_ROOT_URL", "")
    own = conf.origin_of(request.build_absolute_uri("/"))
    return {own, conf.origin_of(configured)} if urlsplit(configured).hostname else {own}


def _parse_position(request: HttpRequest) -> int:
    value = request.GET.get("after", "0")
    if (
        not value.isascii()
        or not value.isdigit()
        or len(value) > _POSITION_DIGITS
        or set(request.GET) - {"after"}
    ):
        raise RefusedError(400, "position_invalid", _("The position must be a whole number."))
    return int(value)
