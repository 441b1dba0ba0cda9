"""Public pages of a credential, and the documents with which anybody can check it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.lib.throttle import take_turn
from integra_service.people.services import confirmed_name
from integra_service.people.session import find_learner

from .forms import get_jwt, get_signed_document, make_png, make_svg
from .issuer import get_issuer
from .keys import get_did_document
from .linked_data import dump
from .models import Credential
from .names import is_name_of
from .pages import CredentialPage, access_credential, describe_credential
from .paper import render_certificate

VC, VC_JWT = "application/vc", "application/vc+jwt"
MAX_TYPED = 300
WINDOW_SECONDS = 600
TRIES_PER_ADDRESS = 12
TRIES_PER_CREDENTIAL = 120


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def credential_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the credential; a posted name is compared with the one that was signed for."""
    credential = access_credential(token)
    page = describe_credential(credential)
    typed = request.POST.get("nombre", "") if request.method == "POST" else None
    context = {
        "page": page,
        "typed": (typed or "")[:MAX_TYPED],
        "answer": None if typed is None else _judge_name(request, page, typed),
        "is_holder": _is_holder(request, credential),
        "viewed_at": utc_now(),
    }
    return _hide(render(request, "credentials/page.html", context))


def _judge_name(request: HttpRequest, page: CredentialPage, typed: str) -> str:
    """Return ``match``, ``no_match`` or ``empty``. Counted per visitor and per credential, so that nobody can guess."""
    if not typed.strip():
        return "empty"
    now = utc_now()
    visitor = f"name:{page.token}:{request.META.get('REMOTE_ADDR', '')}"
    has_turn = take_turn(visitor, limit=TRIES_PER_ADDRESS, window_seconds=WINDOW_SECONDS, now=now)
    has_turn &= take_turn(
        f"name:{page.token}", limit=TRIES_PER_CREDENTIAL, window_seconds=WINDOW_SECONDS, now=now
    )
    if not has_turn:
        raise RequestError(
            "too_many_tries", _("Too many names were tried. Wait ten minutes and try again."), status=429
        )
    is_match = len(typed) <= MAX_TYPED and is_name_of(typed, salt=page.salt, identity_hash=page.name_hash)
    return "match" if is_match else "no_match"


@require_GET
@never_cache
def credential_document(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the signed bytes as they were stored."""
    page = describe_credential(access_credential(token))
    return _hide(_publish(page.content, VC))


@require_GET
@never_cache
def credential_ob_jwt(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the VC-JWT of Open Badges 3.0, as plain text: section 5.2 of the specification says so."""
    document = get_signed_document(access_credential(token))
    return _hide(_publish(get_jwt(document.ob_jwt), "text/plain; charset=us-ascii"))


@require_GET
@never_cache
def credential_vc_jwt(request: HttpRequest, token: str) -> HttpResponse:
    """Serve the VC-JOSE-COSE form under the media type registered for it."""
    document = get_signed_document(access_credential(token))
    return _hide(_publish(get_jwt(document.vc_jwt), VC_JWT))


@require_GET
@never_cache
def credential_png(request: HttpRequest, token: str) -> HttpResponse:
    """Make the baked badge as PNG."""
    return _hide(_publish(make_png(get_signed_document(access_credential(token))), "image/png"))


@require_GET
@never_cache
def credential_svg(request: HttpRequest, token: str) -> HttpResponse:
    """Make the baked badge as SVG."""
    return _hide(_publish(make_svg(get_signed_document(access_credential(token))), "image/svg+xml"))


@require_GET
@never_cache
def credential_paper(request: HttpRequest, token: str) -> HttpResponse:
    """Make the PDF. Only the holder's own has the name: the address alone must not tell it."""
    credential = access_credential(token)
    name = confirmed_name(credential.person) if _is_holder(request, credential) else None
    pdf = render_certificate(describe_credential(credential), name, is_demo=settings.INTEGRA_DEMO)
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="certificado-integra.pdf"'
    return _hide(response)


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
    wants_jwt = request.get_preferred_type([VC, "application/ld+json", "application/json", VC_JWT]) == VC_JWT
    if wants_jwt and stored.jwt:
        return _publish(stored.jwt.encode("ascii"), VC_JWT)
    return _publish(stored.content.encode("utf-8"), VC)


def _is_holder(request: HttpRequest, credential: Credential) -> bool:
    identity = find_learner(request)
    return identity is not None and identity.person_id == credential.person_id


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
