"""The module's result and "mi avance", in both runtimes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from lxml import html as lxml_html

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


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("valid", "Tu certificado está emitido y es válido."),
        ("suspended", "Se está revisando; por ahora no vale."),
        ("revoked", "Este certificado ya no es válido."),
        ("expired", "Este certificado venció: ya pasó su fecha de validez."),
        ("erased", "Se borró, como lo pediste."),
        ("issued", "Abre «Mis certificados» para ver cómo está."),  # as an earlier release stored it
    ],
)
def test_the_record_says_of_each_certificate_whose_it_is_and_how_it_stands(
    world: Any, people: Any, state: str, sentence: str
) -> None:
    visit = world.as_learner(people["ana"])
    finish_unit(visit)
    me = api.get_learner_uuid(api.Learner(people["ana"].pk, world.course_key))
    url = "http://localhost:8001/c/token-de-ana"
    # The state as text: the block reads what is stored, whoever stored it.
    stored = api.CertificateStatus(state) if state != "issued" else state
    row = api.CertificateStateRow(me, "demo", stored, "token-de-ana", url, datetime(2026, 3, 1, tzinfo=UTC))
    api.store_certificate_states([row])

    course, area = goals_of(visit)

    assert area[:2] == ["Negocio con cuentas", ("✓ " if state == "valid" else "") + sentence]
    assert (len(area) == 3, url in visit.render(*RECORD).html) == (state != "erased", state != "erased")
    assert "Te falta:" in course[1]


def test_the_record_says_what_each_certificate_still_asks_for_and_where_its_test_is(
    world: Any, people: Any
) -> None:
    visit = world.as_learner(people["ana"])
    assert goals_of(visit) == [
        [
            "Economía para tu negocio",
            "Te falta: 2 de 2 módulos · 1 trabajo · la prueba final",
            "Ir a la prueba final",
        ],
        [
            "Negocio con cuentas",
            "Te falta: 1 módulo · 1 trabajo · la prueba de cierre",
            "Ir a la prueba de cierre",
        ],
    ]
    finish_unit(visit)
    page = visit.render(*RECORD).html
    assert "Te falta: 1 trabajo · la prueba de cierre" in page
    assert "/cierre-demo" in page


def test_a_closing_that_was_missed_says_how_near_it_was_and_when_it_opens_again(
    world: Any, people: Any, make_manifest: Any, closing_items: Any
) -> None:
    learner = api.Learner(people["ana"].pk, world.course_key)
    bank = bank_of(make_manifest(), "cierre-demo", closing_items)
    visit = world.as_learner(people["ana"])
    now = datetime.now(UTC)

    sit(learner, "closing", "block-closing", bank, 16, now)
    [_course, area] = goals_of(visit)
    [opens_at] = re.findall(r'datetime="([^"]+)"', visit.render(*RECORD).html)
    assert area[2].startswith("Prueba de cierre: 16 de 24; la meta es 17. Podrás hacerla desde:")
    assert datetime.fromisoformat(opens_at) == now + timedelta(hours=48)

    sit(learner, "closing", "block-closing", bank, 3, now + timedelta(hours=48))
    [_course, area] = goals_of(visit)
    assert area[2] == (
        "Prueba de cierre: 16 de 24; la meta es 17. Ya usaste todos sus intentos. "
        "Habla con tu facilitadora o facilitador."
    )
    assert "Prueba de cierre: " not in world.as_learner(people["beto"]).render(*RECORD).html


def test_a_preview_shows_the_certificates_of_an_invented_person(world: Any, people: Any) -> None:
    assert [goal[:2] for goal in goals_of(world.not_enrolled(people["ana"]))] == [
        [
            "Medios de vida, negocio y empleo",
            "Te falta: 1 de 2 módulos · 1 trabajo · la prueba final",
        ],
        ["Emprendimiento", "Te falta: 1 de 2 módulos · 1 trabajo · la prueba de cierre"],
        ["Empleabilidad", "✓ Tu certificado está emitido y es válido."],
    ]


def goals_of(visit: Any) -> list[list[str]]:
    """Return the lines of each certificate, as they are read."""
    page = lxml_html.fromstring(visit.render(*RECORD).html)
    goals = page.find_class("integra-record-goals")[0]
    return [
        [" ".join(part.text_content().split()) for part in goal if part.text_content().strip()]
        for goal in goals
    ]


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
