"""The one way the service calls somebody: an address from its own tables, checked after resolution."""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from .errors import ServiceError

TIMEOUT_SECONDS = 15
MAX_ANSWER_BYTES = 8 * 1024 * 1024


class OutgoingError(ServiceError):
    """The call was not made, or its answer cannot be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; redirects are answers like any other and are not followed."""

    status: int
    body: bytes


def fetch(url: str, headers: Mapping[str, str]) -> Answer:
    """GET ``url``; https and public addresses only, outside the demonstration."""
    return call("GET", url, headers, None)


def post_form(url: str, form: str, headers: Mapping[str, str]) -> Answer:
    """POST an encoded form to ``url``, under the same rules as :func:`fetch`."""
    form_headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    return call("POST", url, form_headers, form.encode("ascii"))


def call(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    parts = urlsplit(url)
    if parts.scheme not in ({"https", "http"} if settings.INTEGRA_DEMO else {"https"}) or not parts.hostname:
        raise OutgoingError("bad_url", "Only https is called.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = connect(parts.scheme, parts.hostname, port)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body=body, headers={**headers, "Accept": "application/json"})
        response = connection.getresponse()
        answered = response.read(MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise OutgoingError("unreachable", f"The call failed: {type(error).__name__}.") from error
    finally:
        connection.close()
    if len(answered) > MAX_ANSWER_BYTES:
        raise OutgoingError("answer_too_large", f"The answer is larger than {MAX_ANSWER_BYTES} bytes.")
    return Answer(response.status, answered)


def connect(scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    """Connect to an address that was checked: a name that changes its address meanwhile gains nothing."""
    address = resolve(host, port)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        plain = socket.create_connection((address, port), timeout=TIMEOUT_SECONDS)
        if scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        else:
            connection.sock = plain
    except OSError as error:
        raise OutgoingError("unreachable", f"The call failed: {type(error).__name__}.") from error
    return connection


def resolve(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutgoingError("unreachable", "The host's name has no address.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not settings.INTEGRA_DEMO and not all(is_public(address) for address in addresses):
        raise OutgoingError("private_address", "The host's name leads to a private address.")
    return addresses[0]


def is_public(address: str) -> bool:
    """True for an address of the public internet, also when it is written inside another one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast
