"""The other side of the wire: a real HTTP server on the loopback which answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_ids(self) -> list[str]:
        events = json.loads(self.body)
        return [event["id"] for event in (events if isinstance(events, list) else [events])]


@dataclass(frozen=True)
class Reply:
    """One scripted answer; ``cut`` closes the connection after so many bytes of it."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None


def json_reply(status: int, value: object, **headers: str) -> Reply:
    return Reply(
        status,
        {"content-type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}},
        json.dumps(value).encode(),
    )


Answering = Reply | Callable[[Seen], Reply]


class Peer:
    """Verifies every delivery with the reference implementation, then takes the next scripted answer.

    Without a script it answers as the service does: everything accepted, no certificate states.
    """

    def __init__(self, webhook_secret: str) -> None:
        self.webhook = Webhook(webhook_secret)
        self.script: list[Answering] = []
        self.seen: list[Seen] = []
        self.states: list[dict[str, object]] = []
        self.answer_get: Callable[[Seen], Reply] | None = None
        self.url = ""

    @property
    def deliveries(self) -> list[Seen]:
        return [request for request in self.seen if request.method == "POST"]

    def answer(self, request: Seen) -> Reply:
        self.seen.append(request)
        if request.method == "POST":
            self._verify(request)
            step = self.script.pop(0) if self.script else accept_all
            return step(request) if callable(step) else step
        if self.answer_get is not None:
            return self.answer_get(request)
        after = int(dict(part.split("=") for part in urlsplit(request.path).query.split("&"))["after"])
        return json_reply(200, [row for row in self.states if int(str(row["position"])) > after][:2])

    def _verify(self, request: Seen) -> None:
        """Compare with the reference library's signature; its own check would ask the real clock."""
        headers = request.headers
        sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        expected = self.webhook.sign(headers["webhook-id"], sent_at, request.body.decode())
        if headers["webhook-signature"] != expected:
            raise AssertionError("bad signature")


def accept_all(request: Seen) -> Reply:
    return json_reply(202, {"accepted": request.event_ids, "refused": [], "deferred": []})


@contextmanager
def running(peer: Peer):
    """Serve ``peer`` on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = peer.answer(Seen(self.command, self.path, headers, body))
            head = [f"HTTP/1.1 {reply.status} X", f"content-length: {len(reply.body)}", "connection: close"]
            head += [f"{name}: {value}" for name, value in reply.headers.items()]
            content = ("\r\n".join(head) + "\r\n\r\n").encode() + reply.body
            self.wfile.write(content if reply.cut is None else content[: reply.cut])
            self.close_connection = True

        do_GET = do_POST = _serve  # noqa: N815 - the names http.server looks for

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
