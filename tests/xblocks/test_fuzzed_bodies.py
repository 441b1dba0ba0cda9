"""Hundreds of bent bodies per handler: never a 5xx, nothing changed by a refusal, and many of them reach the rules.

Reliability §8. The bodies come from a seeded generator; ``INTEGRA_LONG=1`` sends 500 to each handler.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps

from integra_grading.items import bank_digest, item_digest

pytestmark = pytest.mark.django_db

BODIES = 500 if os.environ.get("INTEGRA_LONG") else 40
PRACTICE = ("integra_practice", "m06-u03-practica")
LESSON = ("integra_lesson", "m06-u03-leccion")
TEST = ("integra_test", "prueba")
BYPASS = ("integra_bypass", "evaluacion")
SHEET = ("integra_deliverable", "hoja")
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


def _document(fuzzer: Fuzzer) -> dict[str, Any]:
    values = {"producto": fuzzer.value(), "precio": fuzzer.chance.choice(("1,50", "nada", 7, None, "-3"))}
    return {"values": values, "self_check": fuzzer.chance.choice(([], ["x"], "x"))}


def _draft(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {"document": _document(fuzzer), "revision": fuzzer.chance.choice((0, next(_revisions), -1))}


def _sheet(fuzzer: Fuzzer, visit: Any) -> dict[str, Any]:
    return {"uuid": fuzzer.uuid(), "document": _document(fuzzer)}


ATTEMPT_KEYS = tuple(f"pp-{number}-{form}" for number in (1, 2, 3) for form in "ab")
RING_KEYS = tuple(f"r-6{outcome}-{number}" for outcome in (1, 2, 3) for number in (1, 2, 3, 4))
HANDLERS: dict[tuple[tuple[str, str], str], Make] = {
    (LESSON, "finish"): _uuid,
    (LESSON, "tick"): lambda fuzzer, visit: {},
    (PRACTICE, "answer"): _try,
    (PRACTICE, "answer_review"): _try,
    (TEST, "start_attempt"): _uuid,
    (TEST, "save_response"): _answer(TEST, ATTEMPT_KEYS),
    (TEST, "submit_attempt"): _attempt(TEST),
    (BYPASS, "start_attempt"): _uuid,
    (BYPASS, "save_response"): _answer(BYPASS, RING_KEYS),
    (BYPASS, "submit_attempt"): _attempt(BYPASS),
    (SHEET, "save_draft"): _draft,
    (SHEET, "load_draft"): lambda fuzzer, visit: {},
    (SHEET, "submit_deliverable"): _sheet,
}


@pytest.mark.parametrize(
    ("place", "handler"), HANDLERS, ids=lambda part: part if isinstance(part, str) else part[0]
)
def test_bent_bodies_are_answered_and_a_refusal_changes_nothing(
    world: Any, people: Any, place: tuple[str, str], handler: str
) -> None:
    fuzzer = Fuzzer(f"{place[0]}.{handler}")
    visit = world.as_learner(people["ana"])
    visit.handle(*LESSON, "finish", {"uuid": fuzzer.uuid()})  # the learner's place is there
    reached = 0
    for _ in range(BODIES):
        body = fuzzer.bend(HANDLERS[place, handler](fuzzer, visit))
        before = fingerprint()
        answer = visit.handle(*place, handler, body)
        assert answer.status in (200, 400, 403, 404, 409, 413), (body, answer)
        if answer.status != 200:
            assert answer.json["code"], body
            assert answer.json["message"], body
            assert fingerprint() == before, body
        reached += answer.status == 200 or answer.json["code"] not in OF_THE_FORM
    assert reached >= 0.3 * BODIES, f"{reached} of {BODIES} reached the rules"
