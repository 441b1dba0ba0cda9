"""Reading a source's outbox from a real HTTP server, and whom the service refuses to call."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from integra_grading.events import event_digest
from integra_service.lib.outgoing import OutgoingError, fetch, is_public
from integra_service.people.models import Source
from integra_service.records.models import InboxEvent, RefusedEvent
from integra_service.records.reconcile import Comparison, reconcile


class Outbox:
    """A classroom's outbox on loopback, in pages of two."""

    def __init__(self, pull):
        self.pull, self.events, self.answer, self.calls = pull, [], None, []
        outbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outbox.calls.append(self.path)
                status, body = outbox.respond(self.path, self.headers["Authorization"])
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def respond(self, path, authorization):
        if self.answer is not None:
            return self.answer
        parts = urlsplit(path)
        claims = jwt.decode(
            authorization.removeprefix("Bearer "), self.pull, algorithms=["HS256"], audience=self.url
        )
        assert (claims["method"], claims["path"]) == ("GET", parts.path) == ("GET", "/api/integra/v1/outbox")
        after = int(parse_qs(parts.query)["after"][0])
        rows = [
            {"position": position, "id": event["id"], "digest": event_digest(event), "event": event}
            for position, event in enumerate(self.events, 1)
            if position > after
        ][:2]
        return 200, json.dumps({"events": rows, "next": after}).encode()


@pytest.fixture
def outbox(world):
    box = Outbox(world.a.pull)
    Source.objects.filter(key="aula-a").update(url=box.url)
    yield box
    box.server.shutdown()
    box.server.server_close()


def source():
    return Source.objects.get(key="aula-a")


def test_what_never_arrived_is_taken_in_and_what_differs_is_reported(world, outbox):
    learner = uuid.uuid4()
    told = world.a.tell(learner)
    outbox.events = [*told[:4], {**told[4], "time": told[5]["time"]}]
    world.a.send([told[0], told[2], told[4]])

    assert reconcile(source()) == Comparison(5, 2, 1, 1)
    assert InboxEvent.objects.count() == 5
    assert list(RefusedEvent.objects.values_list("code", flat=True)) == ["id_conflict"]
    assert reconcile(source()) == Comparison(5, 0, 1, 1)


def test_the_command_reports_and_fails_where_a_source_cannot_be_read(world, outbox, capsys):
    outbox.events = world.a.tell(uuid.uuid4())
    call_command("integra_reconcile", "aula-a")
    assert "10 read, 10 were missing, 0 differ" in capsys.readouterr().out
    outbox.answer = (503, b"")
    with pytest.raises(CommandError, match="aula-a"):
        call_command("integra_reconcile", "aula-a")


@pytest.mark.parametrize(
    "answer",
    [
        (302, b""),
        (401, b"{}"),
        (200, b""),
        (200, b"[]"),
        (200, b'{"events": {}}'),
        (200, b'{"events": [1]}'),
        (200, b'{"events": [{"position": true, "id": "a", "digest": "b"}]}'),
        (200, b"[" * 100_000),
        (200, b"<html>Wi-Fi</html>"),
        (200, b" " * (8 * 1024 * 1024 + 1)),
    ],
)
def test_an_answer_that_is_no_outbox_changes_nothing(world, outbox, answer):
    outbox.answer = answer
    with pytest.raises(OutgoingError):
        reconcile(source())
    assert len(outbox.calls) == 1  # no redirect was followed
    assert InboxEvent.objects.count() == 0


def test_an_outbox_that_repeats_itself_ends(world, outbox):
    event = world.a.tell(uuid.uuid4())[0]
    row = {"position": 1, "id": event["id"], "digest": event_digest(event), "event": event}
    outbox.answer = (200, json.dumps({"events": [row]}).encode())
    with pytest.raises(OutgoingError, match="position_not_ascending"):
        reconcile(source())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
    ],
)
def test_outside_the_demonstration_private_hosts_are_never_called(settings, host):
    settings.INTEGRA_DEMO = False
    with pytest.raises(OutgoingError) as caught:
        fetch(f"https://{host}/", {})
    assert caught.value.code in {"private_address", "unreachable"}
    assert caught.value.message in {
        "The host's name leads to a private address.",
        "The host's name has no address.",
    }


@pytest.mark.parametrize(
    "url", ["http://example.org/", "file:///etc/passwd", "gopher://example.org/", "https:///x"]
)
def test_outside_the_demonstration_only_https_is_called(settings, url):
    settings.INTEGRA_DEMO = False
    with pytest.raises(OutgoingError, match="bad_url"):
        fetch(url, {})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", False),
        ("::1", False),
        ("169.254.169.254", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("192.168.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse, nothing binds to it
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
    ],
)
def test_public_addresses(address, expected):
    assert is_public(address) is expected
