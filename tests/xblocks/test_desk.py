"""The facilitator's desk, in both runtimes: Ana and Beto learn, Sofía facilitates, Aurora has no place here."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from integra_gradebook import api

DESK = ("integra_desk", "mesa")
SHEET = ("integra_deliverable", "hoja")
MARKER = "Empanadas <i>marcadas</i>"
DEFINITION = {
    "key": "m06-hoja-de-costos",
    "version": 1,
    "title": "Hoja de costos",
    "sections": [
        {
            "key": "todo",
            "title": "Todo",
            "fields": [
                {"key": "producto", "kind": "text", "label": "Producto", "max_length": 100, "required": True},
                {"key": "precio", "kind": "money", "label": "Precio", "required": True},
                {
                    "key": "doble",
                    "kind": "computed",
                    "label": "Doble",
                    "format": "money",
                    "formula": "precio * 2",
                },
            ],
        }
    ],
    "self_check": [{"key": "pago", "text": "¿Está tu pago?"}],
}
LEVELS = {"datos_propios": 2, "procedimiento": 2, "decision": 1, "accion": 0}
HANDLERS: dict[str, dict[str, Any]] = {
    "list_queue": {},
    "claim_submission": {"submission_uuid": str(uuid4())},
    "rate_submission": {
        "uuid": str(uuid4()),
        "submission_uuid": str(uuid4()),
        "levels": LEVELS,
        "comments": {},
        "outcome": "accepted",
    },
    "list_roster": {},
    "show_report": {},
    "set_accommodations": {"short_code": "ABCD-EFGH", "accommodations": ["extra_time"]},
}


@pytest.fixture
def world(make_world: Any, element: Any) -> Any:
    sheet = element(
        "integra_deliverable",
        url_name="hoja",
        module_key="m06",
        deliverable_key="m06-hoja-de-costos",
        definition=json.dumps(DEFINITION),
    )
    return make_world(sheet, element("integra_desk", url_name="mesa"))


def submit(world: Any, user: Any) -> str:
    document = {"values": {"producto": MARKER, "precio": "1,25"}, "self_check": ["pago"]}
    uuid = str(uuid4())
    answer = world.as_learner(user).handle(*SHEET, "submit_deliverable", {"uuid": uuid, "document": document})
    assert answer.status == 200, answer.json
    return uuid


@pytest.fixture
def work(world: Any, people: Any) -> str:
    return submit(world, people["ana"])


@pytest.fixture
def appoint(world: Any, people: Any, make_facilitator: Any) -> Any:
    """Make somebody facilitator of the cohort Ana learns in."""

    def make(name: str) -> Any:
        place = api.find_place(api.Learner(people["ana"].pk, world.course_key))
        assert place is not None
        make_facilitator(people[name], world, place.cohort_key, place.city_key)
        return world.as_learner(people[name])

    return make


@pytest.fixture
def desk(work: str, appoint: Any) -> Any:
    return appoint("sofia")


def rate(
    desk: Any, work: str, *, outcome: str = "accepted", levels: Any = LEVELS, uuid: str | None = None
) -> Any:
    body = {
        "uuid": uuid or str(uuid4()),
        "submission_uuid": work,
        "levels": levels,
        "comments": {"accion": "Pon una fecha."},
        "outcome": outcome,
    }
    return desk.handle(*DESK, "rate_submission", body)


# --- who may use it --------------------------------------------------------------------------------------


@pytest.fixture(params=["learner", "staff", "other_city", "not_enrolled"])
def outsider(request: Any, world: Any, people: Any, make_facilitator: Any, work: str) -> Any:
    if request.param == "staff":
        return world.as_staff(people["sofia"])
    if request.param == "other_city":
        make_facilitator(people["aurora"], world, "quito-1", "quito")
        return world.as_learner(people["aurora"])
    if request.param == "not_enrolled":
        return world.not_enrolled(people["beto"])
    return world.as_learner(people["beto"])


def test_the_desk_is_absent_for_whoever_is_no_facilitator(
    world: Any, people: Any, work: str, count_rows: Any
) -> None:
    rows = count_rows()
    for visit in (
        world.as_learner(people["ana"]),
        world.as_staff(people["sofia"]),
        world.anonymous(),
        world.not_enrolled(people["beto"]),
    ):
        page = visit.render(*DESK)
        assert page.fragment.content == ""
        assert page.init_function is None
        assert MARKER not in page.html
    assert count_rows() == rows


@pytest.mark.parametrize("handler", [*HANDLERS, "export_roster", "export_report"])
def test_handlers_are_absent_for_them(
    world: Any, people: Any, work: str, count_rows: Any, handler: str
) -> None:
    rows = count_rows()
    body = {**HANDLERS.get(handler, {}), **({"submission_uuid": work} if "submission" in handler else {})}
    for visit in (
        world.as_learner(people["ana"]),
        world.as_staff(people["sofia"]),
        world.not_enrolled(people["beto"]),
    ):
        answer = visit.handle(*DESK, handler, body)
        assert (answer.status, answer.json["code"]) == (404, "not_a_facilitator")
    assert count_rows() == rows


@pytest.mark.lms
@pytest.mark.parametrize("handler", [*HANDLERS, "export_roster", "export_report"])
def test_handlers_are_absent_in_studio_and_while_viewing_as_a_facilitator(
    world: Any, people: Any, desk: Any, work: str, count_rows: Any, handler: str
) -> None:
    rows = count_rows()
    body = {**HANDLERS.get(handler, {}), **({"submission_uuid": work} if "submission" in handler else {})}
    for visit in (
        world.in_studio(people["sofia"]),
        world.in_studio(people["sofia"], is_editing=True),
        world.masquerading(people["aurora"], as_=people["sofia"]),
    ):
        assert visit.handle(*DESK, handler, body).status == 404
    assert count_rows() == rows


@pytest.mark.lms
def test_an_author_sees_what_it_is_and_nobodys_work(world: Any, people: Any, desk: Any) -> None:
    page = world.in_studio(people["aurora"]).render(*DESK)

    assert "Vista previa: nada se guarda." in page.html
    assert page.init_args["queue"]["rows"] == []


def test_another_citys_facilitator_sees_and_rates_nothing_here(
    world: Any, people: Any, work: str, make_facilitator: Any, count_rows: Any
) -> None:
    make_facilitator(people["aurora"], world, "quito-1", "quito")
    other = world.as_learner(people["aurora"])
    rows = count_rows()

    queue = other.handle(*DESK, "list_queue", {})
    roster = other.handle(*DESK, "list_roster", {})
    claim = other.handle(*DESK, "claim_submission", {"submission_uuid": work})
    rating = rate(other, work)

    assert (queue.json["rows"], queue.json["waiting"], roster.json["rows"]) == ([], 0, [])
    assert [(a.status, a.json["code"]) for a in (claim, rating)] == [(404, "submission_unknown")] * 2
    assert count_rows() == rows


# --- the queue and one work ------------------------------------------------------------------------------


def test_the_queue_names_work_by_short_code_only(world: Any, people: Any, desk: Any, work: str) -> None:
    submit(world, people["beto"])
    page = desk.render(*DESK)
    queue = page.init_args["queue"]
    code = api.get_short_code(api.Learner(people["ana"].pk, world.course_key))

    assert queue == desk.handle(*DESK, "list_queue", {}).json
    assert queue["waiting"] == 2
    assert (queue["rows"][0]["submission_uuid"], queue["rows"][0]["short_code"]) == (work, code)
    shown = json.dumps(queue)
    for name in ("ana", "beto", "example.org"):
        assert f'"{name}' not in shown


def test_opening_a_work_shows_its_texts_and_the_totals_of_the_server(desk: Any, work: str) -> None:
    answer = desk.handle(*DESK, "claim_submission", {"submission_uuid": work})

    assert answer.status == 200
    assert answer.json["sections"] == [
        {
            "title": "Todo",
            "answers": [
                {"label": "Producto", "kind": "text", "text": MARKER},
                {"label": "Precio", "kind": "money", "text": "1,25"},
                {"label": "Doble", "kind": "computed", "text": "$ 2,50"},
            ],
        }
    ]
    assert answer.json["self_check"] == [{"text": "¿Está tu pago?", "is_ticked": True}]
    rubric = answer.json["rubric"]
    assert (rubric["cut"], rubric["max_score"], len(rubric["criteria"])) == (5, 8, 4)


def test_two_facilitators_do_not_read_the_same_work(desk: Any, appoint: Any, work: str) -> None:
    other = appoint("aurora")
    desk.handle(*DESK, "claim_submission", {"submission_uuid": work})

    row = other.handle(*DESK, "list_queue", {}).json["rows"][0]
    answer = other.handle(*DESK, "claim_submission", {"submission_uuid": work})

    assert (row["is_claimed"], row["is_mine"]) == (True, False)
    assert (answer.status, answer.json["code"]) == (409, "claimed_by_other")
    assert desk.handle(*DESK, "list_queue", {}).json["rows"][0]["is_mine"]


def test_points_are_computed_on_the_server_and_the_work_leaves_the_queue(desk: Any, work: str) -> None:
    desk.handle(*DESK, "claim_submission", {"submission_uuid": work})

    answer = rate(desk, work)

    assert answer.json == {"outcome": "accepted", "score": 5, "max_score": 8}
    assert desk.handle(*DESK, "list_queue", {}).json == {"rows": [], "next_after": None, "waiting": 0}


def test_a_rating_sent_twice_is_one_rating(desk: Any, work: str, count_rows: Any) -> None:
    desk.handle(*DESK, "claim_submission", {"submission_uuid": work})
    uuid = str(uuid4())
    first = rate(desk, work, uuid=uuid)
    rows = count_rows()

    assert rate(desk, work, uuid=uuid) == first
    assert rate(desk, work).json["code"] == "already_rated"
    assert count_rows() == rows


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"levels": {**LEVELS, "accion": 9}}, "levels_invalid"),
        ({"levels": {"accion": 1}}, "levels_invalid"),
        ({"levels": {**LEVELS, "otro": 1}}, "levels_invalid"),
        ({"levels": {**LEVELS, "accion": True}}, "wrong_type"),
        ({"levels": {**LEVELS, "accion": "2"}}, "wrong_type"),
        ({"levels": {**LEVELS, "datos_propios": 0, "accion": 2}}, "below_cut"),
        ({"outcome": "perfect"}, "outcome_invalid"),
        ({"comments": {"otro": "x"}}, "comment_invalid"),
        ({"comments": ["x"]}, "wrong_type"),
        ({"score": 8}, "unknown_field"),
        ({"max_score": 8}, "unknown_field"),
    ],
)
def test_a_rating_outside_the_rubric_is_refused(
    desk: Any, work: str, count_rows: Any, changes: dict[str, Any], code: str
) -> None:
    desk.handle(*DESK, "claim_submission", {"submission_uuid": work})
    rows = count_rows()
    body = {**HANDLERS["rate_submission"], "submission_uuid": work, **changes}

    answer = desk.handle(*DESK, "rate_submission", body)

    assert (400 <= answer.status < 500, answer.json["code"]) == (True, code)
    assert answer.json["message"]
    assert count_rows() == rows


def test_nobody_rates_their_own_work(
    world: Any, people: Any, work: str, appoint: Any, count_rows: Any
) -> None:
    ana = appoint("ana")
    rows = count_rows()

    answer = ana.handle(*DESK, "claim_submission", {"submission_uuid": work})

    assert (400 <= answer.status < 500, answer.json["code"]) == (True, "own_work")
    assert count_rows() == rows


# --- people ----------------------------------------------------------------------------------------------


def test_the_roster_says_who_may_need_help(world: Any, people: Any, desk: Any, work: str) -> None:
    desk.handle(*DESK, "claim_submission", {"submission_uuid": work})
    rate(desk, work, outcome="returned")
    submit(world, people["beto"])

    rows = desk.handle(*DESK, "list_roster", {}).json["rows"]

    assert [(row["username"], row["concerns"]) for row in rows] == [
        ("ana", ["tiene un trabajo por corregir"]),
        ("beto", []),
    ]
    assert all(row["units_total"] == 2 and row["units_complete"] == 0 for row in rows)


def test_the_roster_is_a_file_for_the_facilitator(desk: Any) -> None:
    assert desk.handle(*DESK, "export_roster", method="GET").status == 200
    assert "Descargar como hoja de cálculo" in desk.render(*DESK).html
