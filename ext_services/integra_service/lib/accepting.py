"""What media type an answer has, by what its reader accepts."""

from collections.abc import Sequence

from django.http import HttpRequest


def prefer_type(request: HttpRequest, offered: Sequence[str]) -> str | None:
    """Return which of the offered types the reader prefers; None where none is accepted, or nobody can read which."""
    try:
        return request.get_preferred_type(offered)
    except (LookupError, ValueError):  # a parameter that says its encoding wrongly
        return None
