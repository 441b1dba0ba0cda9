"""The certificate on paper: an accessible PDF with the name, the QR code and the signed document attached.

Made on request and never stored. The name stands on the paper and in the fragment of the QR code's address, which no
browser sends to a server.
"""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width
from urllib.parse import quote

import segno
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from integra_service.lib.errors import RequestError

from .pages import CredentialPage, ModuleLine

STYLE = Path(__file__).parent / "static" / "credentials" / "certificate.css"
NAME_FRAGMENT = "nombre"
# Points. The first with which everything stands on one sheet is taken; after the last it goes on to a second one.
TEXT_SIZES = (12, 11, 10, 9, 8)
MODULES_IN_ONE_COLUMN = 6
# Names up to so many letters wide, and how the stylesheet calls the size they are printed in.
NAME_CLASSES = ((36, "name-large"), (60, "name-medium"))
ENCODED_RUN = re.compile("((?:%[0-9A-F]{2}){6,})")


def make_address(page: CredentialPage, name: str | None) -> str:
    """Return the page's address as the paper's QR code spells it."""
    return page.url if name is None else f"{page.url}#{NAME_FRAGMENT}={quote(name, safe='')}"


def make_qr(address: str) -> str:
    """Return the QR code as an image address (SVG)."""
    # Long runs of percent-encoded letters stand in segments of their own: of a QR code's smaller alphabet, they make
    # larger squares on the same paper. The library takes segments, as its encoder says and its annotation does not.
    segments: Any = [part for part in ENCODED_RUN.split(address) if part]
    code = segno.make_qr(segments, error="m")
    buffer = io.BytesIO()
    code.save(buffer, kind="svg", border=2, dark="#10263d", light="#ffffff", xmldecl=False)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def render_certificate(page: CredentialPage, name: str | None, *, is_demo: bool) -> bytes:
    """Return the PDF/UA certificate; ``name`` is None for whoever is not its holder."""
    # Imported late: without Pango the service runs, and says so here.
    try:
        from weasyprint import CSS, HTML, Attachment
    except OSError as error:
        raise RequestError(
            "pdf_unavailable", _("This machine cannot make PDF files at the moment."), status=503
        ) from error
    text = render_to_string(
        "credentials/certificate.html",
        {
            "page": page,
            "rows": pair_modules(page.modules),
            "name": name,
            "name_class": choose_name_class(name or ""),
            "qr": make_qr(make_address(page, name)),
            "is_demo": is_demo,
        },
    )
    attachment = Attachment(
        string=page.content, name="credential.json", description=_("Signed credential (Open Badges 3.0)")
    )
    html, style = HTML(string=text), CSS(string=STYLE.read_text(encoding="utf-8"))
    options = {"attachments": [attachment], "pdf_variant": "pdf/ua-1", "pdf_tags": True}
    for size in TEXT_SIZES:
        document = html.render(stylesheets=[style, CSS(string=f"main {{ font-size: {size}pt }}")], **options)
        if len(document.pages) == 1:
            break
    pdf: bytes = document.write_pdf(**options)
    return pdf


def pair_modules(modules: Sequence[ModuleLine]) -> list[Sequence[ModuleLine]]:
    """Return the rows of the sheet's table: of one module each, or of two where there are many."""
    step = 1 if len(modules) <= MODULES_IN_ONE_COLUMN else 2
    return [modules[first : first + step] for first in range(0, len(modules), step)]


def choose_name_class(name: str) -> str:
    """Return how large the name is printed, by its width in letters; a Chinese one is as wide as two."""
    width = sum(2 if east_asian_width(letter) in "FW" else 1 for letter in name)
    return next((word for limit, word in NAME_CLASSES if width <= limit), "name-small")
