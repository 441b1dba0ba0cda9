"""Public pages of a credential, and the documents with which anybody can check it."""

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from integra_service.lib.accepting import prefer_type
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import BusyError, NotFoundError
from integra_service.lib.throttle import require_turn, seconds_left, take_turn
from integra_service.lib.visitors import find_visitor, require_own_page
from integra_service.people.session import find_learner

from .forms import get_jwt, get_signed_document, make_png, make_svg
from .issuer import get_issuer
from .keys import get_did_document
from .linked_data import dump
from .models import Credential, CredentialDocument, CredentialState
from .pages import (
    access_credential,
    access_document,
    compare_name,
    describe_credential,
    describe_erased,
    find_document,
    is_hidden,
)
from .paper import render_certificate
from .states import find_next, get_page_url

VC, VC_JWT = "application/vc", "application/vc+jwt"
MAX_TYPED = 300
WINDOW_SECONDS = 600
TRIES_PER_ADDRESS = 12
TRIES_PER_CREDENTIAL = 120
# Made on request, so they cost what looking does not; an address may be a whole town's.
PAPERS_PER_ADDRESS = 120
IMAGES_PER_ADDRESS = 300


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def credential_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the credential; a posted name is compared with the one that was signed for."""
    learner, now = find_learner(request), utc_now()
    viewer = None if learner is None else learner.person
    credential = access_credential(token, viewer)
    is_holder = credential.person == viewer
    if is_holder and is_hidden(credential):
        return _hide(render(request, "credentials/hidden.html"))
    if credential.state == CredentialState.ERASED:
        return _hide(render(request, "credentials/erased.html", {"page": describe_erased(credential)}))
    document = find_document(credential)
    typed = request.POST.get("nombre", "") if request.method == "POST" else None
    context = {
        "page": describe_credential(document, now),
        "typed": (typed or "")[:MAX_TYPED],
        "answer": None if typed is None else _judge_name(request, document, typed, now),
        "is_holder": is_holder,
        # To nobody else: who was given this address was not given that one.
        "next_url": _find_next_url(credential) if is_holder else "",
        "viewed_at": now,
    }
    return _hide(render(request, "credentials/page.html", context))


def _judge_name(request: HttpRequest, document: CredentialDocument, typed: str, now: datetime) -> str:
    """Return ``match``, ``former``, ``no_match`` or ``empty``.

    Counted per visitor and per credential, so that nobody can guess.
    """
    if not typed.strip():
        return "empty"
    token = document.credential.token
    visitor = f"name:{token}:{find_visitor(request)}"
    # In this order: who has used up their own tries uses up nobody else's.
    has_turn = take_turn(
        visitor, limit=TRIES_PER_ADDRESS, window_seconds=WINDOW_SECONDS, now=now
    ) and take_turn(f"name:{token}", limit=TRIES_PER_CREDENTIAL, window_seconds=WINDOW_SECONDS, now=now)
    if not has_turn:
        raise BusyError(
            "too_many_tries",
            _("Too many names were tried. Wait ten minutes and try again."),
            wait_seconds=seconds_left(WINDOW_SECONDS, now),
            status=429,
        )
    return compare_name(document, typed) if len(typed) <= MAX_TYPED else "no_match"


@require_GET
@never_cache
def credential_document(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the signed bytes as they were stored."""
    return _hide(_publish(bytes(access_document(token).content or b""), VC))


@require_GET
@never_cache
def credential_ob_jwt(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the VC-JWT of Open Badges 3.0, as plain text: section 5.2 of the specification says so."""
    document = get_signed_document(access_document(token))
    return _hide(_publish(get_jwt(document.ob_jwt), "text/plain; charset=us-ascii"))


@require_GET
@never_cache
def credential_vc_jwt(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the VC-JOSE-COSE form under the media type registered for it."""
    document = get_signed_document(access_document(token))
    return _hide(_publish(get_jwt(document.vc_jwt), VC_JWT))


@require_GET
@never_cache
def credential_png(request: HttpRequest, token: str) -> HttpResponse:
    """Make the baked badge as PNG."""
    document = get_signed_document(access_document(token))
    _limit_address(request, "image", IMAGES_PER_ADDRESS)
    return _hide(_publish(make_png(document), "image/png"))


@require_GET
@never_cache
def credential_svg(request: HttpRequest, token: str) -> HttpResponse:
    """Make the baked badge as SVG."""
    document = get_signed_document(access_document(token))
    _limit_address(request, "image", IMAGES_PER_ADDRESS)
    return _hide(_publish(make_svg(document), "image/svg+xml"))


@require_GET
@never_cache
def credential_paper(request: HttpRequest, token: str) -> HttpResponse:
    """Make the PDF without the name: the address alone must not tell it."""
    require_own_page(request)
    document = access_document(token)
    _limit_address(request, "paper", PAPERS_PER_ADDRESS)
    return _hide(publish_paper(document, None, utc_now()))


@require_GET
def did_document(request: HttpRequest) -> HttpResponse:
    return _publish(dump(get_did_document(get_issuer())), "application/json")


@require_GET
@vary_on_headers("Accept")
def status_list(request: HttpRequest, key: str) -> HttpResponse:
    """Serve the signed list as it is now, as JSON unless the reader prefers the JWT; a cached one would hide a
    revocation."""
    stored = get_issuer().status_lists.filter(key=key).first()
    if stored is None:
        raise NotFoundError(_("There is no status list at this address."))
    wants_jwt = prefer_type(request, [VC, "application/ld+json", "application/json", VC_JWT]) == VC_JWT
    if wants_jwt and stored.jwt:
        return _publish(stored.jwt.encode("ascii"), VC_JWT)
    return _publish(stored.content.encode("utf-8"), VC)


def publish_paper(document: CredentialDocument, name: str | None, now: datetime) -> HttpResponse:
    """Answer the PDF; who calls has counted it."""
    pdf = render_certificate(describe_credential(document, now), name, is_demo=settings.INTEGRA_DEMO)
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="certificado-integra.pdf"'
    return response


def _limit_address(request: HttpRequest, what: str, limit: int) -> None:
    """Let so many be made for one address in ten minutes; beyond that raise BusyError."""
    name = f"{what}:{find_visitor(request)}"
    require_turn(name, limit=limit, window_seconds=WINDOW_SECONDS, now=utc_now())


def _find_next_url(credential: Credential) -> str:
    """Return the page of the certificate that followed this one; empty when there is none."""
    following = find_next(credential)
    return "" if following is None else get_page_url(following)


def _hide(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


def _publish(content: bytes, content_type: str) -> HttpResponse:
    """Answer a public document, also to verifiers that run in a browser."""
    response = HttpResponse(content, content_type=content_type)
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = "no-cache"
    return response
