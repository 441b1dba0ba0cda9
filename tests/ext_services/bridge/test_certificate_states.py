"""Certificate states come into the gradebook's table; a page never asks the service."""

import jwt
import pytest
from standin.service_peer import Reply, json_reply

from integra_bridge import outbox
from integra_gradebook import api

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "tok" + "A" * 24


@pytest.fixture
def state_row(learner, complete_lesson, peer, relay):
    """A learner known to both sides, and one state the service has for them."""
    complete_lesson(learner)
    relay()
    row = {
        "position": 1,
        "learner_uuid": str(api.get_learner_uuid(learner)),
        "achievement_key": "curso",
        "state": "valid",
        "token": TOKEN,
        "changed_at": "2026-03-02T15:00:00+00:00",
    }
    peer.states.append(row)
    return row


def shown(learner, clock):
    record = api.get_record(learner, now=clock())
    return [(c.achievement_key, c.state, c.url) for c in record.certificates]


def test_a_state_is_read_stored_and_shown(learner, state_row, peer, relay, clock):
    report = relay()

    assert (report.states, report.problems) == (1, [])
    assert shown(learner, clock) == [("curso", "valid", f"{peer.url}/c/{TOKEN}")]


def test_only_what_is_new_is_read_again(learner, state_row, peer, relay, clock):
    relay()
    peer.states.append({**state_row, "position": 7, "state": "revoked"})

    assert relay().states == 1
    assert relay().states == 0
    assert shown(learner, clock)[0][1] == "revoked"
    assert [r.path for r in peer.seen if r.method == "GET"][-1].endswith("?after=7")


def test_all_pages_are_read_in_one_pass(learner, state_row, peer, relay):
    peer.states.extend({**state_row, "position": n, "achievement_key": f"a{n}"} for n in range(2, 8))

    assert relay().states == 7


@pytest.mark.parametrize("state", ["valid", "suspended", "revoked", "expired", "erased"])
def test_every_state_of_the_service_is_stored_and_shown(learner, state_row, peer, relay, clock, state):
    state_row["state"] = state

    assert relay().problems == []
    # Of what was erased nobody keeps the address.
    address = "" if state == "erased" else f"{peer.url}/c/{TOKEN}"
    assert shown(learner, clock) == [("curso", state, address)]


def test_a_state_that_passed_comes_back(learner, state_row, peer, relay, clock):
    for position, state in enumerate(["suspended", "valid", "suspended", "revoked"], start=2):
        changed_at = f"2026-03-02T15:0{position}:00+00:00"
        peer.states.append({**state_row, "position": position, "state": state, "changed_at": changed_at})
        relay()
        assert shown(learner, clock)[0][1] == state


def test_older_news_does_not_undo_newer(learner, state_row, peer, relay, clock):
    state_row["state"] = "suspended"
    peer.states.append(
        {**state_row, "position": 2, "state": "valid", "changed_at": "2026-03-02T14:59:59+00:00"}
    )

    assert relay().states == 2
    assert shown(learner, clock)[0][1] == "suspended"


def test_a_stranger_among_the_rows_stops_nothing(learner, state_row, peer, relay, clock):
    peer.states.insert(0, {**state_row, "learner_uuid": "00000000-0000-4000-8000-000000000000"})
    state_row["position"] = 2

    relay()

    assert shown(learner, clock)[0][:2] == ("curso", "valid")
    assert outbox.get_state().certificate_position == 2


def test_the_request_is_signed_for_this_host_method_and_path(learner, state_row, peer, relay, settings):
    relay()

    request = [r for r in peer.seen if r.method == "GET"][-1]
    claims = jwt.decode(
        request.headers["authorization"].removeprefix("Bearer "),
        settings.INTEGRA_PULL_SECRET,
        algorithms=["HS256"],
        audience=peer.url,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["method"], claims["path"]) == (
        "standin",
        "GET",
        "/api/v1/certificate-states",
    )
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    "broken",
    [
        {"token": "a/../b"},
        {"token": "javascript:alert(1)"},
        {"token": 7},
        {"changed_at": "yesterday"},
        {"changed_at": "2026-03-02T15:00:00"},
        {"changed_at": "2026-13-02T15:00:00Z"},
        {"learner_uuid": None},
        {"position": 0},
        {"position": True},
        {"position": "2"},
        {"state": None},
        {"state": "issued"},
        {"state": "Valid"},
        {"state": ""},
        {"state": True},
        {"achievement_key": "k" * 256},
    ],
)
def test_rows_that_are_not_as_agreed_are_not_stored_and_are_told(
    learner, state_row, peer, relay, clock, broken
):
    peer.answer_get = lambda request: json_reply(200, [state_row | broken])

    report = relay()

    assert report.problems == ["states: StatesError"]
    assert shown(learner, clock) == []
    assert outbox.get_state().certificate_position == 0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {"content-type": "application/json"}, b'{"code": "bad_token"}'),
        Reply(500),
        Reply(302, {"location": "/elsewhere"}),
        Reply(200, {"content-type": "text/html"}, b"[]"),
        Reply(200, {"content-type": "application/json"}, b"{}"),
        Reply(200, {"content-type": "application/json"}, b"[1]"),
        Reply(200, {"content-type": "application/json"}, b"[", cut=30),
    ],
)
def test_an_answer_that_is_no_list_changes_nothing(learner, state_row, peer, relay, clock, reply):
    peer.answer_get = lambda request: reply

    report = relay()

    assert len(report.problems) == 1
    assert shown(learner, clock) == []


def test_a_service_that_repeats_the_same_page_does_not_hold_the_relay(learner, state_row, peer, relay):
    peer.answer_get = lambda request: json_reply(200, [state_row])

    report = relay()

    assert report.problems == ["states: StatesError"]
