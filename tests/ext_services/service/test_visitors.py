"""Whose address a limit counts: the peer's, or what a named proxy says; never what a stranger writes."""

import ipaddress

import pytest
from django.test import RequestFactory

from integra_service.lib.errors import NotFoundError
from integra_service.lib.visitors import find_visitor, require_own_page, warn_of_proxy

PROXIES = ("10.0.0.1", "10.1.0.0/16", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        # Nobody named: the peer, whatever is written.
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("198.51.100.7", "10.0.0.1", "198.51.100.7"),
        ("10.0.0.2", "203.0.113.9", "10.0.0.2"),
        # A named proxy: the last address that is none of ours.
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1,203.0.113.9 , 10.1.2.3", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "10.0.0.2"),
        ("10.1.255.255", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        # Nobody but proxies, or nothing said: the farthest that is known.
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.1.2.3", "10.1.2.3"),
        # What is left of the client's address is the client's to write, and is not read.
        ("10.0.0.1", "nonsense, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", ", 203.0.113.9", "203.0.113.9"),
        # What cannot be read: the peer.
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9,", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, , 10.1.2.3", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:443", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1]", "10.0.0.1"),
        ("10.0.0.1", "for=203.0.113.9", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.09", "10.0.0.1"),
        ("10.0.0.1", "3405803785", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9\x00", "10.0.0.1"),
        ("10.0.0.1", "٢٠٣.0.113.9", "10.0.0.1"),
        ("10.0.0.1", ",".join(["10.1.2.3"] * 5000), "10.1.2.3"),
        # A line has a whole network of IPv6 addresses.
        ("2001:db8:9:1:2:3:4:5", None, "2001:db8:9:1::/64"),
        ("2001:db8:1::7", "2001:db8:9:1:ffff::1", "2001:db8:9:1::/64"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("", "203.0.113.9", ""),
        ("unix:", "203.0.113.9", ""),
    ],
)  # fmt: skip
def test_the_address_a_limit_counts(settings, peer, forwarded, visitor):
    settings.INTEGRA_TRUSTED_PROXIES = tuple(ipaddress.ip_network(text) for text in PROXIES)
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert find_visitor(RequestFactory().get("/", REMOTE_ADDR=peer, **headers)) == visitor


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1", "::1"])
def test_without_the_setting_no_header_counts(peer):
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert find_visitor(request) == find_visitor(RequestFactory().get("/", REMOTE_ADDR=peer))


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_told"),
    [
        ("10.0.0.2", "203.0.113.9", True),
        ("127.0.0.1", "203.0.113.9", True),
        ("10.0.0.1", "203.0.113.9", False),
        ("10.0.0.2", "", False),
        # A stranger's own header says nothing about how we are installed.
        ("8.8.8.8", "203.0.113.9", False),
    ],
)
def test_a_proxy_that_nobody_named_is_told_of_once(settings, caplog, peer, forwarded, is_told):
    settings.INTEGRA_TRUSTED_PROXIES = (ipaddress.ip_network("10.0.0.1"),)
    warn_of_proxy.cache_clear()
    for _ in range(3):
        find_visitor(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded))
    assert [peer in line.getMessage() for line in caplog.records] == [True] * is_told


@pytest.mark.parametrize(
    ("site", "dest", "passes"),
    [
        (None, None, True),
        ("none", "document", True),
        ("cross-site", "document", True),
        ("same-origin", "iframe", True),
        ("cross-site", "image", False),
        ("cross-site", "empty", False),
        ("cross-site", None, False),
    ],
)
def test_what_another_sites_page_loads_unasked_is_not_done(site, dest, passes):
    said = {"HTTP_SEC_FETCH_SITE": site, "HTTP_SEC_FETCH_DEST": dest}
    request = RequestFactory().get("/", **{name: value for name, value in said.items() if value})
    if passes:
        require_own_page(request)
    else:
        with pytest.raises(NotFoundError):
            require_own_page(request)
