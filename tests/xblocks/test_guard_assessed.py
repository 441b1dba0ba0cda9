"""Who may write into tests, evaluations and deliverables, and what bodies get (reliability X01 to X05)."""

from __future__ import annotations

import inspect
import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_grading.items import bank_digest, item_digest
from integra_xblocks.bypass import BypassBlock
from integra_xblocks.deliverable import DeliverableBlock
from integra_xblocks.desk import DeskBlock
from integra_xblocks.test import TestBlock

TEST = ("integra_test", "prueba")
BYPASS = ("integra_bypass", "evaluacion")
SHEET = ("integra_deliverable", "hoja")
CLASSES = {TEST: TestBlock, BYPASS: BypassBlock, SHEET: DeliverableBlock}

_UUID = "6c1a9f3e-0c43-4f0b-9d65-2a9d6f3d8f10"
_RESPONSE = {"uuid": _UUID, "attempt_uuid": _UUID, "item_key": "pp-1-a", "response": {"option": "b"}}
_DOCUMENT = {"values": {"producto": "Jugos"}, "self_check": []}
HANDLERS: dict[tuple[tuple[str, str], str], dict[str, Any]] = {
    **{(place, "start_attempt"): {"uuid": _UUID} for place in (TEST, BYPASS)},
    **{(place, "save_response"): _RESPONSE for place in (TEST, BYPASS)},
    **{(place, "submit_attempt"): {"attempt_uuid": _UUID} for place in (TEST, BYPASS)},
    (SHEET, "save_draft"): {"document": _DOCUMENT, "revision": 0},
    (SHEET, "load_draft"): {},
    (SHEET, "submit_deliverable"): {"uuid": _UUID, "document": _DOCUMENT},
}
STARTING = [key for key in HANDLERS if key[1] in ("start_attempt", "save_draft", "submit_deliverable")]
PAPER_HANDLERS = {
    "list_papers",
    "start_paper",
    "submit_paper",
    "take_back_paper",
}  # called by everybody in test_papers.py
DESK_HANDLERS = {
    "set_accommodations",
    "list_queue",
    "claim_submission",
    "rate_submission",
    "list_roster",
    "show_report",
    "export_roster",
    "export_report",
}
BODIES = [
    b"",
    b"[]",
    b"null",
    b"NaN",
    b"1e999",
    b"[" * 1_000_000,
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b'{"uuid": 1, "uuid": 2}',
    b'{"uuid": NaN}',
    b"\xff",
    json.dumps({"uuid": "9" * 5_000}).encode(),
    b'{"uuid": ' + b"9" * 5_000 + b"}",
    json.dumps({"__proto__": {}}).encode(),
]


@pytest.fixture
def world(make_world: Any, element: Any, twin_items: Any, ring_items: Any) -> Any:
    def bank(items: Any) -> str:
        return bank_digest((item.key, item_digest(item)) for item in items)

    definition = {
        "key": "m06-hoja-de-costos",
        "version": 1,
        "title": "Hoja de costos",
        "sections": [
            {
                "key": "uno",
                "title": "Uno",
                "fields": [{"key": "producto", "kind": "text", "label": "Producto", "required": True}],
            }
        ],
    }
    return make_world(
        element(
            "integra_test",
            items=twin_items,
            url_name="prueba",
            kind="post",
            bank_id="prueba-demo",
            bank_digest=bank(twin_items),
        ),
        element(
            "integra_bypass",
            items=ring_items,
            url_name="evaluacion",
            module_key="m06",
            bank_id="anillo-m06",
            bank_digest=bank(ring_items),
        ),
        element(
            "integra_deliverable",
            url_name="hoja",
            module_key="m06",
            deliverable_key="m06-hoja-de-costos",
            definition=json.dumps(definition),
        ),
    )


def test_every_handler_stands_in_the_table() -> None:
    for place, block_class in CLASSES.items():
        own = handlers_of(block_class) - (PAPER_HANDLERS if place != SHEET else set())
        assert own == {name for at, name in HANDLERS if at == place}
    assert handlers_of(DeskBlock) == DESK_HANDLERS  # called by everybody in test_desk.py


