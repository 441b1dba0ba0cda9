"""Who may take a certificate back or stand for a policy: officers of the city, and two of them where it says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from integra_service.audit.models import AuditEntry
from integra_service.credentials import approvals, services
from integra_service.credentials.acts import access_issued, access_requested, act_on, decide_act, still_fits
from integra_service.credentials.approvals import approve_policy, list_policies, propose_policy
from integra_service.credentials.checking import check_credential
from integra_service.credentials.models import (
    Act,
    ActDecision,
    Credential,
    PolicyApproval,
    RequestedAct,
    SourceDistrust,
    SuspensionReason,
)
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.access import Staff, find_staff
from integra_service.people.models import City, Role, Source, StaffRole

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)
HOUR = timedelta(hours=1)


def make_staff(name: str, city_key: str = "ciudad-a", role: Role = Role.OFFICER) -> Staff:
    city, _ = City.objects.get_or_create(key=city_key, defaults={"name": city_key})
    user = User.objects.create_user(name)
    StaffRole.objects.create(user=user, city=city, role=role, from_on=date(2026, 1, 1))
    staff = find_staff(user, on=DAY)
    assert staff is not None
    return staff


@pytest.fixture
def two_eyes(monkeypatch: Any) -> None:
    (policy,) = approvals.read_own_policies()
    declared = replace(policy, second_person=frozenset({"revoke"}))
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (declared,))


def test_an_officer_suspends_and_reinstates_alone(credential: Credential, now: datetime) -> None:
    officer = make_staff("ana")
    assert act_on(officer, credential, Act.SUSPEND, "under_review", now) is None
    assert credential.state == "suspended"
    act_on(officer, credential, Act.REINSTATE, "", now)
    assert credential.state == "valid"
    assert AuditEntry.objects.latest("sequence").actor == officer.actor


@pytest.mark.parametrize("role", [Role.STAFF, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_act_on_nothing(credential: Credential, now: datetime, role: Role) -> None:
    with pytest.raises(NotFoundError):
        act_on(make_staff("luis", role=role), credential, Act.SUSPEND, "under_review", now)
    credential.refresh_from_db()
    assert credential.state == "valid"


def test_an_officer_of_another_city_finds_nothing(credential: Credential, now: datetime) -> None:
    other = make_staff("eva", "ciudad-b")
    for call in (
        lambda: access_issued(other, credential.uuid),
        lambda: access_issued(make_staff("ana"), uuid4()),
        lambda: act_on(other, credential, Act.REVOKE, "misuse", now),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_an_operator_sees_no_credential(credential: Credential) -> None:
    with pytest.raises(NotFoundError):
        access_issued(make_staff("oscar", role=Role.OPERATOR), credential.uuid)


def test_revoking_takes_two(two_eyes: None, credential: Credential, now: datetime) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    requested = act_on(ana, credential, Act.REVOKE, "misuse", now)
    assert requested is not None
    assert act_on(ana, credential, Act.REVOKE, "misuse", now + HOUR) == requested
    credential.refresh_from_db()
    assert credential.state == "valid"
    with pytest.raises(RequestError) as refused:
        decide_act(ana, requested, ActDecision.APPROVED, now)
    assert (refused.value.code, refused.value.status) == ("second_person_needed", 409)
    assert access_requested(eva, requested.uuid) == requested
    decide_act(eva, requested, ActDecision.APPROVED, now + HOUR)
    credential.refresh_from_db()
    assert (credential.state, credential.reason) == ("revoked", "misuse")
    with pytest.raises(RequestError) as refused:
        decide_act(eva, requested, ActDecision.REFUSED, now + HOUR)
    assert refused.value.code == "already_decided"
    actions = list(AuditEntry.objects.order_by("sequence").values_list("action", "actor"))[-3:]
    assert actions == [
        ("credential.act_requested", ana.actor),
        ("credential.revoked", eva.actor),
        ("credential.act_approved", eva.actor),
    ]


def test_a_refused_act_does_nothing_and_may_be_asked_again(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    first = act_on(ana, credential, Act.REVOKE, "misuse", now)
    assert first is not None
    decide_act(eva, first, ActDecision.REFUSED, now)
    credential.refresh_from_db()
    assert credential.state == "valid"
    assert act_on(ana, credential, Act.REVOKE, "misuse", now) not in {None, first}


def test_while_one_act_waits_another_does_not_pass_it(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana = make_staff("ana")
    act_on(ana, credential, Act.REVOKE, "misuse", now)
    with pytest.raises(RequestError) as refused:
        act_on(ana, credential, Act.REVOKE, "issued_in_error", now)
    assert refused.value.code == "act_waiting"


def test_an_act_that_no_longer_fits_is_not_done_and_stays_open(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    requested = act_on(ana, credential, Act.REVOKE, "misuse", now)
    assert requested is not None
    Credential.objects.for_system().update(state="erased")
    with pytest.raises(RequestError):
        decide_act(eva, requested, ActDecision.APPROVED, now)
    assert RequestedAct.objects.for_system().get().decision == ""


def test_who_asked_takes_it_back_and_something_else_may_be_asked(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    requested = act_on(ana, credential, Act.REVOKE, "misuse", now)
    assert requested is not None
    with pytest.raises(RequestError) as refused:
        decide_act(eva, requested, ActDecision.WITHDRAWN, now)
    assert (refused.value.code, refused.value.status) == ("not_asked_by_you", 409)
    for _tab in range(2):
        decide_act(ana, requested, ActDecision.WITHDRAWN, now + HOUR)
    requested.refresh_from_db()
    assert (requested.decision, requested.decided_by, requested.decided_at) == ("withdrawn", None, now + HOUR)
    for staff, decision in ((eva, ActDecision.APPROVED), (ana, ActDecision.REFUSED)):
        with pytest.raises(RequestError) as refused:
            decide_act(staff, requested, decision, now + HOUR)
        assert refused.value.code == "already_decided"
    credential.refresh_from_db()
    assert credential.state == "valid"
    again = act_on(ana, credential, Act.REVOKE, "issued_in_error", now + HOUR)
    assert again is not None
    decide_act(eva, again, ActDecision.APPROVED, now + HOUR)
    with pytest.raises(RequestError) as refused:
        decide_act(ana, again, ActDecision.WITHDRAWN, now + HOUR)
    assert refused.value.code == "already_decided"
    actions = list(AuditEntry.objects.order_by("sequence").values_list("action", "actor"))[-5:]
    assert actions == [
        ("credential.act_requested", ana.actor),
        ("credential.act_withdrawn", ana.actor),
        ("credential.act_requested", ana.actor),
        ("credential.revoked", eva.actor),
        ("credential.act_approved", eva.actor),
    ]


def test_agreed_is_the_lifting_of_the_suspension_that_was_looked_at_and_of_no_later_one(
    credential: Credential, now: datetime, monkeypatch: Any
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    act_on(ana, credential, Act.SUSPEND, "under_review", now)
    with monkeypatch.context() as patch:
        (policy,) = approvals.read_own_policies()
        patch.setattr(
            approvals,
            "read_own_policies",
            lambda: (replace(policy, second_person=frozenset({"reinstate"})),),
        )
        requested = act_on(ana, credential, Act.REINSTATE, "", now)
    assert requested is not None
    assert still_fits(requested, credential)
    services.reinstate(credential, "user:7", now)
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now)
    assert not still_fits(requested, credential)
    with pytest.raises(RequestError) as refused:
        decide_act(eva, requested, ActDecision.APPROVED, now)
    assert (refused.value.code, refused.value.status) == ("asked_for_another_state", 409)
    requested.refresh_from_db()
    credential.refresh_from_db()
    assert (requested.decision, credential.state) == ("", "suspended")
    decide_act(eva, requested, ActDecision.REFUSED, now)
    assert RequestedAct.objects.for_system().get().decision == "refused"


def test_what_changed_since_it_was_looked_at_is_not_acted_on(credential: Credential, now: datetime) -> None:
    ana = make_staff("ana")
    seen = Credential.objects.for_system().get(pk=credential.pk)
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now)
    with pytest.raises(RequestError) as refused:
        act_on(ana, seen, Act.REVOKE, "misuse", now)
    assert (refused.value.code, refused.value.status) == ("changed_since_seen", 409)
    credential.refresh_from_db()
    assert credential.state == "suspended"


def test_who_looked_at_something_else_does_not_join_what_was_asked_for(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    requested = act_on(ana, credential, Act.REVOKE, "misuse", now)
    assert act_on(eva, credential, Act.REVOKE, "misuse", now) == requested
    services.suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", now)
    with pytest.raises(RequestError) as refused:
        act_on(eva, credential, Act.REVOKE, "misuse", now)
    assert refused.value.code == "act_waiting"


def test_a_suspension_meanwhile_does_not_save_from_a_revocation(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    requested = act_on(ana, credential, Act.REVOKE, "misuse", now)
    assert requested is not None
    act_on(eva, credential, Act.SUSPEND, "under_review", now)
    assert still_fits(requested, credential)
    decide_act(eva, requested, ActDecision.APPROVED, now)
    credential.refresh_from_db()
    assert credential.state == "revoked"


def test_the_database_knows_no_second_person_who_is_the_first(
    two_eyes: None, credential: Credential, now: datetime
) -> None:
    ana = make_staff("ana")
    act_on(ana, credential, Act.REVOKE, "misuse", now)
    with pytest.raises(IntegrityError), transaction.atomic():
        RequestedAct.objects.for_system().update(decided_by_id=ana.user_id)


def test_what_rests_on_a_distrusted_source_is_not_let_count_again(
    credential: Credential, now: datetime
) -> None:
    ana = make_staff("ana")
    act_on(ana, credential, Act.SUSPEND, "under_review", now)
    SourceDistrust.objects.create(
        source=Source.objects.get(), since=now, declared_by="user:1", declared_at=now
    )
    with pytest.raises(RequestError) as refused:
        act_on(ana, credential, Act.REINSTATE, "", now)
    assert (refused.value.code, refused.value.status) == ("source_distrusted", 409)
    SourceDistrust.objects.update(lifted_at=now)
    act_on(ana, credential, Act.REINSTATE, "", now)
    assert credential.state == "valid"


# Policies.


@pytest.fixture
def production(settings: Any, monkeypatch: Any, builders: Any) -> None:
    """Outside the demonstration, with banks that are no public ones."""
    settings.INTEGRA_DEMO = False
    monkeypatch.setattr(builders, "TEST_BANK", {**builders.TEST_BANK, "public": False})
    monkeypatch.setattr(builders, "RING_BANK", {**builders.RING_BANK, "public": False})


def test_nothing_is_issued_under_a_policy_before_two_people_stand_for_it(
    production: None, learner: Callable[..., Any], now: datetime
) -> None:
    identity = learner()
    ana, eva = make_staff("ana"), make_staff("eva")
    assert services.issue_due(identity, now) == ()
    approval = propose_policy(ana, "curso", now)
    assert propose_policy(eva, "curso", now) == approval
    with pytest.raises(RequestError) as refused:
        approve_policy(ana, approval.pk, now)
    assert refused.value.code == "second_person_needed"
    assert services.issue_due(identity, now) == ()
    approve_policy(eva, approval.pk, now + HOUR)
    (credential,) = services.issue_due(identity, now + HOUR)
    assert credential.state == "valid"
    assert approve_policy(ana, approval.pk, now + HOUR).approved_by_id == eva.user_id


@pytest.mark.parametrize("role", [Role.STAFF, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_stand_for_nothing(production: None, now: datetime, role: Role) -> None:
    approval = propose_policy(make_staff("ana"), "curso", now)
    other = make_staff("luis", role=role)
    for call in (
        lambda: propose_policy(other, "curso", now),
        lambda: approve_policy(other, approval.pk, now),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_unknown_policies_are_not_there(production: None, now: datetime) -> None:
    ana = make_staff("ana")
    with pytest.raises(NotFoundError):
        propose_policy(ana, "otra", now)
    with pytest.raises(NotFoundError):
        approve_policy(ana, 7, now)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Any:
    """A folder of achievements that can be changed, read again at every step as after a restart."""
    text = (Path(__file__).parents[1] / "achievements/curso.yaml").read_text(encoding="utf-8")
    settings.INTEGRA_ACHIEVEMENTS = tmp_path

    def write(changed: str) -> None:
        (tmp_path / "curso.yaml").write_text(changed, encoding="utf-8")
        approvals.read_own_policies.cache_clear()

    write(text)
    yield lambda old, new: write(text.replace(old, new))
    approvals.read_own_policies.cache_clear()


def test_a_new_version_waits_while_the_approved_one_stays_in_force(
    production: None, folder: Any, learner: Callable[..., Any], now: datetime
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    approve_policy(eva, propose_policy(ana, "curso", now).pk, now)
    (credential,) = services.issue_due(learner(), now)
    folder('version: "1"', 'version: "2"')
    (version,) = list_policies()
    assert (version.policy.version, version.counts) == ("1", True)
    second = propose_policy(ana, "curso", now + HOUR)
    assert list_policies()[0].policy.version == "1"
    approve_policy(eva, second.pk, now + HOUR)
    assert list_policies()[0].policy.version == "2"
    # What was issued under the first can still be decided again.
    assert check_credential(credential) == ()


def test_what_is_in_force_is_asked_each_time_and_its_text_is_read_once(
    production: None, folder: Any, now: datetime, django_assert_num_queries: Any
) -> None:
    ana, eva = make_staff("ana"), make_staff("eva")
    first = propose_policy(ana, "curso", now)
    approve_policy(eva, first.pk, now)
    folder('version: "1"', 'version: "2"')
    list_policies()
    with django_assert_num_queries(1) as asked:
        (version,) = list_policies()
    assert (version.policy.digest, version.policy.version) == (first.digest, "1")
    assert "content" not in asked[0]["sql"]
    with django_assert_num_queries(0):
        assert approvals.find_policy_by_digest(first.digest) == version.policy


def test_a_version_that_was_replaced_before_it_was_approved_stays_out_of_force(
    production: None, folder: Any, now: datetime
) -> None:
    """Otherwise one officer alone would bring back what the two others had put another version in the place of."""
    ana, eva = make_staff("ana"), make_staff("eva")
    lax = propose_policy(ana, "curso", now)
    folder('version: "1"', 'version: "2"')
    approve_policy(eva, propose_policy(ana, "curso", now + HOUR).pk, now + HOUR)
    with pytest.raises(RequestError) as refused:
        approve_policy(make_staff("mala"), lax.pk, now + 2 * HOUR)
    assert (refused.value.code, refused.value.status) == ("policy_replaced", 409)
    (version,) = list_policies()
    assert (version.policy.version, version.counts) == ("2", True)


def test_another_text_under_a_known_number_is_refused(production: None, folder: Any, now: datetime) -> None:
    ana = make_staff("ana")
    propose_policy(ana, "curso", now)
    folder("Completó los dos módulos", "Completó algún módulo")
    with pytest.raises(RequestError) as refused:
        propose_policy(ana, "curso", now)
    assert (refused.value.code, refused.value.field) == ("policy_version_taken", "version")
    assert PolicyApproval.objects.count() == 1


def test_a_file_that_changed_after_the_start_is_not_proposed(
    production: None, folder: Any, settings: Any, now: datetime
) -> None:
    approvals.read_own_policies()
    path = settings.INTEGRA_ACHIEVEMENTS / "curso.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("dos módulos", "tres módulos"), encoding="utf-8")
    with pytest.raises(RequestError) as refused:
        propose_policy(make_staff("ana"), "curso", now)
    assert refused.value.code == "policy_changed"
