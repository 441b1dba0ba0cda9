"""What becomes of an issued credential: suspended, taken back, replaced, expired, forgotten; and who sees what."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import product
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from service_support import find_counting

from integra_service.audit.models import AuditEntry
from integra_service.credentials import approvals, completing, life, services
from integra_service.credentials.distrust import distrust_source, lift_distrust
from integra_service.credentials.erasing import erase_credentials
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.models import (
    Act,
    Credential,
    CredentialDocument,
    CredentialState,
    ReplacementReason,
    RevocationReason,
    SourceDistrust,
    StatusList,
    SuspensionReason,
)
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib.errors import RequestError
from integra_service.people.models import Source
from integra_service.people.names import confirm_name
from integra_service.records.models import InboxEvent

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
REASON = {
    Act.REVOKE: RevocationReason.MISUSE,
    Act.SUSPEND: SuspensionReason.UNDER_REVIEW,
    Act.REINSTATE: "",
}


def documents_of(credential: Credential) -> list[CredentialDocument]:
    return list(CredentialDocument.objects.for_system().filter(credential=credential).order_by("ordinal"))


def judge(document: CredentialDocument, now: datetime) -> Outcome:
    return verify_document(bytes(document.content or b""), resolve_own(get_issuer()), now=now).outcome


def show(credential: Credential, typed: str | None = None) -> str:
    address = f"/c/{credential.token}"
    answer = Client().get(address) if typed is None else Client().post(address, {"nombre": typed})
    return answer.content.decode()


TABLE = {
    ("valid", Act.REVOKE): "revoked",
    ("valid", Act.SUSPEND): "suspended",
    ("valid", Act.REINSTATE): "valid",  # already so
    ("suspended", Act.REVOKE): "revoked",
    ("suspended", Act.SUSPEND): "suspended",
    ("suspended", Act.REINSTATE): "valid",
    ("revoked", Act.REVOKE): "revoked",
    ("revoked", Act.SUSPEND): "wrong_state",
    ("revoked", Act.REINSTATE): "wrong_state",
    ("erased", Act.REVOKE): "wrong_state",
    ("erased", Act.SUSPEND): "wrong_state",
    ("erased", Act.REINSTATE): "wrong_state",
    ("intended", Act.REVOKE): "not_issued",
    ("intended", Act.SUSPEND): "not_issued",
    ("intended", Act.REINSTATE): "not_issued",
}


def test_the_table_of_acts_is_whole() -> None:
    assert set(TABLE) == set(product([state.value for state in CredentialState], Act))


@pytest.mark.parametrize(("state", "act"), TABLE)
def test_what_each_act_does_in_each_state(
    credential: Credential, now: datetime, state: str, act: Act
) -> None:
    position = None if state == "intended" else credential.state_position
    Credential.objects.for_system().update(state=state, state_position=position)
    entries = AuditEntry.objects.count()
    expected = TABLE[state, act]
    if expected in CredentialState:
        life.perform(credential, act, REASON[act], by="user:7", now=now + HOUR)
        assert credential.state == expected
        is_changed = expected != state
    else:
        with pytest.raises(RequestError) as refused:
            life.perform(credential, act, REASON[act], by="user:7", now=now + HOUR)
        assert (refused.value.code, refused.value.status) == (expected, 409)
        credential.refresh_from_db()
        is_changed = False
    assert (credential.changed_at == now + HOUR) is is_changed
    assert AuditEntry.objects.count() - entries == is_changed


@pytest.mark.parametrize(
    ("act", "reason"),
    [(Act.REVOKE, "under_review"), (Act.SUSPEND, "misuse"), (Act.REINSTATE, "misuse"), (Act.REVOKE, "")],
)
def test_a_reason_of_another_act_is_refused(
    credential: Credential, now: datetime, act: Act, reason: str
) -> None:
    with pytest.raises(RequestError) as refused:
        life.perform(credential, act, reason, by="user:7", now=now)
    assert refused.value.code == "bad_reason"
    credential.refresh_from_db()
    assert credential.state == "valid"


def test_suspension_is_said_by_page_and_states_and_can_be_undone(
    credential: Credential, now: datetime
) -> None:
    source = Source.objects.get()
    published = StatusList.objects.get().content
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now + HOUR)
    page = show(credential)
    assert "Suspendid" in page
    assert "verdict-suspended" in page
    (row,) = services.list_states(source, 1, now + HOUR)
    assert (row.position, row.state) == (2, "suspended")
    assert find_counting(credential.person, "curso", now + HOUR) is None
    # The list knows revocation only, which cannot be taken back.
    assert StatusList.objects.get().content == published
    assert judge(documents_of(credential)[0], now + HOUR) is Outcome.VALID

    services.reinstate(credential, "user:8", now + 2 * HOUR)
    assert "verdict-valid" in show(credential)
    assert [row.state for row in services.list_states(source, 2, now + 2 * HOUR)] == ["valid"]
    assert credential.reason == ""


def test_a_changed_name_replaces_the_document_under_the_same_address(
    learner: Callable[..., Any], now: datetime
) -> None:
    identity = learner("Rosa Elena Pérez")
    (credential,) = services.issue_due(identity, now)
    confirm_name(identity.person, "Rosa Elena Pérez Vda. de Mora", actor="learner:x", now=now + HOUR)
    services.issue_due(identity, now + HOUR)
    former, current = documents_of(credential)
    then, today = json.loads(bytes(former.content)), json.loads(bytes(current.content))
    assert (then["id"], then["awardedDate"]) == (today["id"], today["awardedDate"])
    assert then["validFrom"] < today["validFrom"]
    assert then["credentialSubject"]["achievement"] == today["credentialSubject"]["achievement"]
    assert then["credentialSubject"]["id"] == today["credentialSubject"]["id"]
    assert former.status_index != current.status_index
    assert former.salt != current.salt
    assert (former.replaced_because, former.replaced_at) == (ReplacementReason.NAME_CHANGED, now + HOUR)
    assert (judge(former, now + HOUR), judge(current, now + HOUR)) == (Outcome.REVOKED, Outcome.VALID)
    credential.refresh_from_db()
    assert (credential.state, credential.changed_at) == ("valid", now)
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, "Mora" in entry.data) == ("credential.replaced", False)
    assert Client().get(f"/c/{credential.token}.json").content == bytes(current.content)

    assert "answer-match" in show(credential, "rosa elena pérez vda. de mora")
    old = show(credential, "Rosa Elena Pérez")
    assert "answer-no-match" in old
    assert "reemplaz" in old
    assert "reemplaz" not in show(credential, "Rosa Pérez").split("name-check")[1]


def test_the_same_name_spelled_otherwise_replaces_nothing(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner("Rosa Elena Pérez")
    (credential,) = services.issue_due(identity, now)
    confirm_name(identity.person, "ROSA  Elena pérez", actor="learner:x", now=now + HOUR)
    services.issue_due(identity, now + HOUR)
    assert len(documents_of(credential)) == 1


def test_two_changes_within_a_second_keep_their_order(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner("Uno")
    (credential,) = services.issue_due(identity, now)
    for name in ("Dos", "Tres"):
        confirm_name(identity.person, name, actor="learner:x", now=now)
        services.issue_due(identity, now)
    begins = [json.loads(d.body)["validFrom"] for d in documents_of(credential)]
    assert begins == sorted(set(begins))
    assert [judge(d, now + HOUR) for d in documents_of(credential)] == [
        Outcome.REVOKED,
        Outcome.REVOKED,
        Outcome.VALID,
    ]


@pytest.mark.parametrize("state", ["revoked", "erased"])
def test_what_does_not_count_any_more_is_not_replaced(
    learner: Callable[..., Any], now: datetime, state: str
) -> None:
    identity = learner("Uno")
    (credential,) = services.issue_due(identity, now)
    if state == "revoked":
        services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    else:
        erase_credentials(identity.person, by="system", now=now)
    confirm_name(identity.person, "Dos", actor="learner:x", now=now + HOUR)
    services.issue_due(identity, now + HOUR)
    credential.refresh_from_db()
    assert (credential.state, len(documents_of(credential))) == (state, 1)


def test_a_suspended_one_is_replaced_and_stays_suspended(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner("Uno")
    (credential,) = services.issue_due(identity, now)
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now)
    confirm_name(identity.person, "Dos", actor="learner:x", now=now + HOUR)
    services.issue_due(identity, now + HOUR)
    credential.refresh_from_db()
    assert (credential.state, credential.reason) == ("suspended", "under_review")
    assert len(documents_of(credential)) == 2


def test_a_replacement_that_was_only_begun_is_finished_later(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> None:
    identity = learner("Uno")
    (credential,) = services.issue_due(identity, now)
    confirm_name(identity.person, "Dos", actor="learner:x", now=now + HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(completing, "_sign", lambda *_args: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space"):
            services.issue_due(identity, now + HOUR)
    # Until then the page shows what was signed.
    assert "answer-match" in show(credential, "Uno")
    call_command("integra_work", stdout=StringIO())
    former, current = documents_of(credential)
    assert former.replaced_at is not None
    assert current.signed_at is not None
    assert "answer-match" in show(credential, "Dos")


def with_policy(monkeypatch: Any, **changes: Any) -> None:
    (policy,) = approvals.read_own_policies()
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (replace(policy, **changes),))


def test_expiry_is_signed_shown_and_told(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> None:
    with_policy(monkeypatch, valid_months=24)
    (credential,) = services.issue_due(learner(), now)
    (document,) = documents_of(credential)
    end = datetime(2028, 3, 3, 4, 59, 59, tzinfo=UTC)  # the end of 2 March in Ecuador
    assert json.loads(bytes(document.content))["validUntil"] == "2028-03-03T04:59:59Z"
    assert credential.expires_at == end
    assert judge(document, end) is Outcome.VALID
    assert judge(document, end + timedelta(seconds=1)) is Outcome.EXPIRED
    assert services.effective_state(credential, end) == "valid"
    assert services.effective_state(credential, end + timedelta(seconds=1)) == "expired"
    assert find_counting(credential.person, "curso", end + HOUR) is None

    assert life.announce_expired(end) == 0
    assert life.announce_expired(end + HOUR) == 1
    assert life.announce_expired(end + 2 * HOUR) == 0
    (row,) = services.list_states(Source.objects.get(), 1, end + HOUR)
    assert (row.position, row.state) == (2, "expired")


def test_an_expired_page_says_until_when(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> None:
    with_policy(monkeypatch, valid_months=1)  # the clock of the pages is past that
    (credential,) = services.issue_due(learner(), now)
    page = show(credential)
    assert "verdict-expired" in page
    assert "2 de abril de 2026" in page.lower()


def test_erasing_leaves_a_tombstone_that_names_nobody(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner("Canario Amarillo")
    (credential,) = services.issue_due(identity, now)
    (document,) = documents_of(credential)
    salt, name_hash, content = document.salt, document.name_hash, bytes(document.content)
    assert erase_credentials(identity.person, by="learner:x", now=now + HOUR) == 1
    assert erase_credentials(identity.person, by="learner:x", now=now + HOUR) == 0
    (document,) = documents_of(credential)
    kept = {
        name: getattr(document, name)
        for name in ("salt", "name_hash", "evidence", "body", "ob_jwt", "vc_jwt")
    }
    assert set(kept.values()) == {""}
    assert document.content is None
    assert document.is_revoked
    # Whoever kept a copy learns that it no longer counts.
    assert verify_document(content, resolve_own(get_issuer()), now=now + HOUR).outcome is Outcome.REVOKED
    page = show(credential)
    assert "Borrado" in page
    assert not any(word in page for word in (salt, name_hash, "Emprender"))
    for form in ("json", "pdf"):
        assert Client().get(f"/c/{credential.token}.{form}").status_code == 404
    assert show(credential, "Canario Amarillo") == page.replace(
        page[page.find("csrf") :], page[page.find("csrf") :]
    )
    assert services.list_credentials(identity.person) == ()
    (row,) = services.list_states(Source.objects.get(), 1, now + HOUR)
    assert row.state == "erased"


def send_events(identity: Any, received_at: datetime, *event_ids: str) -> None:
    for number, event_id in enumerate(event_ids):
        InboxEvent.objects.create(
            source=identity.source,
            event_id=event_id,
            digest=event_id,
            type="t",
            learner_uuid=identity.learner_uuid,
            sequence=number,
            occurred_at=received_at,
            received_at=received_at,
            rule_version="r",
            body="{}",
            state="applied",
        )


def test_a_distrusted_source_suspends_what_rests_on_it_and_holds_the_rest(
    learner: Callable[..., Any], builders: Any, now: datetime
) -> None:
    early, late = learner("Antes"), None
    (before,) = services.issue_due(early, now)
    send_events(early, now - HOUR, "event-m04")
    module = builders.make_module("m04", "training", 72)
    other = replace(module, event_id="event-late")
    late = learner(
        "Después", course=builders.make_course(modules=(other, builders.make_module("m06", "evaluation", 36)))
    )
    (after,) = services.issue_due(late, now)
    send_events(late, now + HOUR, "event-late")
    source = early.source

    assert distrust_source(source, now, by="user:7", now=now + 2 * HOUR) == (after,)
    for credential, state in ((before, "valid"), (after, "suspended")):
        credential.refresh_from_db()
        assert credential.state == state
    assert "revis" in show(after)
    fresh = learner("Nueva")
    assert services.issue_due(fresh, now + 3 * HOUR) == ()
    ((_policy, decision),) = services.decide_achievements(services.read_case(fresh))
    assert [reason.code for reason in decision.reasons] == ["source_distrusted"]

    assert lift_distrust(source, by="user:8", now=now + 4 * HOUR) == 1
    after.refresh_from_db()
    assert after.state == "valid"
    assert len(services.issue_due(fresh, now + 5 * HOUR)) == 1


def test_distrust_is_repeatable_and_lifting_twice_is_refused(
    learner: Callable[..., Any], now: datetime
) -> None:
    identity = learner()
    (credential,) = services.issue_due(identity, now)
    send_events(identity, now + HOUR, "event-m04")
    for _ in range(2):
        assert distrust_source(identity.source, now, by="user:7", now=now + HOUR) == (credential,)
    with pytest.raises(RequestError) as refused:
        distrust_source(identity.source, now - HOUR, by="user:7", now=now + HOUR)
    assert refused.value.code == "distrusted_since_later"
    lift_distrust(identity.source, by="user:7", now=now + HOUR)
    with pytest.raises(RequestError) as refused:
        lift_distrust(identity.source, by="user:7", now=now + HOUR)
    assert refused.value.code == "not_distrusted"


def test_a_lift_that_stopped_on_the_way_goes_on(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner()
    (credential,) = services.issue_due(identity, now)
    send_events(identity, now + HOUR, "event-m04")
    distrust_source(identity.source, now, by="user:7", now=now + HOUR)
    # As the process left it that was killed between the source's row and the first credential.
    SourceDistrust.objects.update(lifted_at=now + HOUR, lifted_by="user:7")
    assert lift_distrust(identity.source, by="user:7", now=now + 2 * HOUR) == 1
    credential.refresh_from_db()
    assert credential.state == "valid"
    with pytest.raises(RequestError) as refused:
        lift_distrust(identity.source, by="user:7", now=now + 2 * HOUR)
    assert refused.value.code == "not_distrusted"


def test_lifting_leaves_what_was_suspended_for_another_reason(
    learner: Callable[..., Any], now: datetime
) -> None:
    identity = learner()
    (credential,) = services.issue_due(identity, now)
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now)
    send_events(identity, now + HOUR, "event-m04")
    distrust_source(identity.source, now, by="user:7", now=now + HOUR)
    assert lift_distrust(identity.source, by="user:7", now=now + HOUR) == 0
    credential.refresh_from_db()
    assert (credential.state, credential.reason) == ("suspended", "under_review")


def test_the_command_distrusts_lists_and_lifts(learner: Callable[..., Any], now: datetime) -> None:
    identity = learner()
    (credential,) = services.issue_due(identity, now)
    send_events(identity, now, "event-m04")
    out = StringIO()
    call_command("integra_distrust", "aula", "--since", "2026-01-01T00:00:00Z", stdout=out)
    assert f"/c/{credential.token}" in out.getvalue()
    assert "1 credentials rest" in out.getvalue()
    call_command("integra_distrust", "aula", "--lift", stdout=out)
    credential.refresh_from_db()
    assert credential.state == "valid"
    for arguments in (
        ["aula", "--since", "2026-01-01"],
        ["aula", "--since", "ayer"],
        ["otra", "--lift"],
        ["aula"],
    ):
        with pytest.raises(CommandError):
            call_command("integra_distrust", *arguments, stdout=out)
