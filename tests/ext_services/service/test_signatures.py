"""Standard Webhooks, receiving side: only the exact bytes, ids, times and secrets are accepted."""

import base64
import time
import uuid

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from service_support import NOW, SINGLE, Classroom
from standardwebhooks import Webhook

from integra_grading.canonical import canonical_json
from integra_service.lib.errors import RequestError
from integra_service.lib.webhooks import require_signature
from integra_service.people.models import SecretKind, Source
from integra_service.people.sources import add_secret, retire_old_secrets
from integra_service.records.models import InboxEvent

SECRET = b"a-secret-of-thirty-two-bytes-123"
BODY = b'{"id":"ev-1","sequence":1}'
STAMP = int(NOW.timestamp())
ROOM = Classroom("aula", "ciudad", "curso", "r", SECRET, "", "")


def check(headers, body=BODY, secrets=(SECRET,), now=NOW):
    return require_signature(headers, body, secrets, now)


def sign(**changes):
    return {**ROOM.headers(BODY, timestamp=STAMP), **changes}


def refusal(headers, body=BODY, secrets=(SECRET,), now=NOW):
    with pytest.raises(RequestError) as caught:
        check(headers, body, secrets, now)
    assert caught.value.status == 401
    return caught.value.code


def test_what_the_reference_library_signs_is_accepted():
    webhook = Webhook("whsec_" + base64.b64encode(SECRET).decode())
    headers = sign(**{"webhook-signature": webhook.sign("dlv_1", NOW, BODY.decode())})
    assert check(headers) == "dlv_1"


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, len(BODY) * 8 - 1))
def test_one_changed_bit_of_the_body_is_refused(position):
    changed = bytearray(BODY)
    changed[position // 8] ^= 1 << position % 8
    assert refusal(sign(), bytes(changed)) == "bad_signature"


@settings(max_examples=1000, deadline=None)
@given(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
    st.integers(0, 63),
    st.integers(0, 6),
)
def test_one_changed_bit_of_a_header_is_refused(name, position, bit):
    headers = sign()
    text = headers[name]
    at = position % len(text)
    headers[name] = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
    assert refusal(headers) in {"bad_signature", "timestamp_out_of_range"}


@given(st.text(max_size=200))
def test_any_text_as_signature_is_refused_and_never_fails(text):
    assert refusal(sign(**{"webhook-signature": text})) == "bad_signature"


GOOD = ROOM.headers(BODY, timestamp=STAMP)["webhook-signature"]


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1,",
        "v2," + GOOD[3:],
        "v1a," + GOOD[3:],
        GOOD[3:],
        GOOD.rstrip("="),
        GOOD + "=",
        GOOD[:-2] + chr(ord(GOOD[-2]) + 1) + "=",
        GOOD.replace("v1,", "v1, "),
        "v1," + base64.urlsafe_b64encode(base64.b64decode(GOOD[3:])).decode().replace("=", "%3D"),
        "v1,ñ" + GOOD[3:],
        " ".join(["v1," + base64.b64encode(bytes(32)).decode()] * 1000),
        # The sixth is not tried any more.
        " ".join(["v1," + base64.b64encode(bytes(32)).decode()] * 5 + [GOOD]),
    ],
)
def test_signatures_in_another_spelling_are_refused(signature):
    assert refusal(sign(**{"webhook-signature": signature})) == "bad_signature"


def test_a_good_signature_among_five_is_found():
    others = ["v1," + base64.b64encode(bytes([n] * 32)).decode() for n in range(4)]
    assert check(sign(**{"webhook-signature": " ".join([*others, GOOD])})) == "dlv_1"


@pytest.mark.parametrize(
    "timestamp", ["", "１６７４", "1_674", "-1", "1e9", "NaN", "9" * 400, " 1674", "+1674", f"{STAMP}.0"]
)
def test_timestamps_in_another_spelling_are_refused(timestamp):
    assert refusal(sign(**{"webhook-timestamp": timestamp})) == "bad_signature"


