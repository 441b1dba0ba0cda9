"""The bridge's two addresses, called as browsers and the service call them."""

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import translation

from integra_bridge.models import OutboxEvent

ORIGIN = "http://testserver"
OUTBOX = "/api/integra/v1/outbox"


# --- hand-over --------------------------------------------------------------------------------------


@pytest.fixture
def handover_client(learner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.get(pk=learner.user_id))
    client.cookies["csrftoken"] = "c" * 32
    return client


def hand_over(client, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content_type": "application/json", "HTTP_X_CSRFTOKEN": "c" * 32, **headers}
    return client.post("/api/integra/v1/handover", content, **headers)


@pytest.fixture
def facts(learner, complete_lesson):
    return complete_lesson(learner, "m06-u03")


@pytest.mark.django_db(transaction=True)
def test_a_learner_gets_a_link_that_says_who_where_and_nothing_else(
    handover_client, facts, learner, settings
):
    before = datetime.now(UTC).replace(microsecond=0)

    answer = hand_over(handover_client, {"course_key": learner.course_key})

    assert answer.status_code == 200
    address, token = answer.json()["url"].rsplit("/", 1)
    assert address == "https://servicio.example.org/entrar"
    claims = jwt.decode(
        token, settings.INTEGRA_HANDOVER_SECRET, algorithms=["HS256"], audience="https://servicio.example.org"
    )
    assert set(claims) == {"iss", "sub", "jti", "iat", "exp", "aud", "city_key", "course_key"}
    assert claims["iss"] == "standin"
    assert claims["sub"] == OutboxEvent.objects.first().learner_uuid
    assert claims["course_key"] == learner.course_key
    assert claims["exp"] - claims["iat"] == 300
    assert before.timestamp() <= claims["iat"]
    assert answer.headers["cache-control"].startswith("max-age=0")
    user = get_user_model().objects.get(pk=learner.user_id)
    assert user.username not in answer.content.decode() + json.dumps(claims)
    assert user.email not in json.dumps(claims)


@pytest.mark.django_db(transaction=True)
def test_every_link_is_another_one(handover_client, facts, learner):
    urls = {hand_over(handover_client, {"course_key": learner.course_key}).json()["url"] for _ in range(5)}

    assert len(urls) == 5


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b" ", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b"\xff", 400, "not_json"),
        (b"[" * 2000, 400, "not_json"),
        (b" " * 2049, 413, "too_large"),
        (b'{"course_key": "a", "course_key": "b"}', 400, "not_json"),
        ([], 400, "unknown_fields"),
        (None, 400, "unknown_fields"),
        ("course", 400, "unknown_fields"),
        ({}, 400, "unknown_fields"),
        ({"course_key": "a", "user_id": 7}, 400, "unknown_fields"),
        ({"course_key": None}, 400, "course_key_invalid"),
        ({"course_key": 7}, 400, "course_key_invalid"),
        ({"course_key": ["a"]}, 400, "course_key_invalid"),
        ({"course_key": ""}, 400, "course_key_invalid"),
        ({"course_key": "a" * 256}, 400, "course_key_invalid"),
        ({"course_key": "a\x00b"}, 400, "course_key_invalid"),
        ({"course_key": "\ud800"}, 400, "course_key_invalid"),
        ({"course_key": "course-v1:No+Such+Run"}, 404, "not_found"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_read_is_refused_with_a_code(handover_client, facts, body, status, code):
    answer = hand_over(handover_client, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]


@pytest.mark.django_db(transaction=True)
def test_somebody_without_a_place_in_the_course_is_told_the_same_as_for_no_course(facts, learner):
    client = Client()
    client.force_login(get_user_model().objects.create_user("staff", is_staff=True))

    answer = hand_over(client, {"course_key": learner.course_key})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_only_the_own_session_counts(facts, learner):
    answer = hand_over(Client(), {"course_key": learner.course_key})

    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


@pytest.mark.django_db(transaction=True)
def test_another_site_cannot_ask(handover_client, facts, learner):
    body = {"course_key": learner.course_key}

    assert hand_over(handover_client, body, HTTP_X_CSRFTOKEN="d" * 32).status_code == 403
    assert hand_over(handover_client, body, HTTP_X_CSRFTOKEN="").status_code == 403
    assert hand_over(handover_client, body, content_type="text/plain").status_code == 415
    assert handover_client.get("/api/integra/v1/handover").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_without_settings_the_learner_is_told_and_nothing_breaks(handover_client, facts, learner, settings):
    del settings.INTEGRA_HANDOVER_SECRET

    answer = hand_over(handover_client, {"course_key": learner.course_key})

    assert (answer.status_code, answer.json()["code"]) == (503, "not_connected")
    assert "INTEGRA" not in answer.content.decode()


# --- pull -------------------------------------------------------------------------------------------


def make_token(settings, *, secret=None, algorithm="HS256", remove=(), **changes):
    """Return a token of this moment; a ``timedelta`` among the changes counts from now."""
    now = datetime.now(UTC)
    changes = {
        name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()
    }
    claims = {
        "iss": "standin",
        "aud": ORIGIN,
        "method": "GET",
        "path": OUTBOX,
        "iat": now,
        "exp": now + timedelta(seconds=60),
        **changes,
    }
    for name in remove:
        del claims[name]
    return jwt.encode(claims, secret or settings.INTEGRA_PULL_SECRET, algorithm=algorithm)


def pull(client, token, query="", scheme="Bearer"):
    return client.get(OUTBOX + query, headers={"authorization": f"{scheme} {token}"})


def test_the_address_is_where_the_service_looks_for_it():
    assert reverse("integra_bridge:outbox") == OUTBOX


def test_the_service_reads_page_after_page_and_then_nothing(client, settings, db, queue, monkeypatch):
    monkeypatch.setattr("integra_bridge.views.PAGE_ROWS", 2)
    ids = queue(5)
    for number, event_id in enumerate(ids, start=1):
        OutboxEvent.objects.filter(event_id=event_id).update(position=number)

    after, pages = 0, []
    while page := pull(client, make_token(settings), f"?after={after}").json():
        if not page["events"]:
            break
        pages.append([event["id"] for event in page["events"]])
        after = page["next"]

    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert page == {"events": [], "next": 5}


def test_a_row_shows_its_event_and_the_digest_of_it(client, settings, db, queue):
    from integra_grading.events import event_digest, parse_event

    [event_id] = queue(1)
    OutboxEvent.objects.update(position=1)

    [shown] = pull(client, make_token(settings)).json()["events"]

    assert (shown["position"], shown["id"]) == (1, event_id)
    assert shown["digest"] == event_digest(shown["event"])
    assert parse_event(shown["event"]).event.id == event_id


def test_rows_without_a_position_are_not_shown(client, settings, db, queue):
    queue(2)

    assert pull(client, make_token(settings)).json() == {"events": [], "next": 0}


def test_the_lmss_own_outer_address_counts_as_audience_too(client, settings, db):
    settings.LMS_ROOT_URL = "https://lms.example.org/"

    assert pull(client, make_token(settings, aud="https://lms.example.org")).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another-secret-of-at-least-32-bytes-length"},
        {"iss": "other"},
        {"aud": "https://other.example.org"},
        {"aud": [ORIGIN + ":81"]},
        {"method": "POST"},
        {"path": "/api/integra/v1/handover"},
        {"path": OUTBOX + "/"},
        {"exp": timedelta(seconds=-31), "iat": timedelta(seconds=-91)},
        {"exp": timedelta(hours=1)},
        {"iat": timedelta(seconds=100), "exp": timedelta(seconds=160)},
        {"exp": timedelta(0), "iat": timedelta(seconds=5)},
        {"algorithm": "HS384"},
        {"remove": ["exp"]},
        {"remove": ["iat"]},
        {"remove": ["aud"]},
        {"remove": ["iss"]},
        {"remove": ["method"]},
        {"remove": ["path"]},
    ],
)
def test_a_token_for_anything_else_is_refused(client, settings, db, queue, changes):
    queue(1)
    OutboxEvent.objects.update(position=1)

    answer = pull(client, make_token(settings, **changes))

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
    assert OutboxEvent.objects.get().event_id not in answer.content.decode()


