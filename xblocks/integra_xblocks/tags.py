"""The template tag of the blocks: ``{% t "English text" name=value %}`` in the reader's language."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def t(context: template.Context, message: str, **values: Any) -> str:
    """Return the translated ``message`` with its ``{placeholders}`` filled; escaped by the engine."""
    text: str = context["translate"](message)
    return text.format(**values) if values else text
