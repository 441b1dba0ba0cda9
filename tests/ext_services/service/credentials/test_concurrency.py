"""Many workers at once on a server database: SQLite would let one writer in after the other and hide the race."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from integra_service.audit import services as audit
from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.credentials import approvals, services
from integra_service.credentials.acts import access_requested, act_on, decide_act
from integra_service.credentials.distrust import distrust_source, lift_distrust
from integra_service.credentials.erasing import erase_credentials
from integra_service.credentials.issuer import get_issuer, resolve_own, take_state_position
from integra_service.credentials.keys import KeyCompromisedError
from integra_service.credentials.life import set_bits
from integra_service.credentials.locks import lock_issuer, lock_source, lock_status_lists
from integra_service.credentials.models import (
    Act,
    ActDecision,
    Credential,
    CredentialDocument,
    Issuer,
    KeyAlgorithm,
    KeyState,
    RequestedAct,
    RevocationReason,
    Run,
    RunKind,
    SigningKey,
    SourceDistrust,
    StatusList,
    SuspensionReason,
)
from integra_service.credentials.names import is_name_of
from integra_service.credentials.runs import Progress, start_run, work
from integra_service.credentials.signing import SelfVerificationError
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.access import find_staff
from integra_service.people.accounts import give_role
from integra_service.people.models import HandoverUse, Role, Source, StaffRole
from integra_service.people.names import confirm_name, confirmed_name
from integra_service.records.models import InboxEvent
from integra_service.records.reconcile import request_comparison

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="needs a server database"),
]

THREADS = 20
T = TypeVar("T")


def at_once(jobs: list[Callable[[], T]]) -> list[T]:
    """Run the jobs in as many threads, started together, each with a connection of its own."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        try:
            barrier.wait(timeout=20)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_twenty_workers_issue_one_credential(builders: Any, now: Any) -> None:
    identity = builders.store_learner()
    results = at_once([lambda: services.issue_due(identity, now)] * THREADS)
    (credential,) = Credential.objects.for_system()
    (document,) = CredentialDocument.objects.for_system()
    assert {tuple(c.pk for c in issued) for issued in results} == {(credential.pk,)}
    assert {c.state for issued in results for c in issued} == {"valid"}
    assert (Issuer.objects.count(), SigningKey.objects.count(), StatusList.objects.count()) == (1, 2, 1)
    result = verify_document(bytes(document.content), resolve_own(get_issuer()), now=now)
    assert result.outcome is Outcome.VALID
    assert sorted(AuditEntry.objects.values_list("action", flat=True)) == [
        "credential.intended",
        "credential.issued",
        "issuer.created",
    ]


def test_twenty_workers_renew_once(builders: Any, now: Any, monkeypatch: Any) -> None:
    (policy,) = approvals.read_own_policies()
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, valid_months=24),))
    course = builders.make_course()
    later = now + timedelta(days=1000)
    again = replace(
        course,
        course_key="course-v1:INTEGRA+CAP40+otra",
        attempts=tuple(replace(a, attempt_uuid=uuid4(), submitted_at=later) for a in course.attempts),
    )
    identity = builders.store_learner(course=course)
    services.issue_due(identity, now)
    builders.store_courses(identity, course, again)
    results = at_once([lambda: services.issue_due(identity, later)] * THREADS)
    terms = Credential.objects.for_system().order_by("term")
    assert [(term.term, term.state) for term in terms] == [(1, "valid"), (2, "valid")]
    assert {tuple(c.pk for c in issued) for issued in results} == {tuple(term.pk for term in terms)}
    assert CredentialDocument.objects.for_system().count() == 2


def test_revoking_at_once_loses_no_bit(builders: Any, now: Any) -> None:
    credentials = [services.issue_due(builders.store_learner(), now)[0] for _ in range(THREADS)]
    revoked = credentials[::2]
    jobs = [lambda c=c: services.revoke(c, RevocationReason.MISUSE, "user:1", now) for c in revoked * 2]
    at_once(jobs)
    resolve = resolve_own(get_issuer())
    outcomes = {
        d.credential_id: verify_document(bytes(d.content), resolve, now=now).outcome
        for d in CredentialDocument.objects.for_system()
    }
    expected = {c.pk: Outcome.REVOKED if c in revoked else Outcome.VALID for c in credentials}
    assert outcomes == expected
    assert AuditEntry.objects.filter(action="credential.revoked").count() == len(revoked)
    assert check_chain().is_intact


