"""The log names routes, not addresses."""

import io
import logging

import pytest


@pytest.fixture
def log():
    """What the configured handler really writes."""
    (handler,) = [h for h in logging.getLogger().handlers if h.formatter and "levelname" in h.formatter._fmt][
        :1
    ]
    former = handler.setStream(io.StringIO())
    yield handler.stream
    handler.setStream(former)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/entrar/zqtoken", "web:enter"),
        ("/consola/personas/zqnombre/", "no route"),
        ("/zqnombre?zq=zqnombre", "no route"),
        ("/api/v1/certificate-states?after=zqnombre", "web:certificate-states"),
    ],
)
def test_a_refused_address_is_logged_by_its_route(client, log, path, route):
    answer = client.get(path)
    written = log.getvalue()
    assert f"GET {route} answered {answer.status_code}" in written
    assert "zq" not in written
