"""A certificate that ends is followed by another one when the achievement is reached again, and not before."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format
from django.utils.timezone import localtime
from service_support import find_counting

from integra_service.audit.models import AuditEntry
from integra_service.credentials import approvals, completing, life, services
from integra_service.credentials.checking import check_credential
from integra_service.credentials.erasing import erase_credentials
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.models import (
    Act,
    Credential,
    CredentialDocument,
    CredentialState,
    ReplacementReason,
    RevocationReason,
    SuspensionReason,
)
from integra_service.credentials.policies import MIN_VALID_MONTHS, Decision, Reason, ReasonCode
from integra_service.credentials.renewal import Obstacle, Renewal, decide_renewal, find_opening
from integra_service.credentials.states import can_be_followed
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib.clock import utc_now
from integra_service.lib.dates import add_months
from integra_service.lib.days import end_of_day, local_day
from integra_service.people.models import Source
from integra_service.people.names import confirm_name
from integra_service.people.session import begin_session
from integra_service.records.judging import CLOCK_TOLERANCE
from integra_service.records.models import LearningRecordRow
from integra_service.records.storage import load_record
from integra_service.web.learner.my_page import describe_my_page

from .conftest import store_courses

pytestmark = pytest.mark.django_db

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
END = datetime(2028, 3, 3, 4, 59, 59, tzinfo=UTC)  # of 2 March in Ecuador: 24 months after NOW
OPENS = datetime(2027, 12, 3, 5, tzinfo=UTC)  # when the first of the ninety days before that one begins there
NEXT_END = datetime(2030, 3, 3, 4, 59, 59, tzinfo=UTC)
MET = Decision(True, (), "1", None, ())
LACKING = Decision(False, (Reason(ReasonCode.TEST_MISSING, "post"),), "1", None, ())


@pytest.fixture
def ending(monkeypatch: Any) -> None:
    """The achievement's policy, with certificates of two years."""
    (policy,) = approvals.read_own_policies()
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, valid_months=24),))


@pytest.fixture
def trainer(ending: None, learner: Callable[..., Any], now: datetime) -> Any:
    """A learner with a certificate that ends."""
    identity = learner()
    services.issue_due(identity, now)
    return identity


def terms_of(identity: Any) -> list[Credential]:
    return list(services.list_terms(identity.person))


def documents_of(credential: Credential) -> list[CredentialDocument]:
    return list(CredentialDocument.objects.for_system().filter(credential=credential).order_by("ordinal"))


def decide_renewals(identity: Any, at: datetime) -> Mapping[str, Renewal]:
    return services.decide_renewals(services.read_case(identity), terms_of(identity), at)


def take_again(identity: Any, at: datetime, *, score: int = 7) -> None:
    """Reach everything again in a new run of the course, its test handed in at that moment."""
    row = LearningRecordRow.objects.for_system().get(identity=identity)
    (first, *_others) = load_record(row.content).courses
    attempts = tuple(
        replace(a, attempt_uuid=uuid4(), submitted_at=at, score=score if a.kind == "post" else a.score)
        for a in first.attempts
    )
    again = replace(first, course_key=f"{first.course_key}-2", attempts=attempts)
    store_courses(identity, first, again)


@pytest.mark.parametrize("is_settled", [False, True])
@pytest.mark.parametrize("moment", [OPENS - SECOND, OPENS, END, END + DAY])
@pytest.mark.parametrize("decision", [MET, LACKING])
def test_a_renewal_is_due_when_nothing_stands_against_it(
    is_settled: bool, moment: datetime, decision: Decision
) -> None:
    renewal = decide_renewal(OPENS, decision, moment, is_settled=is_settled)
    assert renewal.is_due is (is_settled and moment >= OPENS and decision is MET)
    assert set(renewal.obstacles) == {
        *([] if is_settled else [Obstacle.UNSETTLED]),
        *([Obstacle.TOO_EARLY] if moment < OPENS else []),
    }
    assert (renewal.opens_at, renewal.decision) == (OPENS, decision)


@pytest.mark.parametrize("state", CredentialState)
def test_what_counts_can_be_followed_and_what_was_never_signed_once_it_is_past(state: str) -> None:
    credential = Credential(state=state, expires_at=END)
    assert can_be_followed(credential, END) is (state == "valid")
    assert can_be_followed(credential, END + SECOND) is (state in {"valid", "intended"})


