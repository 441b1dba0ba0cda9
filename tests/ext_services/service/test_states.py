"""``GET /api/v1/certificate-states``: each source reads its own learners, with a token bound to the request."""

import time
import uuid

import pytest
from service_support import confirm

PATH = "/api/v1/certificate-states"


def read(client, room, after=None, **headers):
    query = "" if after is None else f"?after={after}"
    return client.get(PATH + query, headers={"Authorization": room.bearer(), **headers})


def test_a_source_reads_its_own_learners_only(committed_world, client):
    learners = {}
    for letter in "ab":
        room = getattr(committed_world, letter)
        learners[letter] = uuid.uuid4()
        room.send(room.tell(learners[letter]))
        confirm(room.enter(learners[letter]), f"Persona Canario de {letter}")

    rows = {letter: read(client, getattr(committed_world, letter)).json() for letter in "ab"}

    for letter in "ab":
        assert [row["learner_uuid"] for row in rows[letter]] == [str(learners[letter])]
        row = rows[letter][0]
        names = ["achievement_key", "changed_at", "learner_uuid", "position", "state", "token"]
        assert sorted(row) == names
        assert (row["achievement_key"], row["state"]) == ("curso", "valid")
    assert read(client, committed_world.a, after=rows["a"][0]["position"]).json() == []


def test_before_anything_is_issued_there_is_nothing_to_read(world, client):
    world.a.enter(uuid.uuid4())
    assert read(client, world.a, after=0).json() == []


def bad_tokens(world):
    now = int(time.time())
    room = world.a
    return {
        "none": "",
        "no scheme": room.bearer().removeprefix("Bearer "),
        "basic": room.bearer().replace("Bearer", "Basic"),
        "other secret": room.bearer(secret=room.handover),
        "other source's secret": room.bearer(secret=world.b.pull),
        "other source's name": room.bearer(iss="aula-b"),
        "unknown source": room.bearer(iss="nobody"),
        "other audience": room.bearer(aud="http://localhost:8000"),
        "other method": room.bearer(method="POST"),
        "other path": room.bearer(path="/api/v1/events"),
        "expired": room.bearer(iat=now - 100, exp=now - 40),
        "lives too long": room.bearer(exp=now + 61),
        "not yet": room.bearer(iat=now + 100, exp=now + 150),
        "not ASCII": "Bearer ñandú",
    }


NAMES = [
    "none",
    "no scheme",
    "basic",
    "other secret",
    "other source's secret",
    "other source's name",
    "unknown source",
    "other audience",
    "other method",
    "other path",
    "expired",
    "lives too long",
    "not yet",
    "not ASCII",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_other_token_is_401_with_one_answer(world, client, name):
    tokens = bad_tokens(world)
    assert list(tokens) == NAMES
    answer = client.get(PATH, headers={"Authorization": tokens[name]})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
    assert read(client, world.a).status_code == 200


@pytest.mark.parametrize("after", ["-1", "1_0", "１", "x", "", "1e3", "9" * 30])
def test_a_position_in_another_spelling_is_refused(world, client, after):
    answer = read(client, world.a, after=after)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_position")
