"""The learner's rights: everything held about them to carry away, and what they ask for with its clock."""

import io
import json
import zipfile
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integra_service.audit import services as audit
from integra_service.credentials.services import list_credentials
from integra_service.lib import throttle
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.data_requests import COOLING, TOPICS, ask, list_requests, withdraw
from integra_service.people.models import LearnerIdentity, RequestKind, RequestTopic
from integra_service.people.services import confirmed_name, list_residences
from integra_service.privacy.download import collect_data
from integra_service.web.progress import CourseView, describe_courses
from integra_service.web.request_words import TOPIC_LABELS, describe_request
from integra_service.web.sessions import View, actor_of, learner_page

from .my_data_file import describe_file
from .my_page import find_erasure

DOWNLOADS, WINDOW_SECONDS = 10, 3600


def posted_from_my_data(view: View) -> View:
    """Guard what only takes a form of “My data”; who opens its address, as after a reload, is led to that page."""

    @wraps(view)
    def guarded(request: HttpRequest, identity: LearnerIdentity, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "GET":
            return redirect("web:my-data")
        return view(request, identity, *args, **kwargs)

    guard: View = require_http_methods(["GET", "POST"])(never_cache(learner_page(guarded)))
    return guard


@require_GET
@never_cache
@learner_page
def my_data(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    return show_my_data(request, identity)


def show_my_data(
    request: HttpRequest, identity: LearnerIdentity, *, problem_with: str = "", status: int = 200
) -> HttpResponse:
    person, now = identity.person, utc_now()
    context = {
        "name": confirmed_name(person),
        "short_code": identity.short_code,
        "city_name": person.city.name,
        "certificate_count": len(list_credentials(person)),
        "residence_count": len(list_residences(person)),
        "requests": [describe_request(row, now) for row in list_requests(person)],
        "erases_at": find_erasure(person, now),
        "corrections": make_choices(RequestKind.CORRECTION),
        "oppositions": make_choices(RequestKind.OPPOSITION),
        "problem_with": problem_with,
    }
    return render(request, "integra/my_data.html", context, status=status)


def make_choices(kind: RequestKind) -> list[tuple[str, str]]:
    return [(topic.value, str(TOPIC_LABELS[topic])) for topic in TOPICS[kind]]


@posted_from_my_data
def download(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Make the file with everything, hand it over and keep nothing of it."""
    now = utc_now()
    name = f"download:{identity.person.uuid}"
    if not throttle.take_turn(name, limit=DOWNLOADS, window_seconds=WINDOW_SECONDS, now=now):
        raise RequestError(
            "too_many_downloads", _("You downloaded your data many times. Wait an hour."), status=429
        )
    with transaction.atomic():
        subject = f"person:{identity.person.uuid}"
        audit.record("data.downloaded", actor=actor_of(identity), subject=subject, now=now)
    file = pack(collect_data(identity.person, now), describe_courses(identity.person))
    response = HttpResponse(file, content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="mis-datos-integra.zip"'
    return response


def pack(data: dict[str, Any], courses: tuple[CourseView, ...]) -> bytes:
    """Return a ZIP: a page to read, the same as JSON for machines, and each signed certificate as a file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        page = render_to_string("integra/my_data_file.html", describe_file(data, courses))
        archive.writestr("mis-datos.html", page)
        archive.writestr("mis-datos.json", json.dumps(data, ensure_ascii=False, indent=1))
        for person in data["people"]:
            for credential in person["credentials"]:
                for document in credential["documents"]:
                    if document["signed"] is not None:
                        name = f"certificado-{credential['achievement']}-{document['ordinal']}.json"
                        archive.writestr(name, json.dumps(document["signed"], ensure_ascii=False))
    return buffer.getvalue()


@posted_from_my_data
def ask_page(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Take a request for a correction, or an opposition."""
    kind, topic = request.POST.get("tipo", ""), request.POST.get("tema", "")
    if kind not in {RequestKind.CORRECTION, RequestKind.OPPOSITION}:
        raise RequestError("bad_kind", _("Choose one of the options."), "tipo")
    if topic not in TOPICS[RequestKind(kind)]:
        return show_my_data(request, identity, problem_with=kind, status=400)
    ask(identity.person, RequestKind(kind), RequestTopic(topic), actor=actor_of(identity), now=utc_now())
    messages.success(request, _("We have your request. Below you see until when we answer."))
    return redirect("web:my-data")


@require_http_methods(["GET", "POST"])
@never_cache
@learner_page
def ask_erasure(request: HttpRequest, identity: LearnerIdentity) -> HttpResponse:
    """Say what is erased and what stays, and take the request once that was confirmed."""
    if request.method == "GET" or request.POST.get("seguro") != "si":
        context = {
            "erases_at": utc_now() + COOLING,
            "problem": request.method == "POST",
            "has_certificate": bool(list_credentials(identity.person)),
        }
        return render(request, "integra/ask_erasure.html", context, status=400 if context["problem"] else 200)
    ask(
        identity.person,
        RequestKind.ERASURE,
        RequestTopic.EVERYTHING,
        actor=actor_of(identity),
        now=utc_now(),
    )
    messages.success(request, _("We have your request. Until that day you can take it back here."))
    return redirect("web:my-data")


@posted_from_my_data
def withdraw_request(request: HttpRequest, identity: LearnerIdentity, uuid: UUID) -> HttpResponse:
    withdraw(identity.person, uuid, actor=actor_of(identity), now=utc_now())
    messages.success(request, _("You took your request back."))
    return redirect("web:my-data")
