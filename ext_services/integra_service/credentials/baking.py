"""Baking: the signed document carried inside an image, where any Open Badges reader finds it.

Source: 1EdTech "Open Badges Specification v3.0", section 5.3. The document with its embedded proof is what is baked:
the same bytes as ``.json``.
"""

import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The header chunk comes first and always has 13 bytes of data, with 12 around them.
_AFTER_HEADER = len(PNG_SIGNATURE) + 25
_KEYWORD = b"openbadgecredential"
_NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"


def bake_png(image: bytes, document: bytes) -> bytes:
    """Return ``image`` with the document in an uncompressed ``iTXt`` chunk, before any pixel."""
    # After the keyword: not compressed, method 0, no language tag, no translated keyword.
    chunk = _make_chunk(b"iTXt", _KEYWORD + b"\0\0\0\0\0" + document)
    return image[:_AFTER_HEADER] + chunk + image[_AFTER_HEADER:]


def bake_svg(image: str, document: bytes) -> str:
    """Return ``image`` with the document in a CDATA section directly after the ``<svg …>`` tag."""
    before, tag, rest = image.partition("<svg")
    attributes, end, body = rest.partition(">")
    # A section cannot hold its own end: the one place XML allows to cut it in two.
    text = document.decode("utf-8").replace("]]>", "]]]]><![CDATA[>")
    credential = f"<openbadges:credential><![CDATA[{text}]]></openbadges:credential>"
    return f'{before}{tag} xmlns:openbadges="{_NAMESPACE}"{attributes}{end}{credential}{body}'


def _make_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
