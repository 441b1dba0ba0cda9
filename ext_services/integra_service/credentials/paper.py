"""The certificate on paper: an accessible PDF with the name, the QR code and the signed document attached.

Made on request and never stored. The name stands on the paper and in the fragment of the QR code's address, which no
browser sends to a server.
"""

import base64
import io
from pathlib import Path
from urllib.parse import quote

import segno
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from integra_service.lib.errors import RequestError

from .pages import CredentialPage

STYLE = Path(__file__).parent / "static" / "credentials" / "certificate.css"
NAME_FRAGMENT = "nombre"


def make_address(page: CredentialPage, name: str | None) -> str:
    """Return the page's address as the paper's QR code spells it."""
    return page.url if name is None else f"{page.url}#{NAME_FRAGMENT}={quote(name, safe='')}"


def make_qr(address: str) -> str:
    """Return the QR code as an image address (SVG)."""
    code = segno.make_qr(address, error="m")
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
    html = render_to_string(
        "credentials/certificate.html",
        {"page": page, "name": name, "qr": make_qr(make_address(page, name)), "is_demo": is_demo},
    )
    attachment = Attachment(
        string=page.content, name="credential.json", description=_("Signed credential (Open Badges 3.0)")
    )
    pdf: bytes = HTML(string=html).write_pdf(
        stylesheets=[CSS(string=STYLE.read_text(encoding="utf-8"))],
        attachments=[attachment],
        pdf_variant="pdf/ua-1",
        pdf_tags=True,
    )
    return pdf