def test_the_window_is_the_ninety_days_before_the_last_one() -> None:
    assert find_opening(END) == OPENS
    assert local_day(OPENS) == local_day(END) - 90 * DAY


def test_nothing_handed_in_for_the_shortest_certificate_is_in_the_window_of_the_next(now: datetime) -> None:
    for awarded_at in (now + number * DAY for number in range(366)):
        ends_at = end_of_day(add_months(local_day(awarded_at), MIN_VALID_MONTHS))
        assert find_opening(ends_at) > awarded_at + CLOCK_TOLERANCE


@pytest.mark.parametrize(
    ("tested_at", "renewed_at", "end"),
    [
        (OPENS, OPENS + DAY, NEXT_END),  # nothing of the former two years is lost
        (END - DAY, END + DAY, datetime(2030, 3, 4, 4, 59, 59, tzinfo=UTC)),
        (END + 400 * DAY, END + 401 * DAY, datetime(2031, 4, 8, 4, 59, 59, tzinfo=UTC)),
    ],
)
def test_whoever_reaches_it_again_gets_another_certificate(
    trainer: Any, now: datetime, tested_at: datetime, renewed_at: datetime, end: datetime
) -> None:
    take_again(trainer, tested_at)
    former, renewed = services.issue_due(trainer, renewed_at)
    assert services.issue_due(trainer, renewed_at + DAY) == (former, renewed)
    assert (former.term, renewed.term) == (1, 2)
    assert (former.expires_at, renewed.expires_at, renewed.awarded_at) == (END, end, renewed_at)
    assert (former.state, renewed.state) == ("valid", "valid")
    # Nothing joins the two for who sees one.
    assert len({former.token, renewed.token}) == len({former.subject_uuid, renewed.subject_uuid}) == 2
    (old,), (new,) = documents_of(former), documents_of(renewed)
    assert not {old.salt, old.name_hash, old.status_index} & {new.salt, new.name_hash, new.status_index}
    assert former.token not in new.body
    for document, moment, outcome in (
        (old, END, Outcome.VALID),
        (old, END + SECOND, Outcome.EXPIRED),
        (new, end, Outcome.VALID),
        (new, end + SECOND, Outcome.EXPIRED),
    ):
        judged = verify_document(bytes(document.content), resolve_own(get_issuer()), now=moment)
        assert judged.outcome is outcome
    assert AuditEntry.objects.filter(action="credential.issued").count() == 2


@pytest.mark.parametrize("tested_at", [datetime(2026, 6, 1, tzinfo=UTC), OPENS - SECOND])
def test_a_test_of_before_the_window_renews_nothing_whenever_it_is_asked(
    trainer: Any, tested_at: datetime
) -> None:
    take_again(trainer, tested_at)
    for moment in (tested_at, OPENS, END, END + DAY):
        assert [c.term for c in services.issue_due(trainer, moment)] == [1]


def test_the_old_results_alone_or_a_failed_test_renew_nothing(trainer: Any) -> None:
    assert [c.term for c in services.issue_due(trainer, END + DAY)] == [1]
    take_again(trainer, END + DAY, score=5)
    assert [c.term for c in services.issue_due(trainer, END + DAY)] == [1]
    (renewal,) = decide_renewals(trainer, END + DAY).values()
    assert renewal.obstacles == ()
    assert renewal.decision.reasons in {
        (Reason(ReasonCode.BELOW_CUT, "post"),),
        (Reason(ReasonCode.TEST_MISSING, "post"),),
    }


def test_what_was_taken_back_is_not_renewed_and_what_is_looked_into_waits(
    trainer: Any, learner: Callable[..., Any], now: datetime
) -> None:
    other = learner("Otra")
    services.issue_due(other, now)
    for identity in (trainer, other):
        take_again(identity, OPENS)
    (revoked,), (suspended,) = terms_of(trainer), terms_of(other)
    services.revoke(revoked, RevocationReason.MISUSE, "user:7", now)
    services.suspend(suspended, SuspensionReason.UNDER_REVIEW, "user:7", now)
    assert [len(services.issue_due(each, END + DAY)) for each in (trainer, other)] == [1, 1]
    services.reinstate(suspended, "user:7", END + DAY)
    assert [len(services.issue_due(each, END + DAY)) for each in (trainer, other)] == [1, 2]


