"""Errors of the service: a stable code, the offending element and a sentence."""

from django.utils.translation import gettext as _


class ServiceError(Exception):
    """Base of every error this service raises on purpose."""

    status = 500

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field


class RequestError(ServiceError):
    """The caller sent something that cannot be accepted; ``way_out`` is an address where a person can go on."""

    status = 400

    def __init__(
        self, code: str, message: str, field: str | None = None, status: int = 400, way_out: str | None = None
    ) -> None:
        super().__init__(code, message, field)
        self.status = status
        self.way_out = way_out


class BusyError(RequestError):
    """Nothing is wrong with what was sent, only with the moment; ``wait_seconds`` says when to come again."""

    def __init__(self, code: str, message: str, *, wait_seconds: int, status: int = 503) -> None:
        super().__init__(code, message, status=status)
        self.wait_seconds = wait_seconds


class NotFoundError(RequestError):
    """The thing does not exist, or not for this caller: both answer alike."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__("not_found", message or _("We cannot find this page."), status=404)


class UnscopedQueryError(ServiceError):
    """A city-owned model was queried without saying for which cities: a programming error."""

    def __init__(self, model: str) -> None:
        super().__init__("unscoped_query", f"{model} must be queried with in_cities() or for_system().")
