"""The module's result and "mi avance", in both runtimes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_xblocks.module import ModuleBlock

MODULE = ("integra_module", "m06")
RECORD = ("integra_record", "avance")
LESSON = ("integra_lesson", "m06-u03-leccion")
PRACTICE = ("integra_practice", "m06-u03-practica")
ADVICE = "Antes de este módulo: «Ideas»."


@pytest.fixture
def blocks(element: Any, lesson: Any, practice: Any) -> list[Any]:
    module = element(
        "integra_module", url_name="m06", module_key="m06", display_name="Módulo 6", advice=ADVICE
    )
    record = element("integra_record", url_name="avance", display_name="Mi avance")
    return [module, lesson, practice, record]


@pytest.fixture
def world(make_world: Any, blocks: list[Any]) -> Any:
    return make_world(*blocks)


def finish_unit(visit: Any) -> None:
    visit.handle(*LESSON, "finish", {"uuid": str(uuid4())})
    for key, response in (("m06-u03-q1", {"option": "b"}), ("m06-u03-q2", {"number": "1013"})):
        body = {"uuid": str(uuid4()), "item_key": key, "response": response}
        assert visit.handle(*PRACTICE, "answer", body).status == 200


def test_an_open_module_says_what_is_missing_and_where(world: Any, people: Any) -> None:
    html = world.as_learner(people["ana"]).render(*MODULE).html

    assert "Vas en camino" in html
    assert ADVICE in html
    for place in ("m06-u03", "m06-u03-practica"):
        assert f"/{place}" in html
    assert "Lee hasta el final la lección «Punto de equilibrio»." in html


def test_a_finished_module_says_so_and_still_asks_for_its_deliverable(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    finish_unit(visit)

    html = visit.render(*MODULE).html

    assert "Terminaste este módulo." in html
    assert ADVICE not in html
    assert "Envía tu trabajo «Hoja de costos»." in html
    assert "Vas en camino" in world.as_learner(people["beto"]).render(*MODULE).html


def test_the_maximum_is_one_whatever_is_known_and_belongs_to_the_class(world: Any) -> None:
    assert ModuleBlock.has_score is True
    assert ModuleBlock.max_score(None) == 1


@pytest.mark.parametrize("module_key", ["", "m99"])
def test_a_module_without_rules_says_so_and_raises_nothing(
    make_world: Any, element: Any, people: Any, module_key: str
) -> None:
    world = make_world(element("integra_module", url_name="m06", module_key=module_key))
    assert 'role="alert"' in world.as_learner(people["ana"]).render(*MODULE).html


def test_without_registered_rules_both_say_so_and_raise_nothing(
    make_world: Any, blocks: list[Any], people: Any
) -> None:
    visit = make_world(*blocks, is_registered=False).as_learner(people["ana"])
    for place in (MODULE, RECORD):
        assert 'role="alert"' in visit.render(*place).html


def test_the_record_shows_the_learners_own_facts(world: Any, people: Any) -> None:
    ana, beto = world.as_learner(people["ana"]), world.as_learner(people["beto"])
    finish_unit(ana)

    hers, his = ana.render(*RECORD).html, beto.render(*RECORD).html

    assert "36 de 108 minutos" in hers
    assert "0 de 108 minutos" in his
    code = api.get_short_code(api.Learner(people["ana"].pk, world.course_key))
    assert code in hers
    assert code not in his
    assert "MUESTRA" not in hers + his


def test_the_record_leads_to_the_pre_test_first(world: Any, people: Any) -> None:
    html = world.as_learner(people["ana"]).render(*RECORD).html
    assert "Empieza con las preguntas sobre lo que ya sabes." in html
    assert "/inicio" in html


def test_only_facilitators_see_the_way_to_the_desk(world: Any, people: Any, make_facilitator: Any) -> None:
    assert "Mesa de facilitación" not in world.as_learner(people["sofia"]).render(*RECORD).html
    make_facilitator(people["sofia"], world)
    assert "Mesa de facilitación" in world.as_learner(people["sofia"]).render(*RECORD).html
    assert "Mesa de facilitación" not in world.as_learner(people["ana"]).render(*RECORD).html


def test_the_record_shows_the_certificate_the_relay_brought(world: Any, people: Any) -> None:
    visit = world.as_learner(people["ana"])
    learner = api.Learner(people["ana"].pk, world.course_key)
    finish_unit(visit)
    url = "http://localhost:8001/c/token-de-ana"
    row = api.CertificateStateRow(
        api.get_learner_uuid(learner),
        "demo",
        api.CertificateStatus.VALID,
        "token-de-ana",
        url,
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    api.store_certificate_states([row])

    assert f'href="{url}"' in visit.render(*RECORD).html
    assert url not in world.as_learner(people["beto"]).render(*RECORD).html


def sit(learner: api.Learner, kind: str, block_key: str, bank: api.Bank, right_count: int, now: Any) -> Any:
    """Answer every drawn item, the first ``right_count`` of them right, and hand in."""
    attempt = api.start_attempt(learner, kind=kind, block_key=block_key, bank=bank, uuid=uuid4(), now=now)
    for number, item in enumerate(attempt.items):
        response = {"option": "b" if number < right_count else "a"}
        api.save_response(
            learner,
            attempt_uuid=attempt.uuid,
            block_key=block_key,
            item_key=item.key,
            response=response,
            now=now,
        )
    return api.submit_attempt(learner, attempt_uuid=attempt.uuid, block_key=block_key, now=now)


def bank_of(manifest: dict[str, Any], bank_id: str, items: Any) -> api.Bank:
    digest = next(bank["digest"] for bank in manifest["banks"] if bank["id"] == bank_id)
    return api.Bank(bank_id, digest, True, items)


def test_an_exempt_module_says_that_it_was_recognised(
    world: Any, people: Any, make_manifest: Any, ring_items: Any
) -> None:
    learner = api.Learner(people["ana"].pk, world.course_key)
    bank = bank_of(make_manifest(), "anillo-m06", ring_items)
    assert sit(learner, "bypass", "block-bypass", bank, 12, datetime.now(UTC)).outcome == "exempt"
    visit = world.as_learner(people["ana"])

    module, record = visit.render(*MODULE).html, visit.render(*RECORD).html

    assert "Ya sabes este módulo: se te reconoció por evaluación." in module
    assert "Envía tu trabajo «Hoja de costos»." in module
    assert "m06-u03-practica" not in module
    assert "Reconocido por evaluación" in record
    assert "0 por formación, 36 reconocidos por evaluación" in record


def test_the_gain_is_shown_once_both_tests_are_in(
    world: Any, people: Any, make_manifest: Any, twin_items: Any
) -> None:
    learner = api.Learner(people["ana"].pk, world.course_key)
    bank = bank_of(make_manifest(), "prueba-demo", twin_items)
    visit = world.as_learner(people["ana"])

    sit(learner, "pre", "block-pre", bank, 2, datetime.now(UTC))
    before = visit.render(*RECORD).html
    sit(learner, "post", "block-post", bank, 5, datetime.now(UTC))
    after = visit.render(*RECORD).html

    assert "2 de 8" not in before  # no score before its time
    assert "Ya tenemos tus respuestas del inicio." in before
    assert "<strong>2 de 8</strong>" in after
    assert "<strong>5 de 8</strong>" in after
    assert "ya aprendiste el 50 %" in after
    assert "La meta de la prueba final son 6 respuestas correctas." in after
