"""Officers who press at the same moment, through real pages on a server database: one consistent end, and no 5xx."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection
from service_support import NOW, give_factor, make_staff
from test_console_credentials import graduate, officer, page_of, two_eyes

from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.credentials.approvals import read_own_policies
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    Finding,
    FindingCode,
    RequestedAct,
    Run,
)
from integra_service.people.models import Role

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="needs a server database"),
]
NAMES = ("ana", "eva", "ines", "luz", "mia", "sol")


@pytest.fixture
def room(committed_world):
    """A certificate in city A, and six officers of A with a browser each."""
    world = committed_world
    world.certificate = graduate(world.a, "Persona Canario de A")
    for name in NAMES:
        make_staff(name, "ciudad-a", Role.OFFICER)
        give_factor(name)
    world.officers = {name: officer(world, name) for name in NAMES}
    return world


def press(room, path_of, fields_of):
    """Let all officers post at one moment; return the status each got."""
    barrier = threading.Barrier(len(NAMES))

    def post(number):
        try:
            barrier.wait(timeout=30)
            name = NAMES[number]
            return room.officers[name].post(path_of(number), fields_of(number)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(NAMES)) as pool:
        return list(pool.map(post, range(len(NAMES))))


def confirm(room, reason):
    """The last button of an act, over the certificate as it was when all opened the page."""
    return {"step": "confirm", "reason": reason, "state_position": room.certificate.state_position}


def list_actions(credential):
    entries = AuditEntry.objects.filter(subject=f"credential:{credential.uuid}").order_by("sequence")
    return list(entries.values_list("action", flat=True))[2:]  # after it was intended and issued


def test_one_of_many_decides_a_request(room, monkeypatch):
    two_eyes(monkeypatch, "suspend")
    asking = User.objects.get(username=make_staff("pidio", "ciudad-a", Role.OFFICER))
    requested = RequestedAct.objects.create(
        credential=room.certificate,
        act="suspend",
        reason="under_review",
        requested_by=asking,
        requested_at=NOW,
    )
    path = f"{page_of(room.certificate)}pedidos/{requested.uuid}/"
    decisions = ("approved", "refused")
    statuses = press(room, lambda _: path, lambda n: {"decision": decisions[n % 2]})
    requested.refresh_from_db()
    room.certificate.refresh_from_db()
    assert sorted(statuses) == [302] + [409] * (len(NAMES) - 1)
    assert NAMES[statuses.index(302)] == requested.decided_by.username
    if requested.decision == "approved":
        assert room.certificate.state == "suspended"
        assert list_actions(room.certificate) == ["credential.suspended", "credential.act_approved"]
    else:
        assert room.certificate.state == "valid"
        assert list_actions(room.certificate) == ["credential.act_refused"]


def test_of_taking_back_and_approving_at_once_one_happens(room, monkeypatch):
    two_eyes(monkeypatch, "suspend")
    requested = RequestedAct.objects.create(
        credential=room.certificate,
        act="suspend",
        reason="under_review",
        requested_by=User.objects.get(username=NAMES[0]),
        requested_at=NOW,
    )
    path = f"{page_of(room.certificate)}pedidos/{requested.uuid}/"
    statuses = press(room, lambda _: path, lambda n: {"decision": "approved" if n else "withdrawn"})
    requested.refresh_from_db()
    room.certificate.refresh_from_db()
    assert sorted(statuses) == [302] + [409] * (len(NAMES) - 1)
    is_withdrawn = statuses[0] == 302
    assert requested.decision == ("withdrawn" if is_withdrawn else "approved")
    assert room.certificate.state == ("valid" if is_withdrawn else "suspended")
    assert list_actions(room.certificate)[-1] == f"credential.act_{requested.decision}"


def test_of_a_revocation_and_a_suspension_at_once_one_happens(room):
    """Who was slower is shown what happened, and decides about that."""
    words = ("anular", "suspender")
    statuses = press(
        room,
        lambda n: f"{page_of(room.certificate)}{words[n % 2]}/",
        lambda _: confirm(room, "misuse"),
    )
    room.certificate.refresh_from_db()
    assert set(statuses) <= {302, 409}
    assert room.certificate.state in {"revoked", "suspended"}
    is_revoked = room.certificate.state == "revoked"
    assert CredentialDocument.objects.for_system().get().is_revoked is is_revoked
    assert list_actions(room.certificate) == [f"credential.{room.certificate.state}"]
    assert check_chain().is_intact


def test_of_different_requests_one_waits(room, monkeypatch):
    two_eyes(monkeypatch, "revoke")
    reasons = ("misuse", "issued_in_error", "holder_request")
    statuses = press(
        room,
        lambda _: f"{page_of(room.certificate)}anular/",
        lambda n: confirm(room, reasons[n % 3]),
    )
    requested = RequestedAct.objects.for_system().get()
    same = [status for n, status in enumerate(statuses) if reasons[n % 3] == requested.reason]
    others = [status for n, status in enumerate(statuses) if reasons[n % 3] != requested.reason]
    assert (same, others) == ([302, 302], [409] * 4)
    assert list_actions(room.certificate) == ["credential.act_requested"]


def test_looking_at_a_difference_at_once_is_noted_once(room):
    finding = Finding.objects.create(
        credential=room.certificate, code=FindingCode.EVIDENCE_GONE, details="[]", found_at=NOW
    )
    statuses = press(room, lambda _: f"{page_of(room.certificate)}hallazgos/{finding.uuid}/", lambda _: {})
    assert set(statuses) == {302}
    assert list_actions(room.certificate) == ["credential.finding_settled"]


def test_proposing_and_approving_at_once_counts_once(room):
    (policy,) = read_own_policies()
    press(room, lambda _: f"/consola/politicas/{policy.key}/proponer/", lambda _: {})
    press(room, lambda _: f"/consola/politicas/{policy.digest}/aprobar/", lambda _: {})
    actions = AuditEntry.objects.filter(subject__startswith="policy:").order_by("sequence")
    assert list(actions.values_list("action", flat=True)) == ["policy.proposed", "policy.approved"]


def test_issues_started_at_once_issue_once(room, monkeypatch):
    from integra_service.credentials import receivers

    monkeypatch.setattr(receivers, "issue_due", lambda *_: ())
    for number in range(3):
        with pytest.raises(Credential.DoesNotExist):  # passed by, as after a breakdown
            graduate(room.a, f"Pendiente {number}")
    statuses = press(room, lambda _: "/consola/emisiones/", lambda _: {})
    assert set(statuses) == {302}
    assert sum(Run.objects.values_list("made_count", flat=True)) == 3
    assert not Run.objects.filter(finished_at=None).exists()
    assert list(Credential.objects.for_system().values_list("state", flat=True)) == ["valid"] * 4