def unsigned(settings):
    return jwt.encode(jwt.decode(make_token(settings), options={"verify_signature": False}), None, "none")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic {good}", "{good}", "Bearer {none}", "Bearer é"]
)
def test_without_a_signed_bearer_token_nothing_is_shown(client, settings, db, header):
    value = header.format(good=make_token(settings), none=unsigned(settings))

    answer = client.get(OUTBOX, headers={"authorization": value})

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")


def test_a_session_does_not_replace_the_token(admin_client):
    assert admin_client.get(OUTBOX).status_code == 401


@pytest.mark.parametrize(
    "query", ["?after=-1", "?after=", "?after=x", "?after=１", "?after=" + "9" * 19, "?after=1&limit=5"]
)
def test_a_position_is_a_whole_number(client, settings, db, query):
    answer = pull(client, make_token(settings), query)

    assert (answer.status_code, answer.json()["code"]) == (400, "position_invalid")


def test_reading_is_all_that_can_be_done(client, settings, db):
    token = make_token(settings, method="POST")

    assert client.post(OUTBOX, headers={"authorization": f"Bearer {token}"}).status_code == 405


def test_without_a_secret_nothing_is_shown(client, settings, db):
    token = make_token(settings)
    del settings.INTEGRA_PULL_SECRET

    answer = pull(client, token)

    assert (answer.status_code, answer.json()["code"]) == (503, "not_connected")


@pytest.mark.parametrize("language", ["es-419", "es", "es-ec"])
def test_people_read_spanish(client, db, language):
    with translation.override(language):
        answer = client.get(OUTBOX)

    assert answer.json()["message"] == "La solicitud no está firmada por el servicio."
