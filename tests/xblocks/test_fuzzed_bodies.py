"""Hundreds of bent bodies per handler: never a 5xx, nothing changed by a refusal, and many of them reach the rules.

Reliability §8. The bodies come from a seeded generator; ``INTEGRA_LONG=1`` sends 500 to each handler.
"""

from __future__ import annotations

import inspect
import json
import os
import random
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from lxml import etree
from xblock.core import XBlock

from integra_gradebook import api
from integra_grading.items import bank_digest, item_digest

pytestmark = pytest.mark.django_db

BODIES = 500 if os.environ.get("INTEGRA_LONG") else 40
PRACTICE = ("integra_practice", "m06-u03-practica")
LESSON = ("integra_lesson", "m06-u03-leccion")
TEST = ("integra_test", "prueba")
BYPASS = ("integra_bypass", "evaluacion")
SHEET = ("integra_deliverable", "hoja")
DESK = ("integra_desk", "mesa")
# Refusals of a body's form: what gets another answer was looked at by the rules.
OF_THE_FORM = {
    "not_json",
    "not_an_object",
    "duplicate_key",
    "not_a_number",
    "too_deep",
    "too_long",
    "unwanted_character",
    "body_too_large",
    "unknown_field",
    "missing_field",
    "wrong_type",
    "not_a_uuid",
}
JUNK = (
    None, True, False, 0, -1, 10**14, 1.5, "", "b", "no_lo_se", "x" * 300, "\u202e", "١٢", "NaN", "1e5", "-0",
    "1.013,50", "$ 2", [], ["b"], [["b"]], {}, {"b": "b"}, {"option": "b"}, "../../etc", "<script>", "' OR 1=1",
)  # fmt: skip
RESPONSES = (
    {"option": "a"}, {"option": "b"}, {"option": "c"}, {"option": "z"}, {"option": "no_lo_se"}, {"number": "1.013"},
    {"number": "1013"}, {"number": "nada"}, {"options": ["a", "b"]}, {"order": ["a", "b"]}, {"pairs": {"a": "b"}},
    {"cells": {"r/c": "1"}}, {"option": "b", "number": "1"}, {},
)  # fmt: skip


class Fuzzer:
    """Bends a body that would be accepted."""

    def __init__(self, name: str) -> None:
        self.chance = random.Random(name)

    def uuid(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def bend(self, body: dict[str, Any]) -> bytes:
        bent = dict(body)
        roll = self.chance.random()
        if roll < 0.5:
            pass  # as it is: another uuid, answer or place, chosen by whoever made it
        elif roll < 0.8 and bent:
            bent[self.chance.choice(sorted(bent))] = self.value()
        elif roll < 0.86 and bent:
            del bent[self.chance.choice(sorted(bent))]
        elif roll < 0.93:
            bent[self.chance.choice(("score", "max_score", "correct", "__proto__", "user_id"))] = self.value()
        else:
            text = json.dumps(bent).encode()
            place = self.chance.randrange(len(text))
            return text[:place] + self.chance.randbytes(2) + text[place:]
        return json.dumps(bent).encode()

    def value(self, depth: int = 0) -> Any:
        roll = self.chance.random()
        if depth < 3 and roll < 0.15:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(3))]
        if depth < 3 and roll < 0.3:
            return {str(self.value(3))[:12]: self.value(depth + 1) for _ in range(self.chance.randrange(3))}
        return self.chance.choice(JUNK)


@pytest.fixture
def world(make_world: Any, element: Any, lesson: Any, practice: Any, twin_items: Any, ring_items: Any) -> Any:
    def digest(items: Any) -> str:
        return bank_digest((item.key, item_digest(item)) for item in items)

    definition = {
        "key": "m06-hoja-de-costos",
        "version": 1,
        "title": "Hoja de costos",
        "sections": [
            {
                "key": "uno",
                "title": "Uno",
                "fields": [
                    {"key": "producto", "kind": "text", "label": "Producto", "required": True},
                    {"key": "precio", "kind": "money", "label": "Precio", "required": True},
                ],
            }
        ],
    }
    bank = {"bank_id": "prueba-demo", "bank_digest": digest(twin_items)}
    ring = {"bank_id": "anillo-m06", "bank_digest": digest(ring_items)}
    return make_world(
        lesson,
        practice,
        element("integra_test", items=twin_items, url_name="prueba", kind="post", form_items="8", **bank),
        element("integra_bypass", items=ring_items, url_name="evaluacion", module_key="m06", **ring),
        element(
            "integra_deliverable",
            url_name="hoja",
            module_key="m06",
            deliverable_key="m06-hoja-de-costos",
            definition=json.dumps(definition),
        ),
        element("integra_desk", url_name=DESK[1]),
    )


def fingerprint() -> str:
    """Everything the gradebook holds, so that a refusal that changed one value shows."""
    models = apps.get_app_config("integra_gradebook").get_models()
    return repr([list(model._default_manager.order_by("pk").values_list()) for model in models])


