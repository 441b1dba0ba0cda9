"""Whose address a request comes from, for limits: the one place that reads ``X-Forwarded-For``.

The peer of the connection, unless that is a proxy the operator named; then the last address of the header that no such
proxy has. What stands left of it was written by whoever asks, and is believed by nobody (as nginx does with
``real_ip_recursive``).
"""

import ipaddress
import logging
from functools import cache

from django.conf import settings
from django.http import HttpRequest

from .errors import NotFoundError

logger = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# One line of a provider has so many addresses of its own that counting each would be no limit.
IPV6_PREFIX = 64


def find_visitor(request: HttpRequest) -> str:
    """Return an IPv4 address or an IPv6 network, as text; what cannot be read falls back to the peer."""
    peer = read_address(request.META.get("REMOTE_ADDR", ""))
    if peer is None:
        return ""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded and peer.is_private and not is_trusted(peer):
        warn_of_proxy(str(peer))
    return name_line(find_client(peer, forwarded))


@cache
def warn_of_proxy(address: str) -> None:
    """Tell the operator, once in each process, that everybody is limited as one."""
    logger.warning("requests come through %s, which INTEGRA_TRUSTED_PROXIES does not name", address)


def require_own_page(request: HttpRequest) -> None:
    """Raise NotFoundError where another site's page loads this as a part of it: the visitor asked for nothing."""
    is_foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if is_foreign and request.headers.get("Sec-Fetch-Dest") != "document":
        raise NotFoundError


def find_client(peer: Address, forwarded: str) -> Address:
    """Return the nearest address that is no trusted proxy; the farthest proxy where all of them are."""
    client = peer
    for text in reversed(forwarded.split(",") if forwarded else []):
        if not is_trusted(client):
            return client
        address = read_address(text.strip())
        if address is None:
            return peer
        client = address
    return client


def is_trusted(address: Address) -> bool:
    return any(
        address.version == network.version and address in network
        for network in settings.INTEGRA_TRUSTED_PROXIES
    )


def read_address(text: str) -> Address | None:
    """Return the address; an IPv4 one written as IPv6 (``::ffff:``) is that IPv4 one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def name_line(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address), IPV6_PREFIX), strict=False))
