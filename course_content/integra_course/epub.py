"""The workbook as an EPUB 3 for phones without signal: one file per chapter, pictures inside, nothing fetched.

Source: EPUB 3.3, W3C Recommendation of 2023.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

from lxml import etree

from integra_course.workbook import Chapter

# Two builds of the same sources have the same bytes.
_MOMENT = (2026, 1, 1, 0, 0, 0)
_MODIFIED = "2026-01-01T00:00:00Z"
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml", "webp": "image/webp"}
_CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="libro/contenido.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""


def write_epub(
    *, title: str, identifier: str, chapters: Sequence[Chapter], style: str, static: Mapping[str, bytes]
) -> bytes:
    """Return the book; equal chapters give equal bytes."""
    pictures = {name: content for name, content in static.items() if name.rpartition(".")[2] in _TYPES}
    home = {chapter.key: f"{chapter.key}.xhtml" for chapter in chapters}
    files = {
        "META-INF/container.xml": _CONTAINER.encode(),
        "libro/contenido.opf": _package(title, identifier, chapters, pictures).encode(),
        "libro/indice.xhtml": _index(title, chapters).encode(),
        "libro/estilo.css": style.encode(),
        **{f"libro/{home[chapter.key]}": _page(chapter, home) for chapter in chapters},
        **{f"libro/static/{name}": content for name, content in sorted(pictures.items())},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        # First and not compressed, so that a reader knows the kind of file from its first bytes.
        _add(book, "mimetype", b"application/epub+zip", zipfile.ZIP_STORED)
        for name, content in files.items():
            _add(book, name, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _add(book: zipfile.ZipFile, name: str, content: bytes, how: int) -> None:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type, entry.external_attr = how, 0o644 << 16
    book.writestr(entry, content)


def _package(title: str, identifier: str, chapters: Sequence[Chapter], pictures: Mapping[str, bytes]) -> str:
    items = [
        '<item id="indice" href="indice.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
        '<item id="estilo" href="estilo.css" media-type="text/css"/>',
        *(
            f'<item id="c-{chapter.key}" href="{chapter.key}.xhtml" media-type="application/xhtml+xml"/>'
            for chapter in chapters
        ),
        *(
            f'<item id="i-{number}" href="static/{name}" media-type="{_TYPES[name.rpartition(".")[2]]}"/>'
            for number, name in enumerate(sorted(pictures))
        ),
    ]
    spine = "".join(f'<itemref idref="c-{chapter.key}"/>' for chapter in chapters)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="es">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">{escape(identifier)}</dc:identifier><dc:title>{escape(title)}</dc:title>'
        f'<dc:language>es</dc:language><meta property="dcterms:modified">{_MODIFIED}</meta>'
        f'</metadata><manifest>{"".join(items)}</manifest><spine><itemref idref="indice"/>{spine}</spine></package>\n'
    )


def _index(title: str, chapters: Sequence[Chapter]) -> str:
    entries = "".join(
        f'<li><a href="{chapter.key}.xhtml">{escape(chapter.title)}</a></li>' for chapter in chapters
    )
    nav = f'<nav epub:type="toc"><h1>{escape(title)}</h1><ol>{entries}</ol></nav>'
    return _document(title, nav)


def _page(chapter: Chapter, home: Mapping[str, str]) -> bytes:
    body = etree.Element("section", id=chapter.key)
    etree.SubElement(body, "h1").text = chapter.title
    for block in chapter.body:
        body.append(etree.fromstring(etree.tostring(block, method="xml", with_tail=False)))
    for link in body.iter("a"):
        key = (link.get("href") or "").removeprefix("#")
        if key in home:
            link.set("href", home[key])
    for image in body.iter("img"):
        image.set("src", (image.get("src") or "").removeprefix("/"))
    return _document(chapter.title, etree.tostring(body, encoding="unicode")).encode()


def _document(title: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="es" lang="es">'
        f'<head><title>{escape(title)}</title><link rel="stylesheet" href="estilo.css"/></head>'
        f"<body>{body}</body></html>\n"
    )
