"""The classroom's pages: login, outline, unit; and the addresses the blocks call."""

from __future__ import annotations

import mimetypes
from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_safe
from xblock.core import XBlock
from xblock.django.request import django_to_webob_request, webob_to_django_response
from xblock.exceptions import DisallowedFileError, NoSuchHandlerError, NoSuchUsage
from xblock.plugin import PluginMissingError

from integra_aula.course import get_course
from integra_aula.page import assemble
from integra_aula.progress import outline_for
from integra_aula.runtime import AulaRuntime


@never_cache
@login_required
@require_safe
def outline(request: HttpRequest) -> HttpResponse:
    """Show the course's parts and what this learner has done."""
    course = get_course()
    chapters = outline_for(course, _user(request))
    return render(request, "integra_aula/outline.html", {"course": course, "chapters": chapters})


@never_cache
@login_required
@ensure_csrf_cookie
@require_safe
def unit(request: HttpRequest, unit_key: str) -> HttpResponse:
    """Show one page of the course with all its blocks."""
    course = get_course()
    pages = list(course.units())
    index = next((i for i, (_, _, page) in enumerate(pages) if page.key == unit_key), None)
    if index is None:
        raise Http404
    chapter, section, page = pages[index]
    runtime = AulaRuntime(_user(request))
    fragments = [runtime.get_block(block_id).render("student_view", {}) for block_id in page.block_ids]
    in_order = [p for _, s, p in pages if s.is_in_outline]
    position = in_order.index(page) if page in in_order else None
    return render(
        request,
        "integra_aula/unit.html",
        {
            "course": course,
            "chapter": chapter,
            "section": section,
            "unit": page,
            "page": assemble(fragments),
            "previous": in_order[position - 1] if position else None,
            "next": in_order[position + 1] if position is not None and position + 1 < len(in_order) else None,
        },
    )


@login_required
@require_GET
def jump_to(request: HttpRequest, url_name: str) -> HttpResponseRedirect:
    """Go to the page that shows a place of the course, as the LMS's /jump_to_id/ does."""
    unit_key = get_course().find_unit_key(url_name)
    if unit_key is None:
        raise Http404
    return redirect("aula_unit", unit_key=unit_key)


@transaction.non_atomic_requests
def handler(request: HttpRequest, usage_id: str, name: str, suffix: str = "") -> HttpResponse:
    """Call a block's handler as the session's user: outside any transaction, fields saved afterwards."""
    if not request.user.is_authenticated:
        return JsonResponse(
            {"code": "unauthenticated", "message": "Entra de nuevo para continuar."}, status=403
        )
    get_course()
    runtime = AulaRuntime(_user(request))
    try:
        block = runtime.get_block(usage_id)
        answer = runtime.handle(block, name, django_to_webob_request(request), suffix)
    except (NoSuchUsage, NoSuchHandlerError) as error:
        raise Http404 from error
    return cast(HttpResponse, webob_to_django_response(answer))


@cache_control(max_age=3600)
@require_safe
def resource(request: HttpRequest, block_type: str, path: str) -> HttpResponse:
    """Serve a block's public file."""
    try:
        content = XBlock.load_class(block_type).open_local_resource(path).read()
    except (PluginMissingError, DisallowedFileError, OSError, ValueError) as error:
        raise Http404 from error
    return HttpResponse(content, content_type=_content_type(path))


@cache_control(max_age=3600)
@require_safe
def course_file(_request: HttpRequest, name: str) -> HttpResponse:
    """Serve a picture of the course by the address its texts give; as in the LMS, without login."""
    folder = settings.ENVIRONMENT.build / "olx" / "course" / "static"
    path = next((path for path in folder.iterdir() if path.name == name), None) if folder.is_dir() else None
    if path is None:
        raise Http404
    answer = HttpResponse(path.read_bytes(), content_type=_content_type(name))
    # A drawing opened by itself is a document: whatever an author put into it does nothing here.
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Say that the course is loaded; ``make run`` waits for this."""
    return JsonResponse({"course": get_course().title, "course_key": settings.ENVIRONMENT.course_key})


def _content_type(name: str) -> str:
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{content_type}; charset=utf-8" if content_type.startswith("text/") else content_type


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
