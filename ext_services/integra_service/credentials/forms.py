"""The forms in which a credential can be carried away. Images are made on request and never stored."""

import json
from dataclasses import dataclass

from .badge import draw_badge, paint_badge
from .baking import bake_png, bake_svg
from .models import CredentialDocument
from .pages import nothing_there


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """What was signed last for a credential, and the two texts its badge shows."""

    content: bytes
    ob_jwt: str
    vc_jwt: str
    title: str
    issuer_name: str


def get_signed_document(stored: CredentialDocument) -> SignedDocument:
    """Return what the forms of a signed document are made of."""
    content = bytes(stored.content or b"")
    document = json.loads(content)
    return SignedDocument(
        content=content,
        ob_jwt=stored.ob_jwt,
        vc_jwt=stored.vc_jwt,
        title=document["credentialSubject"]["achievement"]["name"],
        issuer_name=document["issuer"]["name"],
    )


def get_jwt(token: str) -> bytes:
    """Return a stored JWT as bytes; one that was never made is no different from a certificate that is not there."""
    if not token:
        raise nothing_there()
    return token.encode("ascii")


def make_png(document: SignedDocument) -> bytes:
    """Return the baked badge as PNG."""
    return bake_png(paint_badge(document.title, document.issuer_name), document.content)


def make_svg(document: SignedDocument) -> bytes:
    """Return the baked badge as SVG."""
    return bake_svg(draw_badge(document.title, document.issuer_name), document.content).encode("utf-8")
