"""The checker finds every seeded difference, reports nothing else, and changes nothing."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from integra_service.audit.models import AuditEntry
from integra_service.credentials import services
from integra_service.credentials.checking import (
    check_credential,
    check_evidence,
    report_differences,
    settle_finding,
)
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    Finding,
    RevocationReason,
)
from integra_service.records.models import LearningRecordRow, Manifest
from integra_service.records.signals import record_changed
from integra_service.records.storage import digest_record, dump_record, load_record

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def issued(learner: Callable[..., Any], now: datetime) -> tuple[Any, Credential]:
    identity = learner()
    (credential,) = services.issue_due(identity, now)
    return identity, credential


def change_course(identity: Any, change: Callable[[Any], Any]) -> None:
    """Store the record as a later fold would, with one course changed."""
    row = LearningRecordRow.objects.for_system().get(identity=identity)
    record = load_record(row.content)
    content = dump_record(replace(record, courses=(change(record.courses[0]),)))
    rows = LearningRecordRow.objects.for_system().filter(pk=row.pk)
    rows.update(content=content, digest=digest_record(content))


def raise_level(course: Any) -> Any:
    (deliverable,) = course.deliverables
    return replace(course, deliverables=(replace(deliverable, levels=(("datos_propios", 1),)),))


def void_test(course: Any) -> Any:
    return replace(course, attempts=tuple(a for a in course.attempts if a.kind != "post"))


def regrade_test(course: Any) -> Any:
    return replace(
        course,
        attempts=tuple(replace(a, score=a.score - 1) if a.kind == "post" else a for a in course.attempts),
    )


def return_deliverable(course: Any) -> Any:
    return replace(course, deliverables=tuple(replace(d, outcome="returned") for d in course.deliverables))


def change_route(course: Any) -> Any:
    first, second = course.modules
    return replace(
        course, modules=(first, replace(second, state="done", route="training", minutes_trained=36))
    )


def reopen_module(course: Any) -> Any:
    return replace(course, modules=tuple(replace(m, state="open", route=None) for m in course.modules))


SEEDED = {
    void_test: ("evidence_gone", "test_missing:post"),
    return_deliverable: ("evidence_gone", "deliverable_returned:m06-hoja-de-costos"),
    reopen_module: ("evidence_gone", "module_open:m04"),
    regrade_test: ("evidence_changed", "tests:"),
    raise_level: ("evidence_changed", "deliverables:"),
    change_route: ("evidence_changed", "modules:m06"),
}


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
def test_a_changed_fact_is_found(issued: tuple[Any, Credential], now: datetime, seed: Any) -> None:
    identity, credential = issued
    change_course(identity, seed)
    (difference,) = check_credential(credential)
    code, detail = SEEDED[seed]
    assert difference.code == code
    assert any(each.startswith(detail) for each in difference.details)


def repeat_event(course: Any) -> Any:
    """The gradebook says the same again, later."""
    later = [replace(m, changed_at=m.changed_at + HOUR, event_id="again") for m in course.modules]
    return replace(course, modules=tuple(later))


def try_again(course: Any) -> Any:
    (post,) = (a for a in course.attempts if a.kind == "post")
    from uuid import uuid4

    again = replace(post, attempt_uuid=uuid4(), ordinal=2, score=8)
    return replace(course, attempts=(*course.attempts, again))


def hand_in_again(course: Any) -> Any:
    from uuid import uuid4

    (deliverable,) = course.deliverables
    return replace(course, deliverables=(replace(deliverable, submission_uuid=uuid4(), version=2),))


@pytest.mark.parametrize("change", [repeat_event, try_again, hand_in_again, lambda course: course])
def test_nothing_else_is_reported(issued: tuple[Any, Credential], change: Any) -> None:
    identity, credential = issued
    change_course(identity, change)
    assert check_credential(credential) == ()


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"content": b"{}"}, "bytes_changed", "document"),
        ({"evidence": '{"modules":[],"deliverables":[],"tests":[]}'}, "bytes_changed", "evidence"),
        ({"policy_digest": "0" * 64}, "undecidable", "0" * 64),
    ],
)
def test_a_changed_row_is_found(
    issued: tuple[Any, Credential], changes: dict[str, Any], code: str, detail: str
) -> None:
    CredentialDocument.objects.for_system().update(**changes)
    (difference,) = check_credential(issued[1])
    assert (difference.code, difference.details) == (code, (detail,))


def test_rules_that_are_no_longer_registered_are_found(issued: tuple[Any, Credential]) -> None:
    Manifest.objects.all().delete()
    (difference,) = check_credential(issued[1])
    assert difference.code == "evidence_gone"
    assert "rules_unknown:" in difference.details


def test_seeded_differences_are_all_found_and_nothing_is_changed(
    learner: Callable[..., Any], now: datetime
) -> None:
    seeds = [*SEEDED, *[None] * 4]
    pairs = [(learner(), seed) for seed in seeds]
    credentials = [services.issue_due(identity, now)[0] for identity, _seed in pairs]
    for identity, seed in pairs:
        if seed is not None:
            change_course(identity, seed)
    states = list(Credential.objects.for_system().order_by("pk").values())
    documents = list(CredentialDocument.objects.for_system().order_by("pk").values())
    for _ in range(2):
        report = check_evidence(pairs[0][0].source)
        assert (report.kind, report.checked_count, report.difference_count) == ("evidence", 10, 6)
    codes = Counter(difference["code"] for difference in json.loads(report.differences))
    assert codes == {"evidence_gone": 3, "evidence_changed": 3}
    found = Finding.objects.for_system().filter(settled_at=None)
    expected = {c.pk for c, (_i, seed) in zip(credentials, pairs, strict=True) if seed is not None}
    assert {row.credential_id for row in found} == expected
    assert found.count() == 6
    assert list(Credential.objects.for_system().order_by("pk").values()) == states
    assert list(CredentialDocument.objects.for_system().order_by("pk").values()) == documents


def test_a_late_void_is_reported_at_once(issued: tuple[Any, Credential]) -> None:
    identity, credential = issued
    change_course(identity, void_test)
    record_changed.send(sender=None, identity=identity)
    (finding,) = Finding.objects.for_system()
    assert (finding.code, json.loads(finding.details)) == ("evidence_gone", ["test_missing:post"])
    credential.refresh_from_db()
    assert credential.state == "valid"


def test_what_is_no_longer_so_is_settled_by_itself(issued: tuple[Any, Credential], now: datetime) -> None:
    identity, credential = issued
    kept = LearningRecordRow.objects.for_system().get(identity=identity)
    change_course(identity, void_test)
    report_differences(credential, now)
    LearningRecordRow.objects.for_system().update(content=kept.content, digest=kept.digest)
    assert report_differences(credential, now + HOUR) == ()
    (finding,) = Finding.objects.for_system()
    assert (finding.settled_at, finding.settled_by) == (now + HOUR, "system")
    change_course(identity, void_test)
    report_differences(credential, now + 2 * HOUR)
    assert Finding.objects.for_system().filter(settled_at=None).count() == 1


def test_what_a_person_settled_comes_again_only_when_it_says_something_else(
    issued: tuple[Any, Credential], now: datetime
) -> None:
    identity, credential = issued
    change_course(identity, regrade_test)
    report_differences(credential, now)
    settle_finding(Finding.objects.for_system().get(), by="user:7", now=now + HOUR)
    report_differences(credential, now + 2 * HOUR)
    assert Finding.objects.for_system().filter(settled_at=None).count() == 0
    change_course(identity, raise_level)
    report_differences(credential, now + 3 * HOUR)
    (again,) = Finding.objects.for_system().filter(settled_at=None)
    assert len(json.loads(again.details)) == 2
    assert [entry.action for entry in AuditEntry.objects.order_by("sequence")][-3:] == [
        "credential.finding",
        "credential.finding_settled",
        "credential.finding",
    ]


def test_what_no_longer_counts_is_not_checked(issued: tuple[Any, Credential], now: datetime) -> None:
    identity, credential = issued
    change_course(identity, void_test)
    services.revoke(credential, RevocationReason.EVIDENCE_WITHDRAWN, "user:7", now)
    report = check_evidence(identity.source)
    assert (report.checked_count, Finding.objects.for_system().count()) == (0, 0)