Make = Callable[[Fuzzer, Any], dict[str, Any]]


def _attempt(place: tuple[str, str]) -> Make:
    """A body for the open attempt; a new one is started when the last was sent."""

    def make(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
        started = visit.handle(*place, "start_attempt", {"uuid": fuzzer.uuid()})
        uuid = started.json.get("attempt_uuid") or fuzzer.uuid()
        return {"attempt_uuid": fuzzer.chance.choice([uuid, uuid, uuid, fuzzer.uuid()])}

    return make


def _answer(place: tuple[str, str], keys: tuple[str, ...]) -> Make:
    def make(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
        return {
            "uuid": fuzzer.uuid(),
            **_attempt(place)(fuzzer, visit),
            "item_key": fuzzer.chance.choice((*keys, "pp-99", "")),
            "response": fuzzer.chance.choice(RESPONSES),
        }

    return make


def _uuid(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {"uuid": fuzzer.uuid()}


def _try(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    keys = ("m06-u03-q1", "m06-u03-q2", "pp-1-a", "")
    return {
        "uuid": fuzzer.uuid(),
        "item_key": fuzzer.chance.choice(keys),
        "response": fuzzer.chance.choice(RESPONSES),
    }


_revisions = count()
GOOD_DOCUMENT = {"values": {"producto": "Pan", "precio": "1,50"}, "self_check": []}


def _document(fuzzer: Fuzzer) -> dict[str, Any]:
    values = {"producto": fuzzer.value(), "precio": fuzzer.chance.choice(("1,50", "nada", 7, None, "-3"))}
    return {"values": values, "self_check": fuzzer.chance.choice(([], ["x"], "x"))}


def _draft(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {"document": _document(fuzzer), "revision": fuzzer.chance.choice((0, next(_revisions), -1))}


def _sheet(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {"uuid": fuzzer.uuid(), "document": _document(fuzzer)}


def _learner_code(fuzzer: Fuzzer) -> str:
    from integra_gradebook.models import LearnerPseudonym

    code = LearnerPseudonym.objects.order_by("pk").values_list("short_code", flat=True).first()
    return str(fuzzer.chance.choice((code, code, code, "XXXX-XXXX", "")))


def _paper(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {"uuid": fuzzer.uuid(), "short_code": _learner_code(fuzzer)}


def _filled_paper(place: tuple[str, str], keys: tuple[str, ...]) -> Make:
    def make(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
        started = visit.handle(*place, "start_paper", _paper(fuzzer, visit))
        chosen = fuzzer.chance.sample(keys, fuzzer.chance.randrange(3))
        return {
            "short_code": _learner_code(fuzzer),
            "attempt_uuid": (started.json or {}).get("attempt_uuid") or fuzzer.uuid(),
            "responses": {key: fuzzer.chance.choice(RESPONSES) for key in chosen},
        }

    return make


def _sheet_back(place: tuple[str, str]) -> Make:
    def make(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
        started = visit.handle(*place, "start_paper", _paper(fuzzer, visit))
        uuid = (started.json or {}).get("attempt_uuid") or fuzzer.uuid()
        return {"short_code": _learner_code(fuzzer), "attempt_uuid": uuid}

    return make


def _work(fuzzer: Fuzzer) -> str:
    from integra_gradebook.models import Submission

    uuid = Submission.objects.order_by("-pk").values_list("uuid", flat=True).first()
    return str(fuzzer.chance.choice((uuid, uuid, fuzzer.uuid())))


def _rating(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    levels = {key: fuzzer.chance.choice((0, 1, 2, 3, -1)) for key in ("datos_propios", "procedimiento")}
    return {
        "uuid": fuzzer.uuid(),
        "submission_uuid": _work(fuzzer),
        "levels": levels | {"decision": 1, "accion": 1},
        "comments": {"": fuzzer.chance.choice(("Bien.", "", "x" * 3000))},
        "outcome": fuzzer.chance.choice(("accepted", "returned", "other")),
    }


def _support(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    granted = fuzzer.chance.choice((["extra_time"], ["assisted", "extra_time"], [], ["answers"]))
    return {"short_code": _learner_code(fuzzer), "accommodations": granted}


def _nothing(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {}


ATTEMPT_KEYS = tuple(f"pp-{number}-{form}" for number in (1, 2, 3) for form in "ab")
RING_KEYS = tuple(f"r-6{outcome}-{number}" for outcome in (1, 2, 3) for number in (1, 2, 3, 4))
HANDLERS: dict[tuple[tuple[str, str], str], Make] = {
    (LESSON, "finish"): _uuid,
    (LESSON, "tick"): _nothing,
    (PRACTICE, "answer"): _try,
    (PRACTICE, "answer_review"): _try,
    (TEST, "start_attempt"): _uuid,
    (TEST, "save_response"): _answer(TEST, ATTEMPT_KEYS),
    (TEST, "submit_attempt"): _attempt(TEST),
    (BYPASS, "start_attempt"): _uuid,
    (BYPASS, "save_response"): _answer(BYPASS, RING_KEYS),
    (BYPASS, "submit_attempt"): _attempt(BYPASS),
    (SHEET, "save_draft"): _draft,
    (SHEET, "load_draft"): _nothing,
    (SHEET, "submit_deliverable"): _sheet,
}


FACILITATORS: dict[tuple[tuple[str, str], str], Make] = {
    **{(place, "list_papers"): _nothing for place in (TEST, BYPASS)},
    **{(place, "start_paper"): _paper for place in (TEST, BYPASS)},
    (TEST, "submit_paper"): _filled_paper(TEST, ATTEMPT_KEYS),
    (BYPASS, "submit_paper"): _filled_paper(BYPASS, RING_KEYS),
    **{(place, "take_back_paper"): _sheet_back(place) for place in (TEST, BYPASS)},
    (DESK, "list_queue"): lambda fuzzer, visit: {"after": fuzzer.chance.choice((None, "x", "1|2", ""))},
    (DESK, "claim_submission"): lambda fuzzer, visit: {"submission_uuid": _work(fuzzer)},
    (DESK, "rate_submission"): _rating,
    (DESK, "list_roster"): _nothing,
    (DESK, "set_accommodations"): _support,
    (DESK, "show_report"): lambda fuzzer, visit: {"cohort_key": fuzzer.chance.choice((None, "manta-1", "x"))},
}
# Both answer files to GET, and read no body.
WITHOUT_BODY = {(DESK, "export_roster"), (DESK, "export_report")}


def test_every_handler_is_bent() -> None:
    found = {
        (place, name)
        for place in (LESSON, PRACTICE, TEST, BYPASS, SHEET, DESK)
        for name, function in inspect.getmembers(XBlock.load_class(place[0]))
        if getattr(function, "_is_xblock_handler", False) and not name.startswith("studio_")
    }
    assert found - WITHOUT_BODY == HANDLERS.keys() | FACILITATORS.keys()


@pytest.mark.parametrize(
    ("place", "handler"), HANDLERS, ids=lambda part: part if isinstance(part, str) else part[0]
)
def test_bent_bodies_are_answered_and_a_refusal_changes_nothing(
    world: Any, people: Any, place: tuple[str, str], handler: str
) -> None:
    fuzzer = Fuzzer(f"{place[0]}.{handler}")
    visit = world.as_learner(people["ana"])
    visit.handle(*LESSON, "finish", {"uuid": fuzzer.uuid()})  # the learner's place is there
    _bend(fuzzer, visit, place, handler, HANDLERS[place, handler])


@pytest.mark.parametrize(
    ("place", "handler"), FACILITATORS, ids=lambda part: part if isinstance(part, str) else part[0]
)
def test_bent_bodies_of_a_facilitator_are_answered_too(
    world: Any, people: Any, make_facilitator: Any, place: tuple[str, str], handler: str
) -> None:
    fuzzer = Fuzzer(f"{place[0]}.{handler}")
    ana = world.as_learner(people["ana"])
    ana.handle(*SHEET, "submit_deliverable", {"uuid": fuzzer.uuid(), "document": GOOD_DOCUMENT})
    found = api.find_place(api.Learner(people["ana"].pk, world.course_key))
    assert found is not None
    make_facilitator(people["sofia"], world, found.cohort_key, found.city_key)
    _bend(fuzzer, world.as_learner(people["sofia"]), place, handler, FACILITATORS[place, handler])


@pytest.mark.lms
@pytest.mark.parametrize("handler", ["studio_check", "studio_write", "studio_submit"])
def test_bent_bodies_of_an_author_are_answered_too(world: Any, people: Any, handler: str) -> None:
    fuzzer = Fuzzer(handler)
    visit = world.in_studio(people["aurora"], is_editing=True)
    content = etree.HTML(visit.render(*PRACTICE).html).xpath("//textarea[@name='content']")[0].text

    def make(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
        if handler == "studio_write":
            return {"values": {"items": fuzzer.value()}}
        place = fuzzer.chance.randrange(len(content))
        bent = content[:place] + str(fuzzer.value()) + content[place + fuzzer.chance.randrange(30) :]
        text = fuzzer.chance.choice((content, bent, bent))
        return {"content": text} | ({"display_name": "x"} if handler == "studio_submit" else {})

    _bend(fuzzer, visit, PRACTICE, handler, make)


def _bend(fuzzer: Fuzzer, visit: Any, place: tuple[str, str], handler: str, make: Make) -> None:
    reached = 0
    for _ in range(BODIES):
        body = fuzzer.bend(make(fuzzer, visit))
        before = fingerprint()
        answer = visit.handle(*place, handler, body)
        assert answer.status in (200, 400, 403, 404, 409, 413), (body, answer)
        if answer.status != 200:
            assert answer.json["code"], body
            assert answer.json["message"], body
            assert fingerprint() == before, body
        reached += answer.status == 200 or answer.json["code"] not in OF_THE_FORM
    assert reached >= 0.3 * BODIES, f"{reached} of {BODIES} reached the rules"
