"""One hierarchy of errors: a stable code, the offending element and a sentence."""

from __future__ import annotations


class GradingError(Exception):
    """A value or rule this package refuses.

    Args:
        code: Stable word a program may compare, ``[a-z_]+``.
        field: Where in the input, for example ``data.items[3].points``; empty for the whole input.
        message: One sentence for the person who can mend it.
    """

    def __init__(self, code: str, field: str = "", message: str = "") -> None:
        super().__init__(code, field, message)
        self.code = code
        self.field = field
        self.message = message

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        return f"{self.code}{where}: {self.message}" if self.message else f"{self.code}{where}"


class WireError(GradingError):
    """Data from outside that does not have the declared shape."""


class CanonicalError(GradingError):
    """A value that has no canonical JSON form."""


class NumberError(GradingError):
    """A typed number that cannot be read."""


class InvalidScoreError(GradingError):
    """A score, count or proportion outside its range."""


class ItemError(GradingError):
    """An item that is not well formed."""


class ResponseError(GradingError):
    """A response that does not belong to its item."""


class FormError(GradingError):
    """A form that cannot be assigned."""


class RingError(GradingError):
    """A ring from which no form can be drawn."""


class FormulaError(GradingError):
    """A formula outside the closed grammar."""


class DefinitionError(GradingError):
    """A deliverable definition that is not well formed."""


class RubricError(GradingError):
    """A rubric that is not well formed, or levels that do not belong to it."""


class ManifestError(GradingError):
    """A manifest that is not well formed, contradicts itself or has another digest."""


class EventError(GradingError):
    """An event against its schema."""


class PseudonymError(GradingError):
    """A short code that cannot be read."""