def test_states_read_while_they_change_are_never_skipped(builders: Any, now: Any) -> None:
    """A reader that goes on from the last position it saw must see every change."""
    identities = [builders.store_learner() for _ in range(THREADS)]
    services.ensure_issuer(now)
    source = Source.objects.get()
    seen: dict[str, str] = {}

    def follow() -> None:
        after, deadline = 0, time.monotonic() + 60
        while len(seen) < THREADS and time.monotonic() < deadline:
            for row in services.list_states(source, after, now, limit=3):
                seen[row.token] = row.state
                after = row.position

    at_once([follow, *(lambda i=i: services.issue_due(i, now) for i in identities)])
    assert len(seen) == THREADS
    positions = Credential.objects.for_system().order_by("state_position")
    assert list(positions.values_list("state_position", flat=True)) == list(range(1, THREADS + 1))


def test_two_names_at_once_end_in_one_document_for_the_name_that_stayed(builders: Any, now: Any) -> None:
    identity = builders.store_learner("Uno")
    (credential,) = services.issue_due(identity, now)

    def rename(name: str) -> None:
        confirm_name(identity.person, name, actor="learner:x", now=now)
        services.issue_due(identity, now)

    at_once([lambda n=n: rename(f"Nombre {n}") for n in range(8)])
    services.issue_due(identity, now)
    name = confirmed_name(identity.person)
    documents = list(
        CredentialDocument.objects.for_system().filter(credential=credential).order_by("ordinal")
    )
    assert [d.ordinal for d in documents] == list(range(1, len(documents) + 1))
    assert is_name_of(name, salt=documents[-1].salt, identity_hash=documents[-1].name_hash)
    later = utc_now() + timedelta(
        minutes=1
    )  # confirming a name tells the receivers, whose clock is the real one
    outcomes = [
        verify_document(bytes(d.content), resolve_own(get_issuer()), now=later).outcome for d in documents
    ]
    assert outcomes == [Outcome.REVOKED] * (len(documents) - 1) + [Outcome.VALID]
    assert check_chain().is_intact


def test_opposite_acts_at_once_end_in_one_state_that_page_and_list_agree_on(builders: Any, now: Any) -> None:
    for _ in range(5):
        identity = builders.store_learner()
        (credential,) = services.issue_due(identity, now)

        def act(what: Callable[[Credential], None], pk: int = credential.pk) -> str:
            try:
                what(Credential.objects.for_system().get(pk=pk))
            except RequestError as error:
                return error.code
            return ""

        answers = at_once(
            [
                *[lambda: act(lambda c: services.revoke(c, RevocationReason.MISUSE, "user:1", now))] * 3,
                *[lambda: act(lambda c: services.suspend(c, SuspensionReason.UNDER_REVIEW, "user:2", now))]
                * 3,
                *[lambda: act(lambda c: erase_credentials(c.person, by="user:3", now=now) and None)] * 2,
            ]
        )
        assert set(answers) <= {"", "wrong_state"}
        credential.refresh_from_db()
        assert credential.state == "erased"
        document = CredentialDocument.objects.for_system().get(credential=credential)
        assert (document.is_revoked, document.content) == (True, None)
    assert check_chain().is_intact


def test_a_source_distrusted_while_its_learners_are_issued_to_leaves_none_in_force(
    builders: Any, now: Any
) -> None:
    identities = [builders.store_learner() for _ in range(THREADS)]
    services.ensure_issuer(now)
    source = identities[0].source
    for number, identity in enumerate(identities):
        store_event(identity, number, now)
    at_once(
        [
            *[lambda i=i: services.issue_due(i, now) for i in identities],
            lambda: distrust_source(source, now, by="user:7", now=now),
        ]
    )
    distrust_source(source, now, by="user:7", now=now)
    states = set(Credential.objects.for_system().values_list("state", flat=True))
    assert states <= {"suspended"}


def store_event(identity: Any, number: int, now: Any) -> None:
    InboxEvent.objects.get_or_create(
        source=identity.source,
        event_id="event-m04",
        defaults={
            "digest": "d",
            "type": "t",
            "learner_uuid": identity.learner_uuid,
            "sequence": number,
            "occurred_at": now,
            "received_at": now,
            "rule_version": "r",
            "body": "{}",
        },
    )