def test_what_was_not_signed_before_its_end_stands_in_nobodys_way(trainer: Any, monkeypatch: Any) -> None:
    take_again(trainer, OPENS)
    with monkeypatch.context() as patch:
        patch.setattr(completing, "sign_forms", fail)
        with pytest.raises(RuntimeError):
            services.issue_due(trainer, OPENS + DAY)
    assert [(term.term, term.state) for term in terms_of(trainer)] == [(1, "valid"), (2, "intended")]
    late = NEXT_END + DAY
    take_again(trainer, late)
    assert services.complete_intents(late) == 0
    services.issue_due(trainer, late)
    assert [(term.term, term.state) for term in terms_of(trainer)] == [
        (1, "valid"),
        (2, "intended"),
        (3, "valid"),
    ]


def fail(*_args: Any) -> None:
    raise RuntimeError


def test_what_is_due_is_decided_over_one_reading_of_the_record(trainer: Any) -> None:
    take_again(trainer, OPENS)
    with CaptureQueriesContext(connection) as asked:
        services.issue_due(trainer, OPENS - DAY)
    assert sum("records_learningrecordrow" in query["sql"] for query in asked) == 1
    with CaptureQueriesContext(connection) as asked:
        describe_my_page(trainer, OPENS - DAY)
    assert sum("records_learningrecordrow" in query["sql"] for query in asked) == 1


def test_what_does_not_end_is_not_renewed(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner()
    services.issue_due(identity, now)
    take_again(identity, END)
    assert decide_renewals(identity, END + DAY) == {}
    assert len(services.issue_due(identity, END + DAY)) == 1


def test_the_classroom_hears_of_the_latest_one_only(trainer: Any) -> None:
    source = Source.objects.get()
    take_again(trainer, OPENS)
    former, renewed = services.issue_due(trainer, OPENS + DAY)
    assert [(row.token, row.state) for row in services.list_states(source, 0, OPENS + DAY)] == [
        (renewed.token, "valid")
    ]
    assert life.announce_expired(END + DAY) == 1  # of the former
    assert [(row.token, row.state) for row in services.list_states(source, 0, END + DAY)] == [
        (renewed.token, "valid")
    ]
    assert find_counting(trainer.person, "curso", END + DAY) == renewed
    services.revoke(renewed, RevocationReason.MISUSE, "user:7", OPENS + 2 * DAY)
    # Each stands for itself: whoever takes one back sees the other beside it.
    assert find_counting(trainer.person, "curso", OPENS + 2 * DAY) == former
    assert [(row.token, row.state) for row in services.list_states(source, 0, OPENS + 2 * DAY)] == [
        (former.token, "valid")
    ]


class Room:
    """A classroom that reads on and passes over older news, as the relay and the gradebook do."""

    def __init__(self, source: Source) -> None:
        self.source, self.position = source, 0
        self.known: tuple[str, str] | None = None
        self.changed_at = datetime.min.replace(tzinfo=UTC)

    def read(self, now: datetime) -> None:
        for row in services.list_states(self.source, self.position, now):
            self.position = row.position
            if row.changed_at >= self.changed_at:
                self.known, self.changed_at = (row.token, row.state), row.changed_at


def describe_counting(identity: Any, now: datetime) -> tuple[str, str]:
    told = find_counting(identity.person, "curso", now) or terms_of(identity)[-1]
    return told.token, services.effective_state(told, now)


def act_at_random(identity: Any, choose: Random, now: datetime) -> None:
    credential = choose.choice(terms_of(identity))
    act = choose.choice([*services.list_possible_acts(credential)] or [None])
    # Several hosts, whose clocks differ.
    moment = now + choose.randrange(60) * SECOND
    reasons = {Act.REVOKE: "misuse", Act.SUSPEND: "under_review", Act.REINSTATE: ""}
    if act is not None and (act is not Act.REVOKE or choose.random() < 0.3):
        life.perform(credential, act, reasons[act], by="user:7", now=moment)


@pytest.mark.parametrize("seed", range(40))
def test_the_classroom_knows_the_latest_that_counts_whatever_becomes_of_each(trainer: Any, seed: int) -> None:
    choose, room, now = Random(seed), Room(trainer.source), OPENS + DAY
    take_again(trainer, OPENS)
    room.read(now)
    services.issue_due(trainer, now)
    for _ in range(12):
        room.read(now)
        assert room.known == describe_counting(trainer, now)
        act_at_random(trainer, choose, now)
        now += choose.choice([SECOND, DAY, 30 * DAY])
        life.announce_expired(now)


def test_each_rests_on_its_own_results(trainer: Any) -> None:
    take_again(trainer, OPENS)
    former, renewed = services.issue_due(trainer, OPENS + DAY)
    assert (check_credential(former), check_credential(renewed)) == ((), ())
    row = LearningRecordRow.objects.for_system().get(identity=trainer)
    first, again = load_record(row.content).courses
    store_courses(trainer, first)
    assert check_credential(former) == ()
    assert [found.code for found in check_credential(renewed)] == ["evidence_gone"]
    store_courses(trainer, replace(first, attempts=()), again)
    assert [found.code for found in check_credential(former)] == ["evidence_changed"]
    assert check_credential(renewed) == ()


def test_another_name_ends_on_what_still_counts_and_past_ones_are_left(trainer: Any) -> None:
    take_again(trainer, OPENS)
    former, renewed = services.issue_due(trainer, OPENS + DAY)
    confirm_name(trainer.person, "Otro Nombre", actor="learner:x", now=END + DAY)
    services.issue_due(trainer, END + DAY)
    assert [len(documents_of(each)) for each in (former, renewed)] == [1, 2]
    assert documents_of(renewed)[0].replaced_because == ReplacementReason.NAME_CHANGED


def test_both_are_forgotten_with_their_holder(trainer: Any) -> None:
    take_again(trainer, OPENS)
    _former, renewed = services.issue_due(trainer, OPENS + DAY)
    assert erase_credentials(trainer.person, by="learner:x", now=OPENS + DAY) == 2
    (row,) = services.list_states(Source.objects.get(), 0, OPENS + DAY)
    assert (row.token, row.state) == (renewed.token, "erased")
    services.issue_due(trainer, END + DAY)
    assert [(term.term, term.state) for term in terms_of(trainer)] == [(1, "erased"), (2, "erased")]


# The pages tell by the clock of the machine, so these certificates ended and were renewed in its past.


@pytest.fixture
def renewed(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> tuple[Any, Credential, Credential]:
    (policy,) = approvals.read_own_policies()
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, valid_months=4),))
    identity = learner()
    services.issue_due(identity, now)
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, valid_months=600),))
    take_again(identity, now + 130 * DAY)
    former, later = services.issue_due(identity, now + 131 * DAY)
    return identity, former, later


