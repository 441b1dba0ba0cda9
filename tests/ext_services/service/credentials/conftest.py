"""Learners whose stored records reach the demonstration's achievement, or almost."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from independent import free_port, wait_for
from javascript import install_packages

NOW = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
RULE_VERSION = "a" * 64
COURSE_KEY = "course-v1:INTEGRA+CAP40+demo"
TEST_BANK = {"id": "prueba-demo", "digest": "b" * 64, "public": True}
RING_BANK = {"id": "anillo-m06", "digest": "c" * 64, "public": True}
CLOSING_BANKS = {
    "emprendimiento": {"id": "cierre-emprendimiento", "digest": "e" * 64, "public": True},
    "empleabilidad": {"id": "cierre-empleabilidad", "digest": "f" * 64, "public": True},
}
NAME = "María José Ñáñez Quishpe"


@pytest.fixture
def now() -> datetime:
    return NOW


def make_module(key: str, route: str | None, minutes: int) -> Any:
    from integra_service.records.fold import ModuleRecord

    state = {"training": "done", "evaluation": "exempt", None: "open"}[route]
    trained, recognised = (minutes, 0) if route == "training" else (0, minutes)
    return ModuleRecord(key, state, route, (), trained, recognised, RULE_VERSION, NOW, f"event-{key}")


def make_attempt(kind: str, score: int, bank: dict[str, Any], module_key: str | None = None) -> Any:
    from integra_service.records.fold import AttemptRecord

    maximum, cut = (8, 6) if kind == "post" else (12, 10)
    return AttemptRecord(
        attempt_uuid=uuid4(),
        kind=kind,
        module_key=module_key,
        form_key="A",
        ordinal=1,
        score=score,
        max_score=maximum,
        cut=cut,
        bank_id=bank["id"],
        bank_digest=bank["digest"],
        mode="alone",
        rule_version=RULE_VERSION,
        started_at=NOW - timedelta(minutes=10),
        submitted_at=NOW,
        event_id=f"event-{kind}",
    )


def make_deliverable(outcome: str | None = "accepted") -> Any:
    from integra_service.records.fold import DeliverableRecord

    is_rated = outcome is not None
    return DeliverableRecord(
        deliverable_key="m06-hoja-de-costos",
        submission_uuid=uuid4(),
        version=1,
        digest="d" * 64,
        submitted_at=NOW,
        outcome=outcome,
        rated_by="facilitator" if is_rated else None,
        rating_uuid=uuid4() if is_rated else None,
        rater_uuid=uuid4() if is_rated else None,
        rubric_version="rubrica-1" if is_rated else None,
        levels=(("datos_propios", 2),) if is_rated else (),
        rated_at=NOW if is_rated else None,
        rule_version=RULE_VERSION,
        event_id="event-deliverable",
    )


def make_course(**changes: Any) -> Any:
    """Return a course run that reaches the achievement, with ``changes``."""
    from integra_service.records.fold import CourseRecord

    course = CourseRecord(
        course_key=COURSE_KEY,
        city_key="ciudad-a",
        cohort_key="cohorte-a",
        status="enrolled",
        modality="virtual",
        rule_version=RULE_VERSION,
        units=(),
        modules=(make_module("m04", "training", 72), make_module("m06", "evaluation", 36)),
        attempts=(make_attempt("bypass", 11, RING_BANK, "m06"), make_attempt("post", 7, TEST_BANK)),
        deliverables=(make_deliverable(),),
        standing=None,
    )
    return replace(course, **changes)


def make_record(*courses: Any, is_retired: bool = False) -> Any:
    from integra_service.records.fold import LearningRecord

    return LearningRecord(
        learner_uuid=uuid4(),
        city_key="ciudad-a",
        is_retired=is_retired,
        courses=courses,
        last_sequence=10,
        missing=(),
    )


def make_rules(*, is_public: bool = True) -> Any:
    from integra_service.credentials.policies import RegisteredBank, RegisteredRules

    banks = tuple(
        RegisteredBank(b["id"], b["digest"], is_public)
        for b in (TEST_BANK, RING_BANK, *CLOSING_BANKS.values())
    )
    closing_banks = {area: bank["id"] for area, bank in CLOSING_BANKS.items()}
    return {RULE_VERSION: RegisteredRules("cap40", banks, closing_banks)}


def store_manifest() -> None:
    from integra_service.records.models import Manifest

    content = json.dumps({"course": {"key": "cap40"}, "banks": [TEST_BANK, RING_BANK]})
    Manifest.objects.get_or_create(
        rule_version=RULE_VERSION,
        defaults={"course_family": "cap40", "content": content, "registered_at": NOW},
    )


def store_learner(name: str | None = NAME, *, has_consent: bool = True, course: Any = None) -> Any:
    """Store a learner of city A with consent, name and record; nothing is issued by it."""
    from integra_service.lib import encryption
    from integra_service.people.identities import ensure_identity
    from integra_service.people.models import City, Consent, LegalName, Purpose, Source
    from integra_service.people.names import name_context
    from integra_service.records.models import LearningRecordRow
    from integra_service.records.storage import digest_record, dump_record

    store_manifest()
    city, _ = City.objects.get_or_create(key="ciudad-a", defaults={"name": "Ciudad A"})
    source, _ = Source.objects.get_or_create(
        key="aula", defaults={"name": "Aula", "url": "http://localhost:8000"}
    )
    identity = ensure_identity(source, uuid4(), city.pk, NOW)
    if has_consent:
        Consent.objects.create(
            person=identity.person,
            purpose=Purpose.CERTIFICATE,
            is_granted=True,
            notice_version="1",
            decided_at=NOW,
        )
    if name is not None:
        token = encryption.encrypt_text(name, context=name_context(identity.person))
        LegalName.objects.create(person=identity.person, ciphertext=token, confirmed_at=NOW)
    record = replace(make_record(course or make_course()), learner_uuid=identity.learner_uuid)
    content = dump_record(record)
    LearningRecordRow.objects.create(
        identity=identity,
        content=content,
        digest=digest_record(content),
        last_sequence=10,
        missing_count=0,
        is_announcement_due=False,
    )
    return identity


def store_courses(identity: Any, *courses: Any) -> None:
    """Store the learner's record as later folds would, with these course runs."""
    from integra_service.records.models import LearningRecordRow
    from integra_service.records.storage import digest_record, dump_record, load_record

    row = LearningRecordRow.objects.for_system().get(identity=identity)
    content = dump_record(replace(load_record(row.content), courses=courses))
    rows = LearningRecordRow.objects.for_system().filter(pk=row.pk)
    rows.update(content=content, digest=digest_record(content))


