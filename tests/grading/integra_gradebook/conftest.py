"""A small course, people, and what they do in it, all through the api."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, connections

from integra_gradebook import api
from integra_gradebook.models import LearnerEvent
from integra_gradebook.signals import event_recorded
from integra_grading.items import Item, bank_digest, item_digest
from integra_grading.manifest import manifest_digest

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
COURSE = "course-v1:INTEGRA+CAP40+2026"
OTHER_RUN = "course-v1:INTEGRA+CAP40+2027"
OUTCOMES = ("6.1", "6.3")


def make_item(key: str, *, outcome: str, form: str | None = None, stratum: str | None = None) -> Item:
    """A question of which ``b`` is right."""
    raw: dict[str, Any] = {
        "key": key,
        "kind": "single",
        "outcome": outcome,
        "level": "aplicar",
        "stem": f"<p>{key}</p>",
        "options": [
            {"key": "a", "text": "Poco", "feedback": "<p>Falta restar.</p>"},
            {"key": "b", "text": "Justo", "feedback": "<p>Bien.</p>", "correct": True},
            {"key": "c", "text": "Mucho", "feedback": "<p>Sobra.</p>"},
        ],
    }
    if form:
        raw["form"] = form
    if stratum:
        raw["stratum"] = stratum
    return Item.from_dict(raw)


def describe_bank(bank: api.Bank, kind: str, **more: Any) -> dict[str, Any]:
    items = []
    for item in bank.items:
        entry = {"key": item.key, "digest": item_digest(item)}
        entry |= {name: getattr(item, name) for name in ("form", "stratum") if getattr(item, name)}
        items.append(entry)
    return {
        "id": bank.id,
        "kind": kind,
        "public": bank.public,
        "digest": bank.digest,
        "items": items,
        "strata": [],
    } | more


def make_bank(bank_id: str, items: list[Item]) -> api.Bank:
    digest = bank_digest((item.key, item_digest(item)) for item in items)
    return api.Bank(bank_id, digest, True, tuple(items))


@dataclass
class Course:
    """What the blocks of the course carry."""

    manifest: dict[str, Any]
    practices: dict[str, tuple[Item, ...]]  # by unit
    test: api.Bank
    ring: api.Bank
    closing: api.Bank
    definition: dict[str, Any]
    document: dict[str, Any]


def make_course(*, accepted_by: str = "facilitator", due: str = "always") -> Course:
    test = make_bank(
        "prueba-demo",
        [
            make_item(f"pp-{number:02}-{form.lower()}", outcome=OUTCOMES[number % 2], form=form)
            for form in "ABC"
            for number in range(1, 9)
        ],
    )
    closing = make_bank(
        "cierre-demo",
        [
            make_item(f"ci-{outcome}-{number:02}", outcome=outcome, stratum=outcome)
            for outcome in OUTCOMES
            for number in range(1, 25)
        ],
    )
    ring = make_bank(
        "anillo-m06",
        [
            make_item(f"an-{outcome}-{number:02}", outcome=outcome, stratum=outcome)
            for outcome in OUTCOMES
            for number in range(1, 13)
        ],
    )
    practices = {
        "m04-u03": (make_item("m04-u03-q1", outcome="4.3"), make_item("m04-u03-q2", outcome="4.3")),
        "m06-u03": (make_item("m06-u03-q1", outcome="6.3"),),
    }
    manifest: dict[str, Any] = {
        "schema": "integra.manifest/1",
        "course": {"key": "cap40", "title": "Capacitación", "language": "es-419"},
        "achievements": ["curso", "demo"],
        "areas": [{"key": "demo", "modules": ["m04", "m06"]}],
        "modules": [
            {
                "key": "m04",
                "title": "Ideación",
                "minutes": 72,
                "can_be_bypassed": False,
                "outcomes": [{"key": "4.3", "text": "Entrevista."}],
                "units": [make_unit("m04-u03", 72, practices)],
                "deliverable": None,
            },
            {
                "key": "m06",
                "title": "Costos",
                "minutes": 36,
                "can_be_bypassed": True,
                "outcomes": [{"key": key, "text": "Calcula."} for key in OUTCOMES],
                "units": [make_unit("m06-u03", 36, practices)],
                "deliverable": {
                    "key": "m06-hoja",
                    "title": "Hoja de costos",
                    "due": due,
                    "accepted_by": accepted_by,
                    "rubric_version": "rubrica-1",
                },
            },
        ],
        "rubrics": [
            {
                "version": "rubrica-1",
                "cut": 5,
                "max_score": 8,
                "criteria": [
                    {
                        "key": key,
                        "title": key,
                        "must_be_positive": key == "datos",
                        "levels": [{"points": points, "text": str(points)} for points in (0, 1, 2)],
                    }
                    for key in ("datos", "pasos", "decision", "accion")
                ],
            }
        ],
        "tests": {
            "pre": {"forms": ["A", "B"], "max_score": 8, "minutes": 10},
            "post": {
                "forms": ["A", "B"],
                "further_forms": ["C"],
                "max_score": 8,
                "minutes": 10,
                "cut": 6,
                "max_attempts": 2,
                "wait_hours": 48,
            },
        },
        "blueprint": [{"outcome": key, "items": 4} for key in OUTCOMES],
        "bypass": {
            "form_items": 12,
            "exempt_at": 10,
            "take_at_most": 6,
            "second_exempt_at": 18,
            "max_sittings": 2,
            "window_months": 12,
            "wait_days": 30,
            "valid_months": 24,
            "minutes": 15,
        },
        "banks": [
            describe_bank(test, "test"),
            describe_bank(closing, "closing", strata=[{"key": key, "per_form": 12} for key in OUTCOMES]),
            describe_bank(
                ring, "bypass", module="m06", strata=[{"key": key, "per_form": 6} for key in OUTCOMES]
            ),
        ],
    }
    manifest["closing"] = [
        {
            "area": "demo",
            "bank": "cierre-demo",
            "max_score": 24,
            "minutes": 25,
            "cut": 17,
            "max_attempts": 2,
            "wait_hours": 48,
        }
    ]
    manifest["digest"] = manifest_digest(manifest)
    definition = {
        "key": "m06-hoja",
        "version": 1,
        "title": "Hoja de costos",
        "sections": [
            {
                "key": "precio",
                "title": "Precio",
                "fields": [
                    {"key": "precio", "kind": "money", "label": "Precio", "required": True},
                    {"key": "costo", "kind": "money", "label": "Costo", "required": True},
                    {
                        "key": "margen",
                        "kind": "computed",
                        "label": "Margen",
                        "format": "money",
                        "formula": "precio - costo",
                    },
                ],
            }
        ],
        "self_check": [{"key": "mi-pago", "text": "¿Está tu pago?"}],
    }
    document = {"values": {"precio": "2,50", "costo": "1,25"}, "self_check": ["mi-pago"]}
    return Course(manifest, practices, test, ring, closing, definition, document)


def make_unit(key: str, minutes: int, practices: dict[str, tuple[Item, ...]]) -> dict[str, Any]:
    return {
        "key": key,
        "title": key,
        "minutes": minutes,
        "always_required": False,
        "practices": [{"key": f"{key}-practica", "items": [item.key for item in practices[key]]}],
    }


def block(name: str, course_key: str = COURSE) -> str:
    return f"{course_key.replace('course', 'block')}+type@integra+block@{name}"


@dataclass
class Classroom:
    """The course as registered, and what people do in it. ``now`` is the server's clock."""

    course: Course
    key: str = COURSE
    now: datetime = NOW
    events: list[Any] = field(default_factory=list)

    def person(self, name: str) -> int:
        return get_user_model().objects.get_or_create(username=name)[0].pk

    def learner(self, name: str = "ana", *, cohort: str | None = None, run: str | None = None) -> api.Learner:
        learner = api.Learner(self.person(name), run or self.key)
        if cohort:
            api.enrol(learner, cohort_key=cohort, now=self.now)
        return learner

    def facilitator(self, name: str, cohort: str, **dates: Any) -> int:
        user_id = self.person(name)
        dates = {"starts_on": TODAY} | dates
        api.appoint_facilitator(user_id, self.key, cohort_key=cohort, **dates)
        return user_id

    def cohort(self, key: str, city: str, **more: Any) -> str:
        api.open_cohort(self.key, cohort_key=key, city_key=city, **more)
        return key

    def later(self, **parts: float) -> datetime:
        self.now += timedelta(**parts)
        return self.now

    # --- lessons ---

    def read(self, learner: api.Learner, unit: str = "m06-u03", *, uuid: UUID | None = None) -> api.UnitState:
        return api.complete_lesson(
            learner, unit_key=unit, block_key=block(f"{unit}-leccion"), uuid=uuid or uuid4(), now=self.now
        )

    def answer(
        self,
        learner: api.Learner,
        unit: str = "m06-u03",
        *,
        item: int = 0,
        option: str = "b",
        uuid: UUID | None = None,
        **more: Any,
    ) -> api.PracticeResult:
        arguments: dict[str, Any] = {
            "unit_key": unit,
            "practice_key": f"{unit}-practica",
            "block_key": block(f"{unit}-practica"),
            "item": self.course.practices[unit][item],
            "response": {"option": option},
            "uuid": uuid or uuid4(),
            "now": self.now,
        }
        return api.answer_practice(learner, **(arguments | more))

    def finish(self, learner: api.Learner, unit: str = "m06-u03") -> api.UnitState:
        self.read(learner, unit)
        for number in range(len(self.course.practices[unit])):
            state = self.answer(learner, unit, item=number).unit
        return state

    # --- attempts ---

    def start(
        self, learner: api.Learner, kind: str = "post", *, uuid: UUID | None = None, at: str | None = None
    ) -> api.AttemptView:
        return api.start_attempt(
            learner,
            kind=kind,
            block_key=at or block(kind),
            bank={"bypass": self.course.ring, "closing": self.course.closing}.get(kind, self.course.test),
            uuid=uuid or uuid4(),
            now=self.now,
        )

    def save(self, learner: api.Learner, attempt: api.AttemptView, item: str, option: str) -> api.AttemptView:
        return api.save_response(
            learner,
            attempt_uuid=attempt.uuid,
            block_key=attempt.block_key,
            item_key=item,
            response={"option": option},
            now=self.now,
        )

    def submit(self, learner: api.Learner, attempt: api.AttemptView) -> api.AttemptView:
        return api.submit_attempt(
            learner, attempt_uuid=attempt.uuid, block_key=attempt.block_key, now=self.now
        )

    def take(self, learner: api.Learner, kind: str, right: int, *, run: str = COURSE) -> api.AttemptView:
        """Take a test with ``right`` right answers and the others wrong."""
        attempt = self.start(learner, kind, at=block(kind, run))
        for number, item in enumerate(attempt.items):
            self.save(learner, attempt, item.key, "b" if number < right else "a")
        return self.submit(learner, attempt)

    # --- deliverables ---

    def hand_in(
        self, learner: api.Learner, *, uuid: UUID | None = None, document: Any = None, **more: Any
    ) -> api.SubmissionView:
        arguments: dict[str, Any] = {
            "module_key": "m06",
            "deliverable_key": "m06-hoja",
            "block_key": block("m06-hoja"),
            "definition": self.course.definition,
            "document": self.course.document if document is None else document,
            "uuid": uuid or uuid4(),
            "now": self.now,
        }
        return api.submit_deliverable(learner, **(arguments | more))

    def claim(self, rater: int, work: api.SubmissionView) -> api.SubmissionView:
        return api.claim_submission(rater, self.key, submission_uuid=work.uuid, now=self.now)

    def rate(
        self,
        rater: int,
        work: api.SubmissionView,
        points: int = 2,
        outcome: str = "accepted",
        *,
        uuid: UUID | None = None,
        **more: Any,
    ) -> api.RatingView:
        arguments: dict[str, Any] = {
            "submission_uuid": work.uuid,
            "levels": dict.fromkeys(("datos", "pasos", "decision", "accion"), points),
            "comments": {"": "Bien hecho."},
            "outcome": outcome,
            "uuid": uuid or uuid4(),
            "now": self.now,
        }
        return api.rate_submission(rater, self.key, **(arguments | more))

    # --- what was said ---

    def said(self, learner: api.Learner | None = None) -> list[str]:
        """Return the short names of the events so far, in order."""
        events = LearnerEvent.objects.order_by("learner_id", "sequence")
        if learner is not None:
            events = events.filter(learner__user_id=learner.user_id)
        return [kind.removeprefix("org.integra.learning.").removesuffix(".v1") for kind in types_of(events)]

    def last_said(self, name: str) -> dict[str, Any]:
        row = LearnerEvent.objects.filter(type=f"org.integra.learning.{name}.v1").order_by("-pk").first()
        assert row is not None, f"{name} was not said"
        return row.data


