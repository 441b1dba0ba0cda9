"""A service on the loopback, the bridge's settings pointing to it, and events to send."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from standin.service_peer import Peer, running

from integra_bridge import outbox
from integra_bridge.conf import get_settings
from integra_bridge.relay import run_pass
from integra_gradebook import api
from integra_grading.events import Event, UnitCompleted
from integra_grading.manifest import manifest_digest

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


class Clock:
    """A clock that begins now and that tests move; it ticks a millisecond whenever it is read."""

    def __init__(self) -> None:
        self.now = timezone.now() + timedelta(seconds=1)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def forward(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture
def peer(settings):
    with running(Peer(settings.INTEGRA_WEBHOOK_SECRET)) as serving:
        settings.INTEGRA_DEMO = True
        settings.INTEGRA_SERVICE_URL = serving.url
        yield serving


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_event():
    sequences = itertools.count(1)

    def make(learner_uuid: UUID | None = None) -> Event:
        return Event(
            id=str(uuid4()),
            learner_uuid=learner_uuid or uuid4(),
            sequence=next(sequences),
            time=NOW,
            data=UnitCompleted(
                city_key="quito",
                cohort_key="quito-2026-1",
                course_key="course-v1:INTEGRA+CAP40+2026",
                rule_version="a" * 64,
                unit_key="m06-u03",
                declared_minutes=36,
                active_minutes=31,
            ),
        )

    return make


@pytest.fixture
def queue(make_event):
    """Queue so many events, each in the transaction of its fact; return their ids in order."""

    def record(count: int) -> list[str]:
        events = [make_event() for _ in range(count)]
        for event in events:
            with transaction.atomic():
                outbox.record_event(event, source="standin", now=NOW)
        return [event.id for event in events]

    return record


@pytest.fixture
def relay(clock):
    """Run one pass of the relay."""

    def run(is_stopping=lambda: False):
        return run_pass(get_settings(), clock=clock, chance=random.Random(7), is_stopping=is_stopping)

    return run


# --- facts of the gradebook, which say events by themselves -----------------------------------------

COURSE_KEY = "course-v1:INTEGRA+CAP40+2026"


def _manifest() -> dict[str, object]:
    """The smallest course: one module with one unit without practices."""
    unit = {"key": "m06-u03", "title": "Costos", "minutes": 36, "always_required": False, "practices": []}
    module = {
        "key": "m06",
        "title": "Costos",
        "minutes": 36,
        "can_be_bypassed": False,
        "outcomes": [],
        "units": [unit],
        "deliverable": None,
    }
    raw = {
        "schema": "integra.manifest/1",
        "course": {"key": "cap40", "title": "Economía para tu negocio", "language": "es-419"},
        "achievements": [],
        "areas": [],
        "modules": [module],
        "rubrics": [],
        "tests": {
            "pre": {"forms": ["A", "B"], "max_score": 8, "minutes": 10},
            "post": {
                "forms": ["A", "B"],
                "max_score": 8,
                "minutes": 10,
                "cut": 6,
                "max_attempts": 2,
                "wait_hours": 48,
            },
        },
        "blueprint": [],
        "bypass": None,
        "banks": [],
    }
    return {**raw, "digest": manifest_digest(raw)}


@pytest.fixture
def learner(transactional_db):
    api.register_course(COURSE_KEY, _manifest())
    user = get_user_model().objects.create_user("rosa", "rosa@example.org")
    return api.Learner(user.pk, COURSE_KEY)


@pytest.fixture
def complete_lesson():
    """Record a fact; the bridge hears of it as it does in the LMS."""

    def complete(learner, unit_key: str = "m06-u03"):
        return api.complete_lesson(learner, unit_key=unit_key, block_key="block-v1:x", uuid=uuid4(), now=NOW)

    return complete