def test_two_officers_decide_one_act_once(builders: Any, now: Any, monkeypatch: Any) -> None:
    (policy,) = approvals.read_own_policies()
    declared = (replace(policy, second_person=frozenset({"revoke"})),)
    monkeypatch.setattr(approvals, "read_own_policies", lambda: declared)
    (credential,) = services.issue_due(builders.store_learner(), now)
    city = credential.person.city
    officers = []
    for number in range(6):
        user = User.objects.create_user(f"oficial-{number}")
        StaffRole.objects.create(user=user, city=city, role=Role.OFFICER, from_on=now.date())
        officers.append(find_staff(user, on=now.date()))
    requests = at_once([lambda o=o: act_on(o, credential, Act.REVOKE, "misuse", now) for o in officers])
    assert len({request.pk for request in requests}) == 1
    (requested,) = RequestedAct.objects.for_system()
    others = [officer for officer in officers if officer.user_id != requested.requested_by_id]

    def decide(officer: Any) -> str:
        try:
            decide_act(officer, access_requested(officer, requested.uuid), ActDecision.APPROVED, now)
        except RequestError as error:
            return error.code
        return "done"

    answers = at_once([lambda o=o: decide(o) for o in others])
    assert sorted(answers) == ["already_decided"] * (len(others) - 1) + ["done"]
    credential.refresh_from_db()
    assert credential.state == "revoked"


def test_two_workers_on_one_run_issue_each_once(builders: Any, now: Any) -> None:
    for _ in range(12):
        builders.store_learner()
    services.ensure_issuer(now)
    run = start_run(RunKind.ISSUE, by="user:7", now=now)

    def work_off() -> None:
        mine = Run.objects.get(pk=run.pk)
        while work(mine, now, chunk=3) is not Progress.FINISHED:
            pass

    at_once([work_off] * 4)
    run.refresh_from_db()
    assert (run.done_count, run.failed_count) == (12, 0)
    assert Credential.objects.for_system().filter(state="valid").count() == 12
    assert check_chain().is_intact


def test_twenty_starts_make_one_key(now: Any) -> None:
    services.ensure_issuer(now)
    SigningKey.objects.filter(algorithm=KeyAlgorithm.P256).delete()
    StatusList.objects.update(jwt="")
    at_once([lambda: services.complete_forms(services.ensure_issuer(now), now)] * THREADS)
    assert SigningKey.objects.filter(algorithm=KeyAlgorithm.P256).count() == 1
    assert StatusList.objects.get().jwt
    assert AuditEntry.objects.filter(action="key.created").count() == 1


def test_keys_change_while_credentials_are_issued_and_revoked(builders: Any, now: Any) -> None:
    """Nobody waits for ever, one key per algorithm is active, and what stands was signed by a key that counts."""
    revoked = [services.issue_due(builders.store_learner(), now)[0] for _ in range(4)]
    identities = [builders.store_learner() for _ in range(6)]
    issuer = get_issuer()
    stolen = list(SigningKey.objects.all())

    def issue(identity: Any) -> None:
        # The intent of one whose key is withdrawn on the way is completed below.
        with suppress(KeyCompromisedError, SelfVerificationError):
            services.issue_due(identity, now)

    at_once(
        [
            *(lambda c=c: services.revoke(c, RevocationReason.MISUSE, "user:1", now) for c in revoked),
            *(lambda i=i: issue(i) for i in identities),
            *(lambda a=a: services.rotate_key(issuer, a, now, "user:1") for a in list(KeyAlgorithm) * 2),
            *(lambda k=k: services.compromise_key(k, now, "user:1") for k in stolen * 2),
        ]
    )
    services.complete_intents(now)

    active = SigningKey.objects.filter(state=KeyState.ACTIVE)
    assert sorted(active.values_list("algorithm", flat=True)) == sorted(KeyAlgorithm)
    assert set(SigningKey.objects.filter(state=KeyState.COMPROMISED)) == set(stolen)
    status_list, resolve = StatusList.objects.get(), resolve_own(issuer)

    def resolve_jwt(address: str) -> bytes:
        return status_list.jwt.encode() if "/status/" in address else resolve(address)

    for document in CredentialDocument.objects.for_system().select_related("credential"):
        is_stolen = document.signing_key in stolen
        expected = Outcome.REVOKED if document.credential in revoked else Outcome.VALID
        for list_form in (resolve, resolve_jwt):
            outcome = verify_document(bytes(document.content), list_form, now=now).outcome
            assert outcome is (Outcome.REFUSED if is_stolen else expected)
    assert check_chain().is_intact


