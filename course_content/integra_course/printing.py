"""Printing the workbook as PDF with WeasyPrint: tagged, with page numbers, in two sizes of paper."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

# What a home printer has, and what folds into a pocket: half a letter sheet.
SIZES = {"a4": "A4", "media-carta": "139.7mm 215.9mm"}


class PrinterMissing(Exception):  # noqa: N818 - a state of the machine, not a defect
    """This machine cannot make PDF files."""


def print_pdf(html: str, size: str, static: Mapping[str, bytes]) -> bytes:
    """Return ``html`` on paper of one of the ``SIZES``; pictures come from ``static`` and nothing from anywhere else.

    Raises:
        PrinterMissing: WeasyPrint or the Pango libraries are not there.
    """
    try:
        from weasyprint import CSS, HTML
        from weasyprint.urls import URLFetcher, URLFetcherResponse
    except (ImportError, OSError) as error:
        raise PrinterMissing(str(error)) from error

    class Pictures(URLFetcher):  # type: ignore[misc]
        """The course's own pictures, and an error for whatever else a page asks for."""

        def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
            name = url.rpartition("/static/")[2]
            if name not in static:
                raise ValueError(f"{url} is no picture of the course.")
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            return URLFetcherResponse(url, static[name], {"Content-Type": kind})

    page = CSS(string=f"@page {{ size: {SIZES[size]} }}")
    document = HTML(string=html, base_url="curso:/", url_fetcher=Pictures(fail_on_errors=True))
    pdf: bytes = document.write_pdf(stylesheets=[page], pdf_variant="pdf/ua-1", pdf_tags=True)
    return pdf