def enter(identity: Any) -> Client:
    client = Client()
    session = client.session
    begin_session(session, identity, utc_now())
    session.save()
    return client


def test_only_the_holder_learns_from_the_old_page_that_there_is_a_new_one(
    renewed: tuple[Any, Credential, Credential],
) -> None:
    identity, former, later = renewed
    stranger = Client().get(f"/c/{former.token}").content.decode()
    assert "verdict-expired" in stranger
    assert later.token not in stranger
    assert "renov" not in stranger
    holder = enter(identity).get(f"/c/{former.token}").content.decode()
    assert f"/c/{later.token}" in holder
    assert former.token not in enter(identity).get(f"/c/{later.token}").content.decode()
    # What is signed for a former name is printed without one, and is not waited for.
    confirm_name(identity.person, "Otro Nombre", actor="learner:x", now=later.awarded_at + DAY)
    assert enter(identity).get(f"/mi/certificado/{former.token}.pdf").status_code == 200
    assert enter(identity).get(f"/mi/certificado/{later.token}.pdf").status_code == 503


def test_the_learners_page_says_how_to_renew_and_then_that_it_was_done(
    renewed: tuple[Any, Credential, Credential],
) -> None:
    identity, former, later = renewed
    page = enter(identity).get("/mi/").content.decode()
    assert page.index(later.token) < page.index(former.token)
    assert page.count("Ya lo renovaste") == 1
    assert page.count("puedes renovarlo") == 1
    assert f"Desde el {date_format(localtime(find_opening(later.expires_at)))}" in page.replace("\xa0", " ")


def test_the_learners_page_says_what_is_missing_once_it_can_be_renewed(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> None:
    (policy,) = approvals.read_own_policies()
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, valid_months=4),))
    identity = learner()
    (credential,) = services.issue_due(identity, now + DAY)
    page = enter(identity).get("/mi/").content.decode()
    assert "Ya puedes renovarlo" in page
    assert "Hacer la prueba final." in page
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now)
    assert "renov" not in enter(identity).get("/mi/").content.decode()