def start_until_it_waits(job: Callable[[], T]) -> Future[T]:
    """Start ``job`` in a thread and return once another transaction holds it up."""

    def run() -> T:
        try:
            return job()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(run)
    pool.shutdown(wait=False)
    deadline = time.monotonic() + 20
    while not is_somebody_waiting():
        assert not future.done(), future.exception() or "it did not wait"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return future


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("who", ["user", "source"])
def test_who_holds_the_audit_chain_is_not_held_up_by_who_waits_for_it(
    builders: Any, now: Any, who: str
) -> None:
    """Foreign keys are checked at the commit, when the chain's lock is held already."""
    identity = builders.store_learner()
    (credential,) = services.issue_due(identity, now)
    user = User.objects.create_user("oficial")
    jobs: dict[str, Callable[[], Any]] = {
        "user": lambda: give_role(user, Role.OFFICER, "ciudad-a", from_on=now.date(), to_on=None, now=now),
        "source": lambda: request_comparison(identity.source, actor="user:7", now=now),
    }
    with transaction.atomic():
        RequestedAct.objects.create(
            credential=credential, act=Act.REVOKE, reason="misuse", requested_by=user, requested_at=now
        )
        HandoverUse.objects.create(source=identity.source, jti="abcdefgh", used_at=now)
        audit.record("test.act", actor="system", subject="test", now=now)
        future = start_until_it_waits(jobs[who])
    future.result(timeout=20)
    assert check_chain().is_intact


def test_a_revocation_and_new_jwts_do_not_wait_for_each_other(builders: Any, now: Any) -> None:
    (credential,) = services.issue_due(builders.store_learner(), now)
    documents = CredentialDocument.objects.for_system().filter(credential=credential)
    documents.update(ob_jwt="", vc_jwt="", jose_key=None)
    issuer = get_issuer()
    with transaction.atomic():
        # As a revocation takes them: the credential, its documents, then the issuer.
        Credential.objects.for_system().select_for_update(no_key=True).get(pk=credential.pk)
        set_bits(documents, now)
        future = start_until_it_waits(lambda: services.complete_forms(issuer, now))
        take_state_position(issuer)
    assert future.result(timeout=20) == 1
    assert documents.get().ob_jwt


@pytest.mark.parametrize("who", ["officer", "command"])
def test_what_is_let_count_again_while_its_source_is_distrusted_stays_suspended(
    builders: Any, now: Any, who: str
) -> None:
    identity = builders.store_learner()
    (credential,) = services.issue_due(identity, now)
    services.suspend(credential, SuspensionReason.SOURCE_DISTRUSTED, "system", now)
    user = User.objects.create_user("oficial")
    StaffRole.objects.create(user=user, city=credential.person.city, role=Role.OFFICER, from_on=now.date())
    officer = find_staff(user, on=now.date())
    jobs: dict[str, Callable[[], Any]] = {
        "officer": lambda: act_on(officer, credential, Act.REINSTATE, "", now),
        "command": lambda: lift_distrust(identity.source, by="system", now=now),
    }
    with transaction.atomic():
        lock_source(identity.source_id)
        SourceDistrust.objects.create(
            source=identity.source, since=now, declared_by="system", declared_at=now
        )
        future = start_until_it_waits(jobs[who])
    if who == "officer":
        with pytest.raises(RequestError) as refused:
            future.result(timeout=20)
        assert refused.value.code == "source_distrusted"
    else:
        assert future.result(timeout=20) == 0
    credential.refresh_from_db()
    assert credential.state == "suspended"


def test_a_new_address_and_a_withdrawn_key_do_not_wait_for_each_other(now: Any, settings: Any) -> None:
    issuer = services.ensure_issuer(now)
    settings.INTEGRA_ISSUER_URL = "https://otra.example"
    with transaction.atomic():
        lock_status_lists(issuer.status_lists.all())
        future = start_until_it_waits(lambda: services.ensure_issuer(now))
        lock_issuer(issuer)
    assert future.result(timeout=20).url == "https://otra.example"


def test_acts_on_a_certificate_and_its_renewal_do_not_wait_for_each_other(
    builders: Any, now: Any, monkeypatch: Any
) -> None:
    (policy,) = approvals.read_own_policies()
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, valid_months=24),))
    course = builders.make_course()
    later = now + timedelta(days=700)
    again = replace(
        course,
        course_key="course-v1:INTEGRA+CAP40+otra",
        attempts=tuple(replace(a, attempt_uuid=uuid4(), submitted_at=later) for a in course.attempts),
    )
    identity = builders.store_learner(course=course)
    services.issue_due(identity, now)
    builders.store_courses(identity, course, again)
    terms = services.issue_due(identity, later)

    def act(credential: Credential) -> None:
        for _ in range(10):
            with suppress(RequestError):
                services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", later)
            with suppress(RequestError):
                services.reinstate(credential, "user:7", later)

    at_once([lambda t=t: act(Credential.objects.for_system().get(pk=t.pk)) for t in terms * 3])
    assert check_chain().is_intact
