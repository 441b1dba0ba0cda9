"""Who may write: every handler of these blocks, called by everybody who must not (reliability X01 to X05).

Blocks of other modules join by adding their handlers to ``HANDLERS``; a handler that is not listed fails.
"""

from __future__ import annotations

import inspect
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_xblocks.lesson import LessonBlock
from integra_xblocks.module import ModuleBlock
from integra_xblocks.practice import PracticeBlock
from integra_xblocks.record import RecordBlock

LESSON = ("integra_lesson", "m06-u03-leccion")
PRACTICE = ("integra_practice", "m06-u03-practica")
MODULE = ("integra_module", "m06")
RECORD = ("integra_record", "avance")
CLASSES = {LESSON: LessonBlock, PRACTICE: PracticeBlock, MODULE: ModuleBlock, RECORD: RecordBlock}

_RESPONSE = {"item_key": "m06-u03-q1", "response": {"option": "b"}}
_EDIT = {"display_name": "Otro nombre", "content": "{}"}
STUDIO = {"studio_submit": _EDIT, "studio_check": {"content": "{}"}, "studio_write": {"values": {}}}
HANDLERS: dict[tuple[tuple[str, str], str], dict[str, Any]] = {
    (LESSON, "finish"): {"uuid": str(uuid4())},
    (LESSON, "tick"): {},
    (PRACTICE, "answer"): {"uuid": str(uuid4()), **_RESPONSE},
    (PRACTICE, "answer_review"): {"uuid": str(uuid4()), **_RESPONSE},
    **{(place, name): body for place in CLASSES for name, body in STUDIO.items()},
}
# What was hard must be there first: test_reviews.py.
NEEDS_MORE = {(PRACTICE, "answer_review")}
WRITING = [key for key in HANDLERS if key[1] not in STUDIO]


@pytest.fixture
def world(make_world: Any, element: Any, lesson: Any, practice: Any) -> Any:
    module = element("integra_module", url_name="m06", module_key="m06")
    return make_world(lesson, practice, module, element("integra_record", url_name="avance"))


def test_every_handler_stands_in_the_table() -> None:
    found = {
        (place, name)
        for place, block_class in CLASSES.items()
        for name, function in inspect.getmembers(block_class)
        if getattr(function, "_is_xblock_handler", False)
    }
    assert found == set(HANDLERS)


@pytest.mark.parametrize(("place", "handler"), [key for key in WRITING if key not in NEEDS_MORE])
def test_an_enrolled_learner_may_write(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    before = count_rows()
    answer = world.as_learner(people["ana"]).handle(*place, handler, HANDLERS[place, handler])
    assert answer.status == 200
    assert count_rows() != before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_who_is_not_enrolled_writes_nothing(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    before = count_rows()
    answer = world.not_enrolled(people["ana"]).handle(*place, handler, HANDLERS[place, handler])
    code = "not_studio" if handler in STUDIO else "not_enrolled"
    assert (answer.status, answer.json["code"]) == (403, code)
    assert answer.json["message"]
    assert count_rows() == before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_a_visitor_writes_nothing(world: Any, count_rows: Any, place: Any, handler: str) -> None:
    before = count_rows()
    assert world.anonymous().handle(*place, handler, HANDLERS[place, handler]).status == 403
    assert count_rows() == before


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
def test_only_post_is_answered(world: Any, people: Any, place: Any, handler: str) -> None:
    answer = world.as_learner(people["ana"]).handle(*place, handler, method="GET")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")


@pytest.mark.lms
@pytest.mark.parametrize(("place", "handler"), WRITING)
@pytest.mark.parametrize("is_editing", [False, True])
def test_an_author_in_studio_writes_no_fact(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str, is_editing: bool
) -> None:
    before = count_rows()
    visit = world.in_studio(people["aurora"], is_editing=is_editing)
    answer = visit.handle(*place, handler, HANDLERS[place, handler])
    assert (answer.status, answer.json["code"]) == (403, "studio")
    assert count_rows() == before


@pytest.mark.lms
@pytest.mark.parametrize(("place", "handler"), WRITING)
def test_staff_viewing_as_a_learner_write_nothing_into_that_learners_record(
    world: Any, people: Any, count_rows: Any, place: Any, handler: str
) -> None:
    world.as_learner(people["ana"]).handle(*LESSON, "finish", {"uuid": str(uuid4())})
    before = count_rows()
    visit = world.masquerading(people["sofia"], as_=people["ana"])

    answer = visit.handle(*place, handler, HANDLERS[place, handler])

    assert (answer.status, answer.json["code"]) == (403, "masquerade")
    assert count_rows() == before


@pytest.mark.lms
def test_staff_viewing_as_a_learner_see_that_learners_facts_as_a_preview(world: Any, people: Any) -> None:
    world.as_learner(people["ana"]).handle(*LESSON, "finish", {"uuid": str(uuid4())})

    html = world.masquerading(people["sofia"], as_=people["ana"]).render(*LESSON).html

    assert "Vista previa: nada se guarda." in html
    assert 'data-integra="finish" hidden' in html


@pytest.mark.parametrize("place", CLASSES)
def test_a_visitor_sees_a_preview_that_says_so(world: Any, count_rows: Any, place: Any) -> None:
    before = count_rows()
    page = world.anonymous().render(*place)
    assert "Vista previa: nada se guarda. Entra con tu cuenta" in page.html
    assert count_rows() == before


@pytest.mark.lms
@pytest.mark.parametrize("place", CLASSES)
def test_an_author_sees_a_preview_that_says_so(world: Any, people: Any, count_rows: Any, place: Any) -> None:
    before = count_rows()
    html = world.in_studio(people["aurora"]).render(*place).html
    assert "Vista previa: nada se guarda.</p>" in html
    assert count_rows() == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(("place", "handler"), HANDLERS)
@given(changes=st.dictionaries(st.sampled_from(["uuid", "item_key", "response", "score"]), json_values))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_gets_an_answer_with_a_code(
    world: Any, people: Any, place: Any, handler: str, changes: dict[str, Any]
) -> None:
    body = {**HANDLERS[place, handler], **changes}
    answer = world.as_learner(people["ana"]).handle(*place, handler, body)
    assert answer.status in (200, 400, 403, 404, 409, 413)
    assert answer.status == 200 or answer.json["code"]


@pytest.mark.parametrize(("place", "handler"), WRITING)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"NaN", b"[" * 50_000, b'{"uuid": 1, "uuid": 2}', b"\xff"]
)
def test_what_is_no_json_object_gets_400(
    world: Any, people: Any, place: Any, handler: str, body: bytes
) -> None:
    answer = world.as_learner(people["ana"]).handle(*place, handler, body)
    assert answer.status == 400
    assert answer.json["code"] in ("not_json", "not_an_object", "not_a_number", "duplicate_key")


@pytest.mark.parametrize(("place", "handler"), WRITING)
def test_each_field_of_the_block_in_the_body_is_refused(
    world: Any, people: Any, place: Any, handler: str
) -> None:
    names = set(CLASSES[place].fields) | {"max_score", "weight", "is_correct", "attempt_number"}
    for name in sorted(names):
        body = {**HANDLERS[place, handler], name: 1}
        answer = world.as_learner(people["ana"]).handle(*place, handler, body)
        assert (answer.status, answer.json["code"]) == (400, "unknown_field"), name