@pytest.mark.parametrize(
    ("offset", "is_good"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_the_tolerance_is_five_minutes_to_both_sides(offset, is_good):
    headers = ROOM.headers(BODY, timestamp=STAMP + offset)
    if is_good:
        assert check(headers) == "dlv_1"
    else:
        assert refusal(headers) == "timestamp_out_of_range"


def test_milliseconds_are_out_of_range():
    stamp = STAMP * 1000 % 10**11
    assert refusal(ROOM.headers(BODY, timestamp=stamp)) == "timestamp_out_of_range"


def test_five_secrets_are_tried_and_not_six():
    others = [bytes([n] * 32) for n in range(5)]
    assert check(sign(), secrets=[*others[:4], SECRET]) == "dlv_1"
    assert refusal(sign(), secrets=[*others, SECRET]) == "bad_signature"


def test_the_raw_bytes_are_signed_not_their_meaning(world):
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    signed, respelled = canonical_json(event), canonical_json(event).replace(b'":', b'": ', 1)

    answer = world.a.send(None, body=respelled, content_type=SINGLE, headers=world.a.headers(signed))

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert InboxEvent.objects.count() == 0


def test_who_cannot_sign_is_answered_alike_and_a_stopped_source_learns_that_it_is(world):
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    body = canonical_json(event)
    Source.objects.filter(key="aula-b").update(is_active=False)
    answers = [
        Client().post("/api/v1/events", body, content_type=SINGLE, headers=headers)
        for headers in (
            {**world.a.headers(body), "integra-source": "nobody"},
            {**world.a.headers(body), "integra-source": "aula-b"},
            {**world.a.headers(body), "integra-source": "aula\x00a"},
            {**world.a.headers(body, secret=world.b.webhook)},
            {name: value for name, value in world.a.headers(body).items() if name != "integra-source"},
        )
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, answers[0].content),
    }
    stopped = world.b.send(event)
    assert (stopped.status_code, stopped.json()["code"]) == (403, "source_inactive")
    assert InboxEvent.objects.count() == 0


def test_secrets_change_by_overlap_without_losing_a_delivery(world):
    source, new = Source.objects.get(key="aula-a"), b"a-new-secret-of-thirty-two-bytes"
    bodies = [canonical_json(world.a.event(uuid.uuid4(), 1, world.a.enrolled())) for _ in range(4)]

    def send(body, secret):
        return world.a.send(
            None, body=body, content_type=SINGLE, headers=world.a.headers(body, secret=secret)
        ).status_code

    assert send(bodies[0], world.a.webhook) == 202
    add_secret(source, SecretKind.WEBHOOK, "whsec_" + base64.b64encode(new).decode(), NOW.replace(hour=16))
    assert (send(bodies[1], world.a.webhook), send(bodies[2], new)) == (202, 202)
    retire_old_secrets(source, NOW.replace(hour=17))
    assert (send(bodies[3], world.a.webhook), send(bodies[3], new)) == (401, 202)


def test_a_retired_secret_does_not_come_back_with_an_old_file(world):
    source = Source.objects.get(key="aula-a")
    old = "whsec_" + base64.b64encode(world.a.webhook).decode()
    add_secret(
        source, SecretKind.WEBHOOK, "whsec_" + base64.b64encode(b"n" * 32).decode(), NOW.replace(hour=16)
    )
    retire_old_secrets(source, NOW.replace(hour=17))
    with pytest.raises(RequestError) as refused:
        add_secret(source, SecretKind.WEBHOOK, old, NOW.replace(hour=18))
    assert (refused.value.code, refused.value.field) == ("secret_retired", "webhook")
    assert world.a.send(world.a.event(uuid.uuid4(), 1, world.a.enrolled())).status_code == 401


def test_a_replay_within_the_tolerance_changes_nothing_and_later_is_refused(world):
    event = world.a.event(uuid.uuid4(), 1, world.a.enrolled())
    body = canonical_json(event)
    old = world.a.headers(body, timestamp=int(time.time()) - 600)

    answers = [world.a.send(event), world.a.send(event), world.a.send(event, headers=old)]

    assert [answer.status_code for answer in answers] == [202, 202, 401]
    assert InboxEvent.objects.count() == 1
