"""The one door through which author HTML reaches a page.

Everything else is escaped by the templates or set with ``textContent``. The allow-list is small on purpose:
text, lists, tables, links and pictures from the course's own files; no style, no class, no script, nothing
from another host.
"""

from __future__ import annotations

from functools import lru_cache
from html import unescape

import bleach
from django.utils.safestring import SafeString, mark_safe

_TEXT_TAGS = {"p", "br", "hr", "h3", "h4", "h5", "blockquote", "q", "code", "pre", "a"}
_INLINE_TAGS = {"strong", "em", "b", "i", "u", "s", "sub", "sup", "small", "mark", "abbr"}
_LIST_TAGS = {"ul", "ol", "li", "dl", "dt", "dd"}
_TABLE_TAGS = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
_FIGURE_TAGS = {"figure", "figcaption", "img"}
_TAGS = frozenset(_TEXT_TAGS | _INLINE_TAGS | _LIST_TAGS | _TABLE_TAGS | _FIGURE_TAGS)
_ABSOLUTE_LINKS = ("https://", "http://", "mailto:", "tel:")
# Addresses the platform rewrites to the course's own files and places; "//host" is none of them.
_COURSE_LINKS = ("/jump_to_id/", "/static/", "/course/", "#")
_PICTURES = ("/static/",)
_TABLE_ATTRIBUTES = frozenset(("colspan", "rowspan", "scope"))


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if tag == "a" and name == "href":
        return value.startswith(_ABSOLUTE_LINKS + _COURSE_LINKS)
    if tag == "img":
        return name in ("alt", "width", "height") or (name == "src" and value.startswith(_PICTURES))
    if tag in ("th", "td"):
        return name in _TABLE_ATTRIBUTES
    if tag in ("abbr", "ol"):
        return name in ("title", "start")
    return name == "lang"


@lru_cache(maxsize=512)
def sanitise(html: str) -> SafeString:
    """Return ``html`` with everything outside the allow-list taken out, marked as safe for templates."""
    # A cleaner of its own for every call: bleach's are not safe to share between threads.
    cleaned = bleach.clean(
        html,
        tags=_TAGS,
        attributes=_is_allowed,
        protocols=frozenset(("http", "https", "mailto", "tel")),
        strip=True,
        strip_comments=True,
    )
    return mark_safe(cleaned)


def to_plain_text(html: str) -> str:
    """Return the text of ``html`` without any tag, for places that show text only."""
    return " ".join(unescape(bleach.clean(html, tags=frozenset(), strip=True)).split())