@pytest.fixture
def builders() -> ModuleType:
    """This module, for tests that build records themselves."""
    return sys.modules[__name__]


@pytest.fixture
def learner(db: None) -> Callable[..., Any]:
    """A function that stores a learner."""
    return store_learner


@pytest.fixture
def credential(db: None) -> Any:
    """An issued credential of NAME."""
    from integra_service.credentials.services import issue_due

    (issued,) = issue_due(store_learner(), NOW)
    return issued


@pytest.fixture(scope="session")
def node_modules() -> None:
    """Install what the lock file names, with the ordinary client."""
    install_packages()


@pytest.fixture
def origin(process_database: dict[str, str], settings: Any) -> Iterator[str]:
    """The address of a running service whose issuer that address is."""
    from integra_service.credentials.services import ensure_issuer
    from integra_service.lib.clock import utc_now

    port = free_port()
    settings.INTEGRA_ISSUER_URL = f"http://localhost:{port}"
    environment = {**process_database, "INTEGRA_ISSUER_URL": settings.INTEGRA_ISSUER_URL}
    command = [sys.executable, "-m", "gunicorn", "integra_service.wsgi", "--bind", f"127.0.0.1:{port}"]
    ensure_issuer(utc_now())
    server = subprocess.Popen([*command, "--log-level", "error"], env=environment)
    try:
        wait_for(f"{settings.INTEGRA_ISSUER_URL}/.well-known/did.json", server)
        yield settings.INTEGRA_ISSUER_URL
    finally:
        server.terminate()
        server.wait(timeout=20)
