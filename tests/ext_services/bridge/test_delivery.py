"""One delivery over a real connection: what is signed, and what counts as delivered."""

import base64
import hashlib
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from standin.service_peer import Reply, closed_port, json_reply

from integra_bridge import delivery, http
from integra_bridge.conf import get_settings
from integra_bridge.delivery import Verdict, backoff, deliver
from integra_bridge.signing import name_delivery, sign_body

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Sent:
    event_id: str
    body: bytes


def make(count):
    return [
        Sent(f"e-{n}", json.dumps({"id": f"e-{n}", "texto": "añadió"}, ensure_ascii=False).encode())
        for n in range(count)
    ]


def outcomes(delivered):
    return {event_id: (verdict.outcome, verdict.code) for event_id, verdict in delivered.verdicts.items()}


def test_the_signature_is_that_of_the_specifications_own_example():
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign_body(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_one_event_is_sent_as_its_own_bytes(peer):
    [event] = make(1)

    delivered = deliver([event], get_settings(), NOW)

    assert outcomes(delivered) == {"e-0": ("accepted", "")}
    [request] = peer.deliveries
    assert request.body == event.body
    assert request.path == "/api/v1/events"
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["integra-source"] == "standin"


def test_a_batch_is_an_array_of_the_unchanged_bytes(peer):
    events = make(3)

    delivered = deliver(events, get_settings(), NOW)

    [request] = peer.deliveries
    assert request.body == b"[" + b",".join(e.body for e in events) + b"]"
    assert request.headers["content-type"] == "application/cloudevents-batch+json"
    assert {v.outcome for v in delivered.verdicts.values()} == {"accepted"}


def test_the_delivery_keeps_its_id_over_retries_and_another_body_has_another(peer):
    events = make(2)
    for batch in (events, events, events[:1]):
        deliver(batch, get_settings(), NOW)

    first, second, third = (request.headers["webhook-id"] for request in peer.deliveries)
    assert first == second != third
    assert "." not in first


def test_each_event_is_judged_alone(peer):
    peer.script.append(
        json_reply(202, {"accepted": ["e-0", "foreign"], "refused": [{"id": "e-1", "code": "conflict"}]})
    )

    delivered = deliver(make(3), get_settings(), NOW)

    assert outcomes(delivered) == {
        "e-0": ("accepted", ""),
        "e-1": ("refused", "conflict"),
        "e-2": ("retry", "receipt_missing"),
    }
    assert not delivered.is_whole_failure


FULL = {"code": "refused_full", "message": "Too much of this source was refused."}


def test_what_the_service_defers_is_no_failure_of_the_whole(peer):
    rows = [{"id": "e-0", "code": "refused_full"}, "e-1", {"code": "refused_full"}, {"id": "e-2"}]
    peer.script.append(json_reply(202, {"accepted": [], "refused": [], "deferred": rows}))

    delivered = deliver(make(3), get_settings(), NOW)

    assert outcomes(delivered) == {
        "e-0": ("deferred", "refused_full"),
        "e-1": ("retry", "receipt_missing"),
        "e-2": ("deferred", "deferred"),
    }
    assert not delivered.is_whole_failure


@pytest.mark.parametrize("count", [1, 3])
def test_a_503_about_the_events_themselves_defers_them(peer, count):
    """A single event is answered so; by a service that knows no list of deferred ones, a batch of them too."""
    peer.script.append(json_reply(503, FULL, Retry_After="600"))

    delivered = deliver(make(count), get_settings(), NOW)

    assert set(delivered.verdicts.values()) == {Verdict("deferred", "refused_full")}
    assert not delivered.is_whole_failure


def test_an_event_that_is_named_twice_counts_as_what_is_safest(peer):
    peer.script.append(
        json_reply(
            202,
            {
                "accepted": ["e-0"],
                "refused": [{"id": "e-1", "code": "conflict"}],
                "deferred": [{"id": "e-0", "code": "refused_full"}, {"id": "e-1", "code": "refused_full"}],
            },
        )
    )

    assert outcomes(deliver(make(2), get_settings(), NOW)) == {
        "e-0": ("accepted", ""),
        "e-1": ("refused", "conflict"),
    }


PORTAL = Reply(200, {"content-type": "text/html"}, b'<html>Bienvenido. {"accepted": ["e-0"]}</html>')


@pytest.mark.parametrize(
    "reply",
    [
        PORTAL,
        Reply(200, {"content-type": "text/html"}, b'{"accepted": ["e-0"], "refused": []}'),
        Reply(202, {"content-type": "application/json"}, b""),
        Reply(202, {}, b""),
        Reply(204),
        json_reply(202, {"accepted": [], "refused": []}),
        json_reply(202, {"accepted": "e-0"}),
        json_reply(202, ["e-0"]),
        json_reply(202, {"accepted": [{"id": "e-0"}]}),
        json_reply(202, {"accepted": ["E-0"]}),
        Reply(202, {"content-type": "application/json"}, b"[" * 100_000),
        Reply(202, {"content-type": "application/json"}, b'{"accepted": ["e-0"], "refu'),
    ],
)
def test_success_without_a_receipt_that_names_the_event_is_no_success(peer, reply):
    peer.script.append(reply)

    delivered = deliver(make(1), get_settings(), NOW)

    assert outcomes(delivered) == {"e-0": ("retry", "receipt_missing")}
    assert delivered.is_whole_failure


@pytest.mark.parametrize("cut", [0, 5, 20, 60, 110])
def test_an_answer_cut_anywhere_is_no_success(peer, cut):
    peer.script.append(
        Reply(202, {"content-type": "application/json"}, b'{"accepted": ["e-0"]}' + b" " * 40, cut=cut)
    )

    delivered = deliver(make(1), get_settings(), NOW)

    assert delivered.verdicts["e-0"].outcome == "retry"
    assert delivered.is_whole_failure


def test_nobody_listening_is_a_whole_failure(peer, settings):
    settings.INTEGRA_SERVICE_URL = f"http://127.0.0.1:{closed_port()}"

    delivered = deliver(make(2), get_settings(), NOW)

    assert delivered.is_whole_failure
    assert outcomes(delivered) == {"e-0": ("retry", "connection"), "e-1": ("retry", "connection")}


def test_a_redirect_is_not_followed(peer):
    peer.script.append(Reply(307, {"location": peer.url + "/elsewhere"}))

    delivered = deliver(make(1), get_settings(), NOW)

    assert delivered.code == "http_307"
    assert len(peer.seen) == 1


def test_an_answer_beyond_the_limit_is_not_read(peer):
    peer.script.append(Reply(202, {"content-type": "application/json"}, b" " * (http.ANSWER_BYTES + 1)))

    assert deliver(make(1), get_settings(), NOW).code == "answer_too_large"


def test_a_server_that_drips_does_not_hold_the_relay(peer, monkeypatch):
    monkeypatch.setattr(http, "ANSWER_SECONDS", -1)

    assert deliver(make(1), get_settings(), NOW).code == "timeout"


def test_a_server_that_is_silent_does_not_hold_the_relay(peer, monkeypatch):
    monkeypatch.setattr(http, "READ_SECONDS", 0.05)
    peer.script.append(lambda request: time.sleep(0.3) or Reply(202))

    assert deliver(make(1), get_settings(), NOW).code == "timeout"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(peer, status):
    peer.script.append(json_reply(status, {"code": "x"}))

    delivered = deliver(make(2), get_settings(), NOW)

    assert delivered.is_whole_failure
    assert set(delivered.verdicts.values()) == {Verdict("retry", f"http_{status}")}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(0)),
        ("999999999", timedelta(hours=24)),
        ("-5", None),
        ("１２", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds(value, expected):
    assert http.Answer(429, {"retry-after": value}, b"").retry_after(NOW) == expected


def test_retry_after_as_a_date():
    answer = http.Answer(503, {"retry-after": "Mon, 02 Mar 2026 14:02:00 GMT"}, b"")

    assert answer.retry_after(datetime(2026, 3, 2, 14, 0, tzinfo=UTC)) == timedelta(minutes=2)
    assert answer.retry_after(datetime(2026, 3, 3, tzinfo=UTC)) == timedelta(0)


def test_gone_is_told_apart(peer):
    peer.script.append(Reply(410))

    delivered = deliver(make(1), get_settings(), NOW)

    assert (delivered.is_gone, delivered.is_whole_failure) == (True, True)
    assert delivered.verdicts["e-0"].outcome == "retry"


@pytest.mark.parametrize("position", [0, 3, 6])
def test_the_one_event_that_spoils_a_body_is_found_and_the_others_arrive(peer, position):
    """Also where the service refuses the whole body for it: one bad event must not stop a hundred."""

    def picky(request):
        if f"e-{position}" in request.event_ids:
            return json_reply(400, {"code": "bad_json"})
        return json_reply(202, {"accepted": request.event_ids, "refused": []})

    peer.script.extend([picky] * 20)

    delivered = deliver(make(7), get_settings(), NOW)

    assert outcomes(delivered) == {
        f"e-{n}": ("refused", "bad_json") if n == position else ("accepted", "") for n in range(7)
    }


def test_halving_stops_when_the_service_goes_away(peer):
    peer.script.extend([json_reply(413, {"code": "too_large"}), Reply(503, {"retry-after": "60"})])

    delivered = deliver(make(4), get_settings(), NOW)

    assert delivered.is_whole_failure
    assert delivered.wait == timedelta(seconds=60)
    assert len(peer.deliveries) == 2
    assert set(outcomes(delivered).values()) == {("retry", "http_503")}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": 7}'])
def test_a_refusal_without_a_code_is_named_by_its_status(peer, body):
    peer.script.append(Reply(409, {"content-type": "application/json"}, body))

    assert outcomes(deliver(make(1), get_settings(), NOW)) == {"e-0": ("refused", "http_409")}


def test_backoff_grows_to_eight_hours_with_up_to_a_fifth_more():
    waits = [backoff(n, random.Random(n)) for n in range(1, 12)]

    for wait, base in zip(
        waits, [*delivery.BACKOFF, delivery.BACKOFF[-1], delivery.BACKOFF[-1]], strict=True
    ):
        assert base <= wait <= base * 1.2
    assert len({backoff(5, random.Random(seed)) for seed in range(20)}) == 20
    assert sum(delivery.BACKOFF, timedelta()) < delivery.GIVE_UP_AFTER


def test_the_digest_of_a_delivery_depends_on_every_id():
    assert name_delivery(["ab", "c"]) != name_delivery(["a", "bc"])
    assert name_delivery(["a"]) == "dlv_" + hashlib.sha256(b"a").hexdigest()[:40]
