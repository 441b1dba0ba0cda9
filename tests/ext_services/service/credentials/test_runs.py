"""Work over many rows: it counts, goes on after a stop, and two workers do it once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from integra_service.credentials import runs, services
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.models import Credential, CredentialDocument, ReplacementReason, Run, RunKind
from integra_service.credentials.replacing import replace
from integra_service.credentials.runs import Progress
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib.clock import utc_now
from integra_service.people.names import confirm_name

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def work_off(run: Run, now: datetime, chunk: int = 2) -> int:
    chunks = 0
    while runs.work(run, now, chunk=chunk) is not Progress.FINISHED:
        chunks += 1
    return chunks


def test_a_run_issues_what_everybody_reached(
    learner: Callable[..., Any], builders: Any, now: datetime
) -> None:
    due = [learner() for _ in range(4)]
    services.issue_due(due[0], now)
    learner(course=builders.make_course(attempts=()))
    run = runs.start_run(RunKind.ISSUE, by="user:7", now=now + HOUR)
    assert (run.total_count, run.done_count) == (5, 0)
    assert work_off(run, now + HOUR) == 3
    assert (run.done_count, run.made_count, run.failed_count) == (5, 3, 0)
    assert Credential.objects.for_system().filter(state="valid").count() == 4


def test_a_stopped_run_goes_on_where_it_was(learner: Callable[..., Any], now: datetime) -> None:
    for _ in range(5):
        learner()
    run = runs.start_run(RunKind.ISSUE, by="user:7", now=now)
    runs.work(run, now, chunk=2)
    assert runs.start_run(RunKind.ISSUE, by="user:8", now=now) == run
    call_command("integra_work", stdout=StringIO())
    run.refresh_from_db()
    assert (run.done_count, run.made_count) == (5, 5)
    assert run.finished_at is not None


def test_a_failing_row_is_counted_and_stops_nobody(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> None:
    identities = [learner() for _ in range(3)]
    issue = runs.issue_due

    def fail_for_one(identity: Any, moment: datetime) -> Any:
        if identity.pk == identities[1].pk:
            raise OSError("no space left")
        return issue(identity, moment)

    monkeypatch.setattr(runs, "issue_due", fail_for_one)
    run = runs.start_run(RunKind.ISSUE, by="user:7", now=now)
    work_off(run, now)
    assert (run.done_count, run.made_count, run.failed_count) == (3, 2, 1)


def test_a_chunk_is_in_one_pair_of_hands_until_they_are_dead(
    learner: Callable[..., Any], now: datetime, monkeypatch: Any
) -> None:
    learner()
    run = runs.start_run(RunKind.ISSUE, by="user:7", now=now)
    issue, seen = runs.issue_due, []

    def look_beside(identity: Any, moment: datetime) -> Any:
        """Other processes come while this one is at its row: at once, and long after it should have ended."""
        monkeypatch.setattr(runs, "issue_due", issue)
        seen.extend(
            runs.work(Run.objects.get(pk=run.pk), when)
            for when in (moment, moment + runs.TAKEN, moment + runs.TAKEN + timedelta(seconds=1))
        )
        raise OSError("killed, as far as the others can tell")

    monkeypatch.setattr(runs, "issue_due", look_beside)
    runs.work(run, now)
    assert seen == [Progress.ELSEWHERE, Progress.ELSEWHERE, Progress.GOES_ON]
    assert (run.done_count, run.made_count, run.failed_count) == (1, 1, 0)
    assert runs.work(run, now) is Progress.FINISHED


def test_a_chunk_done_twice_counts_once(learner: Callable[..., Any], now: datetime, monkeypatch: Any) -> None:
    for _ in range(2):
        learner()
    run = runs.start_run(RunKind.ISSUE, by="user:7", now=now)
    issue = runs.issue_due

    def overtake(identity: Any, moment: datetime) -> Any:
        """Another worker does the whole chunk while this one, too slow, is at its first row."""
        monkeypatch.setattr(runs, "issue_due", issue)
        runs.work(Run.objects.get(pk=run.pk), moment + HOUR, chunk=2)
        return issue(identity, moment)

    monkeypatch.setattr(runs, "issue_due", overtake)
    runs.work(run, now, chunk=2)
    assert (run.done_count, run.made_count) == (2, 2)
    assert Credential.objects.for_system().count() == 2


def test_two_runs_of_a_kind_are_not_open_at_once(now: datetime) -> None:
    run = runs.start_run(RunKind.ISSUE, by="user:7", now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.create(kind=run.kind, total_count=0, started_by="user:8", started_at=now)


def test_after_a_compromise_everything_is_signed_anew(learner: Callable[..., Any], now: datetime) -> None:
    credentials = [services.issue_due(learner(f"Persona {n}"), now)[0] for n in "ABC"]
    services.revoke(credentials[2], services.RevocationReason.MISUSE, "user:7", now)
    issuer = get_issuer()
    old_key = CredentialDocument.objects.for_system().first().signing_key
    services.compromise_key(old_key, now + HOUR, "user:7")
    for document in CredentialDocument.objects.for_system():
        outcome = verify_document(bytes(document.content), resolve_own(issuer), now=now + HOUR).outcome
        assert outcome is Outcome.REFUSED
    run = runs.start_run(RunKind.RESIGN, by="user:7", now=now + HOUR)
    assert run.total_count == 2
    work_off(run, now + HOUR, chunk=1)
    assert (run.made_count, run.failed_count) == (2, 0)
    for credential in credentials[:2]:
        former, current = (
            CredentialDocument.objects.for_system().filter(credential=credential).order_by("ordinal")
        )
        assert (former.replaced_because, former.is_revoked) == ("key_compromised", True)
        assert current.name_hash == former.name_hash
        assert current.signing_key != old_key
        result = verify_document(bytes(current.content), resolve_own(issuer), now=now + HOUR)
        assert result.outcome is Outcome.VALID
    assert work_off(runs.start_run(RunKind.RESIGN, by="user:7", now=now + 2 * HOUR), now + 2 * HOUR) == 0


def test_what_bears_a_new_name_meanwhile_is_not_signed_a_third_time(
    learner: Callable[..., Any], now: datetime
) -> None:
    identity = learner()
    services.issue_due(identity, now)
    document = CredentialDocument.objects.for_system().get()
    confirm_name(identity.person, "Otro Nombre", actor="learner:x", now=now)
    services.issue_due(identity, now)
    replace(document, ReplacementReason.KEY_COMPROMISED, now)
    rows = CredentialDocument.objects.for_system().order_by("ordinal")
    assert list(rows.values_list("ordinal", "replaced_because")) == [(1, "name_changed"), (2, "")]


def test_the_command_rotates_lists_and_rehearses_a_compromise(
    learner: Callable[..., Any], now: datetime
) -> None:
    (first,) = services.issue_due(learner("Persona A"), now)
    out = StringIO()
    call_command("integra_keys", "rotate", "Ed25519", stdout=out)
    (second,) = services.issue_due(learner("Persona B"), now)
    fragments = [d.signing_key.fragment for d in CredentialDocument.objects.for_system().order_by("pk")]
    assert len(set(fragments)) == 2
    call_command("integra_keys", "compromise", fragments[0], stdout=out)
    assert "1 certificates were signed anew, 0 failed" in out.getvalue()
    call_command("integra_keys", "compromise", fragments[0], stdout=out)
    assert "0 certificates were signed anew" in out.getvalue()
    later = utc_now()
    for credential in (first, second):
        document = CredentialDocument.objects.for_system().filter(credential=credential).latest("ordinal")
        result = verify_document(bytes(document.content), resolve_own(get_issuer()), now=later)
        assert result.outcome is Outcome.VALID
    call_command("integra_keys", "list", stdout=out)
    for state in ("active", "retired", "compromised"):
        assert (state in out.getvalue()) is (state != "retired")
    with pytest.raises(CommandError, match="no key"):
        call_command("integra_keys", "compromise", "key-1999-01", stdout=out)


def test_a_compromised_jwt_key_renews_the_jwts_and_leaves_the_document(
    learner: Callable[..., Any], now: datetime
) -> None:
    (credential,) = services.issue_due(learner("Persona A"), now)
    before = CredentialDocument.objects.for_system().get(credential=credential)
    out = StringIO()
    call_command("integra_keys", "compromise", before.jose_key.fragment, stdout=out)
    assert "1 certificates were signed anew, 0 failed" in out.getvalue()
    after = CredentialDocument.objects.for_system().get(credential=credential)
    assert (bytes(after.content), after.is_revoked) == (bytes(before.content), False)
    assert after.ob_jwt != before.ob_jwt
    assert after.jose_key != before.jose_key