def handlers_of(block_class: type) -> set[str]:
    members = inspect.getmembers(block_class)
    names = {name for name, function in members if getattr(function, "_is_xblock_handler", False)}
    return names - {"studio_submit", "studio_check", "studio_write"}  # test_guard.py: the base's own


@pytest.mark.parametrize(("place", "handler"), STARTING)
def test_an_enrolled_learner_may_write(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    before = count_rows()
    answer = world.as_learner(people["ana"]).handle(*place, handler, HANDLERS[place, handler])
    assert answer.status == 200, answer.json
    assert count_rows() != before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_who_is_not_enrolled_writes_nothing(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    before = count_rows()
    answer = world.not_enrolled(people["ana"]).handle(*place, handler, HANDLERS[place, handler])
    assert (answer.status, answer.json["code"]) == (403, "not_enrolled")
    assert count_rows() == before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_a_visitor_writes_nothing(world: Any, count_rows: Any, place: Any, handler: str) -> None:
    before = count_rows()
    assert world.anonymous().handle(*place, handler, HANDLERS[place, handler]).status == 403
    assert count_rows() == before


@pytest.mark.lms
@pytest.mark.parametrize(("place", "handler"), HANDLERS)
@pytest.mark.parametrize("is_editing", [False, True])
def test_an_author_in_studio_writes_nothing(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str, is_editing: bool
) -> None:
    before = count_rows()
    visit = world.in_studio(people["aurora"], is_editing=is_editing)
    answer = visit.handle(*place, handler, HANDLERS[place, handler])
    assert (answer.status, answer.json["code"]) == (403, "studio")
    assert count_rows() == before


@pytest.mark.lms
@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_staff_viewing_as_a_learner_write_nothing(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    # The learner has open attempts and a draft, so that a write would find its row.
    for at, name in STARTING:
        if name != "submit_deliverable":
            body = HANDLERS[at, name] if name == "save_draft" else {"uuid": str(uuid4())}
            world.as_learner(people["ana"]).handle(*at, name, body)
    before = count_rows()
    visit = world.masquerading(people["sofia"], as_=people["ana"])

    answer = visit.handle(*place, handler, HANDLERS[place, handler])

    assert (answer.status, answer.json["code"]) == (403, "masquerade")
    assert count_rows() == before
    assert "Vista previa: nada se guarda." in visit.render(*place).html


@pytest.mark.parametrize("place", CLASSES)
def test_a_visitor_sees_a_preview_that_says_so(world: Any, count_rows: Any, place: Any) -> None:
    before = count_rows()
    assert "Vista previa: nada se guarda. Entra con tu cuenta" in world.anonymous().render(*place).html
    assert count_rows() == before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:12].decode("latin-1"))
def test_what_is_no_json_object_of_ours_gets_4xx_and_writes_nothing(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str, body: bytes
) -> None:
    before = count_rows()
    answer = world.as_learner(people["ana"]).handle(*place, handler, body)
    assert answer.status in (400, 413)
    assert answer.json["code"]
    assert answer.json["message"]
    assert count_rows() == before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_what_a_browser_must_not_say_is_refused(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    before = count_rows()
    names = set(CLASSES[place].fields) | {"score", "max_score", "weight", "is_correct", "ordinal", "form_key"}
    for name in sorted(names):
        body = {**HANDLERS[place, handler], name: 1}
        answer = world.as_learner(people["ana"]).handle(*place, handler, body)
        assert (answer.status, answer.json["code"]) == (400, "unknown_field"), name
    assert count_rows() == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3)
    ),
    max_leaves=6,
)
fields = st.sampled_from(["uuid", "attempt_uuid", "item_key", "response", "document", "revision", "score"])


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
@given(changes=st.dictionaries(fields, json_values, min_size=1))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_gets_an_answer_with_a_code(
    world: Any, people: Any, place: Any, handler: str, changes: dict[str, Any]
) -> None:
    body = {**HANDLERS[place, handler], **changes}
    answer = world.as_learner(people["ana"]).handle(*place, handler, body)
    assert answer.status == 200 or (400 <= answer.status < 500 and answer.json["code"])
