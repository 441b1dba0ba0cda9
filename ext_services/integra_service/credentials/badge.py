"""The badge: a plain image with the achievement's title and the issuer. It holds nothing of the person."""

import textwrap
from dataclasses import dataclass
from functools import lru_cache

import resvg_py
from django.template.loader import render_to_string

PIXELS = 512
# Sizes of the title, the largest that fits is taken; all in the units of the drawing, which is 512 wide.
_TITLE_SIZES = (58, 52, 46, 41, 36, 31, 27)
_TITLE_WIDTH, _TITLE_HEIGHT, _TITLE_MIDDLE = 404, 282, 262
_LINE_HEIGHT = 1.22
_LETTER_WIDTH = 0.58  # of a bold sans-serif letter on average, in sizes of the font
_ISSUER_WIDTH, _ISSUER_SIZE = 420, 25
# Readers may cache an image for long; few achievements, and none of them tells anything of a person.
_KEPT_IMAGES = 32


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the title and where its letters stand."""

    text: str
    baseline: float


def draw_badge(title: str, issuer_name: str) -> str:
    """Return the badge as SVG."""
    size, lines = _set_title(title)
    context = {
        "title": title,
        "lines": lines,
        "size": size,
        "issuer": issuer_name,
        "issuer_size": min(_ISSUER_SIZE, round(_ISSUER_WIDTH / (_LETTER_WIDTH * max(len(issuer_name), 1)))),
    }
    return render_to_string("credentials/badge.svg", context)


@lru_cache(maxsize=_KEPT_IMAGES)
def paint_badge(title: str, issuer_name: str) -> bytes:
    """Return the badge as PNG. Its letters come from the system's fonts, as the paper's do."""
    return resvg_py.svg_to_bytes(svg_string=draw_badge(title, issuer_name), width=PIXELS, height=PIXELS)


def _set_title(title: str) -> tuple[int, tuple[Line, ...]]:
    """Return the size and the lines of the title, centred."""
    for size in _TITLE_SIZES:
        texts = textwrap.wrap(title, int(_TITLE_WIDTH / (_LETTER_WIDTH * size)), break_long_words=False)
        is_wide = any(len(text) * _LETTER_WIDTH * size > _TITLE_WIDTH for text in texts)
        if not is_wide and len(texts) * _LINE_HEIGHT * size <= _TITLE_HEIGHT:
            return size, _place(texts, size)
    size = _TITLE_SIZES[-1]
    most = int(_TITLE_HEIGHT / (_LINE_HEIGHT * size))
    width = int(_TITLE_WIDTH / (_LETTER_WIDTH * size))
    return size, _place(textwrap.wrap(title, width, max_lines=most, placeholder=" …"), size)


def _place(texts: list[str], size: int) -> tuple[Line, ...]:
    # Capitals reach about seven tenths of the size above the baseline.
    first = _TITLE_MIDDLE - (len(texts) - 1) * _LINE_HEIGHT * size / 2 + 0.35 * size
    return tuple(
        Line(text, round(first + number * _LINE_HEIGHT * size, 1)) for number, text in enumerate(texts)
    )
