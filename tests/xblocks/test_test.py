"""The test before and after the course, in both runtimes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from lxml import etree

from integra_gradebook import api
from integra_grading.items import bank_digest, item_digest
from integra_grading.manifest import manifest_digest
from integra_xblocks.sitting import describe_preview
from integra_xblocks.test import TestBlock

PRE = ("integra_test", "prueba-inicial")
POST = ("integra_test", "prueba-final")
SECRETS = ("Falta restar", "Bien &amp; completo", "Sobra.", "no_resto", "correct", "feedback")


def make_block(element: Any, twin_items: Any, place: tuple[str, str], kind: str) -> Any:
    return element(
        "integra_test",
        items=twin_items,
        url_name=place[1],
        kind=kind,
        bank_id="prueba-demo",
        bank_digest=bank_digest((item.key, item_digest(item)) for item in twin_items),
        bank_public="true",
        form_items="8",
    )


@pytest.fixture
def world(make_world: Any, element: Any, twin_items: Any) -> Any:
    return make_world(
        make_block(element, twin_items, PRE, "pre"), make_block(element, twin_items, POST, "post")
    )


@pytest.fixture
def visit(world: Any, people: Any) -> Any:
    return world.as_learner(people["ana"])


def start(visit: Any, place: tuple[str, str], uuid: str | None = None) -> str:
    answer = visit.handle(*place, "start_attempt", {"uuid": uuid or str(uuid4())})
    assert answer.status == 200, answer.json
    return str(answer.json["attempt_uuid"])


def save(visit: Any, place: tuple[str, str], attempt: str, key: str, option: str) -> Any:
    body = {"uuid": str(uuid4()), "attempt_uuid": attempt, "item_key": key, "response": {"option": option}}
    return visit.handle(*place, "save_response", body)


def submit(visit: Any, place: tuple[str, str], attempt: str) -> Any:
    return visit.handle(*place, "submit_attempt", {"attempt_uuid": attempt})


def item_keys(visit: Any, place: tuple[str, str]) -> list[str]:
    tree = etree.HTML(visit.render(*place).html)
    return [str(key) for key in tree.xpath("//*[@data-integra='item']/@data-key")]


def take(visit: Any, place: tuple[str, str], right: int) -> None:
    """Sit the whole test with ``right`` correct answers."""
    attempt = start(visit, place)
    for index, key in enumerate(item_keys(visit, place)):
        assert save(visit, place, attempt, key, "b" if index < right else "a").status == 200
    assert submit(visit, place, attempt).status == 200


def whole(page: Any) -> str:
    return page.fragment.content + json.dumps(page.init_args, ensure_ascii=False)


# --- before it begins ------------------------------------------------------------------------------------


def test_the_introduction_says_what_to_expect_and_shows_no_item(visit: Any, count_rows: Any) -> None:
    before = count_rows()
    page = visit.render(*PRE)

    for text in ("8 preguntas, unos 10 minutos.", "no tiene nota", "«No lo sé»", "No verás un puntaje."):
        assert text in page.html
    assert item_keys(visit, PRE) == []
    assert "Lo justo" not in whole(page)
    assert count_rows() == before


def test_the_attempt_is_stored_before_its_first_item_is_shown(world: Any, visit: Any, people: Any) -> None:
    attempt = start(visit, PRE)

    found = api.find_attempt(api.Learner(people["ana"].pk, world.course_key), block_key=world.usage_key(*PRE))

    assert found is not None
    assert (str(found.uuid), found.kind, found.state) == (attempt, "pre", "open")
    assert item_keys(visit, PRE) == [item.key for item in found.items]


def test_two_tabs_and_a_repeated_start_end_in_one_attempt(visit: Any, count_rows: Any) -> None:
    uuid = str(uuid4())
    first = start(visit, PRE, uuid)
    rows = count_rows()

    again = start(visit, PRE, uuid)
    answer = visit.handle(*PRE, "start_attempt", {"uuid": str(uuid4())})

    assert again == first
    assert answer.json.get("attempt_uuid", first) == first
    assert answer.status in (200, 409)
    assert count_rows() == rows


# --- while it is open ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [PRE, POST])
def test_an_open_attempt_holds_no_key_feedback_score_or_maximum(visit: Any, place: Any) -> None:
    attempt = start(visit, place)
    answer = save(visit, place, attempt, item_keys(visit, place)[0], "b")
    page = visit.render(*place)

    assert "Lo justo" in page.html  # the page with what could leak
    for text in (whole(page), json.dumps(answer.json)):
        for secret in (*SECRETS, "score", "points", "cut"):
            assert secret not in text


def test_an_interrupted_attempt_goes_on_where_it_was(visit: Any) -> None:
    attempt = start(visit, POST)
    keys = item_keys(visit, POST)
    save(visit, POST, attempt, keys[0], "a")
    save(visit, POST, attempt, keys[0], "c")
    answer = save(visit, POST, attempt, keys[3], "b")

    page = visit.render(*POST)

    assert answer.json["received"] == {keys[0]: {"option": "c"}, keys[3]: {"option": "b"}}
    assert page.init_args["received"] == answer.json["received"]
    assert item_keys(visit, POST) == keys
    tree = etree.HTML(page.html)
    chosen = tree.xpath("//*[@data-integra='item'][.//input[@checked]]")
    assert [(one.get("data-key"), one.xpath(".//input[@checked]/@value")) for one in chosen] == [
        (keys[0], ["c"]),
        (keys[3], ["b"]),
    ]


def test_the_time_left_is_the_servers(visit: Any) -> None:
    attempt = start(visit, PRE)
    answer = save(visit, PRE, attempt, item_keys(visit, PRE)[0], "a")

    assert 590 < visit.render(*PRE).init_args["remainingSeconds"] <= 600
    assert 590 < answer.json["remaining_seconds"] <= 600


def test_not_knowing_is_an_answer_in_the_starting_test_only(visit: Any) -> None:
    pre, post = start(visit, PRE), start(visit, POST)

    known = save(visit, PRE, pre, item_keys(visit, PRE)[0], "no_lo_se")
    refused = save(visit, POST, post, item_keys(visit, POST)[0], "no_lo_se")

    assert known.status == 200
    assert (refused.status, refused.json["code"]) == (400, "response_invalid")
    assert "No lo sé" in visit.render(*PRE).html
    assert "No lo sé" not in visit.render(*POST).html


def test_the_other_form_is_no_place_for_an_answer(visit: Any, twin_items: Any, count_rows: Any) -> None:
    attempt = start(visit, PRE)
    shown = item_keys(visit, PRE)
    other = next(item.key for item in twin_items if item.key not in shown)
    rows = count_rows()

    answer = save(visit, PRE, attempt, other, "b")

    assert (answer.status, answer.json["code"]) == (400, "item_unknown")
    assert count_rows() == rows


# --- afterwards ------------------------------------------------------------------------------------------


def test_the_starting_test_ends_with_thanks_and_no_score(visit: Any) -> None:
    take(visit, PRE, right=5)
    page = visit.render(*PRE)

    assert "Gracias. Ya tenemos tus respuestas." in page.html
    assert "de 8" not in page.html
    assert 'data-integra="start"' not in page.html
    refused = visit.handle(*PRE, "start_attempt", {"uuid": str(uuid4())})
    assert (refused.status, refused.json["code"]) == (409, "already_taken")


def test_the_final_test_shows_score_and_cut_and_when_to_try_again(visit: Any) -> None:
    take(visit, POST, right=4)
    page = visit.render(*POST)

    assert "<strong>4</strong> de 8" in page.html
    assert "no alcanzaste la meta, que es 6" in page.html
    opens_at = datetime.fromisoformat(str(etree.HTML(page.html).xpath("//time/@datetime")[-1]))
    assert timedelta(hours=47) < opens_at - datetime.now(UTC) <= timedelta(hours=48)
    assert 'data-integra="start"' not in page.html
    refused = visit.handle(*POST, "start_attempt", {"uuid": str(uuid4())})
    assert (refused.status, refused.json["code"]) == (409, "too_early")


def test_reaching_the_cut_says_so(visit: Any) -> None:
    take(visit, POST, right=6)
    page = visit.render(*POST)

    assert "Alcanzaste la meta de 6. ¡Bien hecho!" in page.html
    for secret in SECRETS:
        assert secret not in whole(page)


def test_a_cut_no_panel_fixed_is_called_provisional_and_one_that_a_panel_fixed_is_not(
    world: Any, visit: Any, make_manifest: Any
) -> None:
    words = "La meta es provisional: todavía no la fija un panel"
    assert words in visit.render(*POST).html
    assert words not in visit.render(*PRE).html
    take(visit, POST, right=6)
    assert words in visit.render(*POST).html

    rules = make_manifest()
    del rules["digest"]
    rules["tests"]["post"]["panel"] = {
        "points": 6,
        "items": 8,
        "judges": 12,
        "mean_millipoints": 5700,
        "error_millipoints": 210,
        "held_on": "2026-05-20",
    }
    api.register_course(world.course_key, {**rules, "digest": manifest_digest(rules)})
    assert words not in visit.render(*POST).html


def test_sending_twice_is_sending_once(visit: Any, count_rows: Any) -> None:
    attempt = start(visit, POST)
    first = submit(visit, POST, attempt)
    rows = count_rows()

    second = submit(visit, POST, attempt)
    late = save(visit, POST, attempt, "pp-1-a", "b")

    assert first == second
    assert late.status in (400, 409)
    assert count_rows() == rows


def test_nobody_answers_or_sends_the_attempt_of_another(
    world: Any, visit: Any, people: Any, count_rows: Any
) -> None:
    attempt = start(visit, PRE)
    key = item_keys(visit, PRE)[0]
    beto = world.as_learner(people["beto"])
    start(beto, PRE)
    rows = count_rows()

    answers = [
        save(beto, PRE, attempt, key, "b"),
        submit(beto, PRE, attempt),
        beto.handle(*PRE, "start_attempt", {"uuid": attempt}),
        save(visit, POST, attempt, key, "b"),
    ]

    assert all(400 <= answer.status < 500 and answer.json["code"] for answer in answers)
    assert count_rows() == rows
    learner = api.Learner(people["ana"].pk, world.course_key)
    found = api.find_attempt(learner, block_key=world.usage_key(*PRE))
    assert found is not None
    assert (found.uuid, found.state, found.responses) == (UUID(attempt), "open", {})


def test_the_answer_of_a_number_is_not_in_what_is_shown_of_its_item() -> None:
    raw = {
        "key": "n",
        "kind": "numeric",
        "outcome": "6.3",
        "level": "aplicar",
        "stem": "<p>¿Cuántas?</p><script>1</script>",
        "answer": {"value": "1013", "absolute": "2", "unit": "empanadas"},
        "feedback": {"correct": "Bien hecho", "wrong": "Divide"},
    }
    [shown] = describe_preview([raw])
    assert (shown["key"], shown["stem"], shown["unit"]) == ("n", "<p>¿Cuántas?</p>1", "empanadas")
    assert not any(secret in str(shown) for secret in ("1013", "Bien hecho", "Divide", "absolute"))


# --- the platform ----------------------------------------------------------------------------------------


@pytest.mark.lms
def test_only_the_final_test_has_a_maximum_and_it_is_known_without_a_learner(world: Any) -> None:
    assert TestBlock.has_score
    assert (world.max_scores["prueba-inicial"], world.max_scores["prueba-final"]) == (None, 8)


@pytest.mark.lms
def test_sending_completes_the_block(world: Any, visit: Any, people: Any, tracking: None) -> None:
    from completion.models import BlockCompletion

    take(visit, PRE, right=0)

    done = BlockCompletion.objects.filter(user=people["ana"]).values_list("block_type", "completion")
    assert list(done) == [("integra_test", 1.0)]


@pytest.mark.lms
def test_a_copy_has_no_bank_until_its_author_says_which(
    make_world: Any, element: Any, twin_items: Any
) -> None:
    world = make_world(make_block(element, twin_items, POST, "post"))
    block = world.block(*POST)

    class Store:
        def update_item(self, item: Any, user: Any) -> None:
            item.save()

    assert block.studio_post_duplicate(Store(), block) is False
    assert block.bank_id == ""
    assert any("bank_id" in problem for problem in block.list_problems())


@pytest.mark.lms
def test_import_and_export_give_back_the_source(make_world: Any, element: Any, twin_items: Any) -> None:
    source = make_block(element, twin_items, POST, "post")
    text = etree.tostring(source, encoding="unicode")
    first = make_world(source).export(*POST)

    again = etree.fromstring(first)
    again.attrib.pop("xblock-family", None)
    assert dict(again.attrib) == dict(etree.fromstring(text).attrib)
    assert [etree.canonicalize(etree.tostring(c, encoding="unicode")) for c in again] == [
        etree.canonicalize(etree.tostring(c, encoding="unicode")) for c in etree.fromstring(text)
    ]


@pytest.mark.lms
def test_an_author_sees_the_items_as_learners_do(world: Any, people: Any, count_rows: Any) -> None:
    before = count_rows()
    page = world.in_studio(people["aurora"]).render(*PRE)

    assert "Vista previa: nada se guarda." in page.html
    assert (
        len(
            item_keys(world.in_studio(people["aurora"]), PRE) or etree.HTML(page.html).xpath("//*[@data-key]")
        )
        == 16
    )
    for secret in SECRETS:
        assert secret not in whole(page)
    assert count_rows() == before


def test_a_visitor_sees_the_introduction_without_items(world: Any) -> None:
    page = world.anonymous().render(*PRE)

    assert "8 preguntas, unos 10 minutos." in page.html
    assert "Lo justo" not in whole(page)


def test_without_registered_rules_the_block_says_so_and_stays_up(
    make_world: Any, element: Any, twin_items: Any, people: Any
) -> None:
    world = make_world(make_block(element, twin_items, PRE, "pre"), is_registered=False)
    visit = world.as_learner(people["ana"])

    page = visit.render(*PRE)
    answer = visit.handle(*PRE, "start_attempt", {"uuid": str(uuid4())})

    assert 'role="alert"' in page.html
    assert (answer.status, answer.json["code"]) == (409, "course_not_registered")