def types_of(events: Any) -> list[str]:
    return list(events.values_list("type", flat=True))


def count_rows() -> Counter[str]:
    """Count every row of the gradebook."""
    return Counter(
        {
            model.__name__: model.objects.count()
            for model in apps.get_app_config("integra_gradebook").get_models()
        }
    )


def in_parallel(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work(0) … work(count - 1)`` in threads that start together; return results or the errors raised."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(timeout=30)
            return work(number)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def course() -> Course:
    return make_course()


@pytest.fixture
def classroom(db: None, course: Course) -> Classroom:
    api.register_course(COURSE, course.manifest)
    return Classroom(course)


@pytest.fixture
def published(classroom: Classroom) -> Callable[[Iterable[Item]], api.Bank]:
    """Register the run again with other items in its test."""

    def publish(items: Iterable[Item]) -> api.Bank:
        bank = make_bank("prueba-demo", list(items))
        manifest = {key: value for key, value in classroom.course.manifest.items() if key != "digest"}
        manifest["banks"] = [
            describe_bank(bank, "test") if entry["id"] == bank.id else entry for entry in manifest["banks"]
        ]
        manifest["digest"] = manifest_digest(manifest)
        api.register_course(classroom.key, manifest)
        return bank

    return publish


@pytest.fixture
def refused(classroom: Classroom) -> Callable[..., api.GradebookError]:
    """Call a function that must refuse; nothing may have been written."""

    def check(code: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> api.GradebookError:
        before = count_rows()
        with pytest.raises(api.GradebookError) as caught:
            function(*args, **kwargs)
        assert caught.value.code == code
        assert caught.value.message
        assert count_rows() == before
        return caught.value

    return check


@pytest.fixture
def heard() -> Any:
    """Events as a receiver got them, and whether it was inside a transaction."""
    events: list[tuple[Any, bool]] = []

    def receive(event: Any, **kwargs: Any) -> None:
        events.append((event, connection.in_atomic_block))

    event_recorded.connect(receive)
    yield events
    event_recorded.disconnect(receive)


@pytest.fixture
def tools() -> Any:
    """Helpers for test modules: this folder is no package."""
    return Tools


class Tools:
    count_rows = staticmethod(count_rows)
    in_parallel = staticmethod(in_parallel)
    make_course = staticmethod(make_course)
    make_item = staticmethod(make_item)
    make_bank = staticmethod(make_bank)
    describe_bank = staticmethod(describe_bank)
    make_unit = staticmethod(make_unit)
    block = staticmethod(block)
    Classroom = Classroom
    COURSE = COURSE
    OTHER_RUN = OTHER_RUN
    NOW = NOW
    TODAY = TODAY
