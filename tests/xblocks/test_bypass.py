"""The module's evaluation in up to two stages, in both runtimes."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from integra_grading.items import bank_digest, item_digest

BYPASS = ("integra_bypass", "m06-evaluacion")
SECRETS = (
    "Falta restar",
    "Bien &amp; completo",
    "Sobra.",
    "no_resto",
    "correct",
    "feedback",
    "score",
    "points",
)


@pytest.fixture
def block(element: Any, ring_items: Any) -> Any:
    return element(
        "integra_bypass",
        items=ring_items,
        url_name="m06-evaluacion",
        module_key="m06",
        bank_id="anillo-m06",
        bank_digest=bank_digest((item.key, item_digest(item)) for item in ring_items),
        bank_public="true",
    )


@pytest.fixture
def visit(make_world: Any, block: Any, people: Any) -> Any:
    return make_world(block).as_learner(people["ana"])


def item_keys(visit: Any) -> list[str]:
    tree = etree.HTML(visit.render(*BYPASS).html)
    return [str(key) for key in tree.xpath("//*[@data-integra='item']/@data-key")]


def sit(visit: Any, right: int) -> list[str]:
    """Sit one set of questions with ``right`` correct answers; return the items shown."""
    started = visit.handle(*BYPASS, "start_attempt", {"uuid": str(uuid4())})
    assert started.status == 200, started.json
    attempt = started.json["attempt_uuid"]
    keys = item_keys(visit)
    for index, key in enumerate(keys):
        option = "b" if index < right else "a"
        body = {
            "uuid": str(uuid4()),
            "attempt_uuid": attempt,
            "item_key": key,
            "response": {"option": option},
        }
        answer = visit.handle(*BYPASS, "save_response", body)
        assert answer.status == 200
        assert set(answer.json) == {"received", "remaining_seconds"}
    sent = visit.handle(*BYPASS, "submit_attempt", {"attempt_uuid": attempt})
    assert sent.json == {"attempt_uuid": attempt, "state": "submitted"}
    return keys


def whole(page: Any) -> str:
    return page.fragment.content + json.dumps(page.init_args, ensure_ascii=False)


def test_the_introduction_says_what_an_exemption_covers_and_what_stays_due(visit: Any) -> None:
    html = visit.render(*BYPASS).html

    for text in (
        "12 preguntas, 15 minutos.",
        "Reconoce las lecciones, los ejemplos y las prácticas",
        "«Hoja de costos» lo entregas igual",
        "no como horas de estudio",
        "Oportunidades que te quedan: 2.",
    ):
        assert text in html
    assert "Lo justo" not in html


def test_an_open_sitting_holds_neither_key_nor_score_and_no_way_not_to_know(visit: Any) -> None:
    visit.handle(*BYPASS, "start_attempt", {"uuid": str(uuid4())})
    page = visit.render(*BYPASS)

    assert "Lo justo" in page.html
    assert "No lo sé" not in page.html
    for secret in SECRETS:
        assert secret not in whole(page)


def test_mastery_is_an_exemption_with_its_last_day_and_no_score(visit: Any) -> None:
    keys = sit(visit, right=10)
    page = visit.render(*BYPASS)

    assert len(keys) == 12
    assert "Demostraste que ya sabes este módulo." in page.html
    assert "Vale hasta:" in page.html
    assert "10" not in page.html.split("Demostraste")[1].split("Vale hasta")[0]
    refused = visit.handle(*BYPASS, "start_attempt", {"uuid": str(uuid4())})
    assert (refused.status, refused.json["code"]) == (409, "already_exempt")


def test_a_close_result_is_decided_by_a_second_set_without_repeats(visit: Any) -> None:
    first = sit(visit, right=8)
    between = visit.render(*BYPASS).html
    second = sit(visit, right=10)

    assert "Estás cerca" in between
    assert "Empezar el segundo grupo" in between
    assert set(first).isdisjoint(second)
    assert "Demostraste que ya sabes este módulo." in visit.render(*BYPASS).html


@pytest.mark.parametrize("rights", [(6,), (7, 9)])
def test_too_little_names_what_to_study_and_when_to_sit_again(visit: Any, rights: tuple[int, ...]) -> None:
    for right in rights:
        sit(visit, right=right)
    page = visit.render(*BYPASS)

    assert "Hacer este módulo te va a servir." in page.html
    studied = etree.HTML(page.html).xpath("//*[contains(@class,'integra-sitting-result')]//li/text()")
    assert studied
    assert set(studied) <= {"Resultado 6.1.", "Resultado 6.2.", "Resultado 6.3."}
    assert "Hace poco diste esta evaluación." in page.html
    assert etree.HTML(page.html).xpath("//*[contains(@class,'integra-sitting-reason')]//time")
    for secret in SECRETS:
        assert secret not in whole(page)
    refused = visit.handle(*BYPASS, "start_attempt", {"uuid": str(uuid4())})
    assert (refused.status, refused.json["code"]) == (409, "too_early")


@pytest.mark.lms
def test_it_is_complete_when_decided_and_not_before(visit: Any, people: Any, tracking: None) -> None:
    from completion.models import BlockCompletion

    done = BlockCompletion.objects.filter(user=people["ana"], block_type="integra_bypass")
    sit(visit, right=8)
    before = done.count()
    sit(visit, right=1)

    assert (before, done.count()) == (0, 1)


@pytest.mark.lms
def test_import_and_export_give_back_the_source(make_world: Any, block: Any) -> None:
    source = dict(block.attrib)
    exported = etree.fromstring(make_world(block).export(*BYPASS))
    exported.attrib.pop("xblock-family", None)

    assert dict(exported.attrib) == source
    assert [child.get("stratum") for child in exported] == ["6.1"] * 8 + ["6.2"] * 8 + ["6.3"] * 8


def test_a_module_nobody_can_be_exempt_from_says_so(make_world: Any, block: Any, people: Any) -> None:
    block.set("module_key", "m04")
    html = make_world(block).as_learner(people["ana"]).render(*BYPASS).html

    assert "no se puede aprobar por evaluación" in html
    assert 'data-integra="start"' not in html
