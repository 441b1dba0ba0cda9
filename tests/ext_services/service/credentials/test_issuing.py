"""Issue, revoke and tell: on a real database, with the rows as the judge."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from service_support import find_counting

from integra_service.audit.models import AuditEntry
from integra_service.credentials import completing, issuer, issuing, keys, services
from integra_service.credentials.issuer import IssuerChangedError, IssuerMissingError, get_issuer, resolve_own
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    CredentialState,
    Issuer,
    KeyAlgorithm,
    KeyState,
    RevocationReason,
    SigningKey,
    StatusList,
)
from integra_service.credentials.names import is_name_of
from integra_service.credentials.secured import ResolutionError
from integra_service.credentials.signals import credential_changed
from integra_service.credentials.signing import SelfVerificationError
from integra_service.credentials.verification import Outcome, verify_document
from integra_service.lib import encryption
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError, ServiceError
from integra_service.people.models import Consent, Purpose, Source
from integra_service.people.signals import person_ready
from integra_service.records.signals import record_changed

pytestmark = pytest.mark.django_db


def document_of(credential: Credential) -> CredentialDocument:
    return CredentialDocument.objects.for_system().get(credential=credential)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_issued_credential_verifies_and_says_what_was_reached(credential: Credential, now: Any) -> None:
    stored = document_of(credential)
    content = bytes(stored.content)
    document = json.loads(content)
    assert verify_document(content, resolve_own(get_issuer()), now=now).outcome is Outcome.VALID
    assert credential.state == CredentialState.VALID
    assert stored.content_digest == hashlib.sha256(content).hexdigest()
    assert document["id"] == f"http://localhost:8001/c/{credential.token}"
    assert [r["value"] for r in document["credentialSubject"]["result"]] == [
        "Formación, 72 minutos",
        "Evaluación de saberes previos",
    ]
    assert isinstance(document["proof"], list)
    assert isinstance(document["credentialStatus"], dict)
    assert document["credentialStatus"]["statusListIndex"] == str(stored.status_index)


def test_signed_body_holds_no_name_but_its_salted_hash(learner: Callable[..., Any], now: Any) -> None:
    (credential,) = services.issue_due(learner("Canario Amarillo"), now)
    stored = document_of(credential)
    kept = bytes(stored.content).decode() + stored.body + stored.evidence
    assert "canario" not in kept.casefold()
    (identity,) = json.loads(bytes(stored.content))["credentialSubject"]["identifier"]
    assert is_name_of("canario amarillo", salt=identity["salt"], identity_hash=identity["identityHash"])
    assert not any("anario" in entry.data for entry in AuditEntry.objects.all())


def test_evidence_and_digests_are_stored(credential: Credential, builders: Any) -> None:
    stored = document_of(credential)
    assert stored.rule_version == builders.RULE_VERSION
    assert json.loads(stored.bank_digests) == ["b" * 64, "c" * 64]
    assert stored.evidence_digest == hashlib.sha256(stored.evidence.encode()).hexdigest()
    assert json.loads(stored.evidence)["policy_digest"] == stored.policy_digest


def test_two_credentials_of_one_name_have_nothing_in_common(learner: Callable[..., Any], now: Any) -> None:
    (one,), (two,) = (services.issue_due(learner(), now) for _ in range(2))
    first, second = document_of(one), document_of(two)
    assert one.token != two.token
    assert len({one.subject_uuid, two.subject_uuid}) == len({first.salt, second.salt}) == 2
    assert len({first.name_hash, second.name_hash}) == len({first.status_index, second.status_index}) == 2


def test_token_has_128_random_bits(credential: Credential) -> None:
    import base64

    assert len(base64.urlsafe_b64decode(credential.token + "==")) == 16


def test_issuing_twice_changes_nothing(learner: Callable[..., Any], now: Any) -> None:
    identity = learner()
    first = services.issue_due(identity, now)
    content = bytes(document_of(first[0]).content)
    again = services.issue_due(identity, now + timedelta(days=1))
    assert first == again
    assert bytes(document_of(again[0]).content) == content
    assert actions() == ["issuer.created", "credential.intended", "credential.issued"]


@pytest.mark.parametrize(
    "lacking",
    [
        {"name": None},
        {"has_consent": False},
        {"course": "unfinished"},
    ],
)
def test_nothing_is_issued_before_its_time(
    learner: Callable[..., Any], builders: Any, now: Any, lacking: dict[str, Any]
) -> None:
    if "course" in lacking:
        lacking = {"course": builders.make_course(deliverables=())}
    assert services.issue_due(learner(**lacking), now) == ()
    assert list(Credential.objects.for_system()) == []
    assert actions() == []


def test_consent_that_was_taken_back_stops_issuing(learner: Callable[..., Any], now: Any) -> None:
    identity = learner()
    Consent.objects.create(
        person=identity.person,
        purpose=Purpose.CERTIFICATE,
        is_granted=False,
        notice_version="1",
        decided_at=now + timedelta(minutes=1),
    )
    assert services.issue_due(identity, now) == ()


def test_public_banks_are_refused_outside_the_demonstration(
    learner: Callable[..., Any], now: Any, settings: Any
) -> None:
    settings.INTEGRA_DEMO = False
    identity = learner()
    assert services.issue_due(identity, now) == ()
    ((_policy, decision),) = services.decide_achievements(services.read_case(identity))
    assert {reason.code.value for reason in decision.reasons} == {"bank_public", "policy_unapproved"}


def test_a_changed_record_issues(learner: Callable[..., Any]) -> None:
    identity = learner()
    record_changed.send(sender=None, identity=identity)
    assert find_counting(identity.person, "curso", utc_now()) is not None


def test_a_person_who_becomes_ready_is_issued_to(learner: Callable[..., Any]) -> None:
    identity = learner()
    person_ready.send(sender=None, person=identity.person)
    assert find_counting(identity.person, "curso", utc_now()) is not None


def test_revoked_credential_sets_its_bit_and_reads_revoked(credential: Credential, now: Any) -> None:
    stored = document_of(credential)
    before = StatusList.objects.get().content
    services.revoke(credential, RevocationReason.MISUSE, "user:7", now + timedelta(hours=1))
    assert (credential.state, credential.reason) == ("revoked", "misuse")
    result = verify_document(bytes(stored.content), resolve_own(get_issuer()), now=now)
    assert result.outcome is Outcome.REVOKED
    assert StatusList.objects.get().content != before
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, entry.actor, entry.data) == ("credential.revoked", "user:7", '{"reason":"misuse"}')
    assert find_counting(credential.person, "curso", now) is None
    assert services.list_credentials(credential.person) == (credential,)


def test_revoking_twice_keeps_the_first_reason(credential: Credential, now: Any) -> None:
    services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    services.revoke(credential, RevocationReason.HOLDER_REQUEST, "user:8", now)
    assert credential.reason == "misuse"
    assert actions().count("credential.revoked") == 1


def test_revoked_credential_is_not_issued_again(learner: Callable[..., Any], now: Any) -> None:
    identity = learner()
    (credential,) = services.issue_due(identity, now)
    services.revoke(credential, RevocationReason.ISSUED_IN_ERROR, "user:7", now)
    assert [c.state for c in services.issue_due(identity, now)] == ["revoked"]


def test_revoking_one_leaves_the_others(learner: Callable[..., Any], now: Any) -> None:
    credentials = [services.issue_due(learner(), now)[0] for _ in range(3)]
    services.revoke(credentials[1], RevocationReason.MISUSE, "user:7", now)
    outcomes = [
        verify_document(bytes(document_of(c).content), resolve_own(get_issuer()), now=now).outcome
        for c in credentials
    ]
    assert outcomes == [Outcome.VALID, Outcome.REVOKED, Outcome.VALID]


def test_an_intent_cannot_be_revoked(learner: Callable[..., Any], now: Any, monkeypatch: Any) -> None:
    credential = leave_intent(learner(), now, monkeypatch)
    with pytest.raises(RequestError) as refused:
        services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    assert (refused.value.code, refused.value.status) == ("not_issued", 409)


def leave_intent(identity: Any, now: Any, monkeypatch: Any) -> Credential:
    """Store an intent whose signing fails, as a full disk or a missing key would make it."""

    def fail(*_args: Any) -> Any:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(completing, "_sign", fail)
        with pytest.raises(OSError, match="no space"):
            services.issue_due(identity, now)
    return Credential.objects.for_system().get(person=identity.person)


def test_an_intent_is_visible_to_nobody_and_completed_later(
    learner: Callable[..., Any], now: Any, monkeypatch: Any
) -> None:
    identity = learner()
    intent = leave_intent(identity, now, monkeypatch)
    assert (intent.state, services.list_credentials(identity.person)) == ("intended", ())
    assert services.list_states(Source.objects.get(), 0, now) == ()
    assert services.complete_intents(now + timedelta(hours=1)) == 1
    assert services.complete_intents(now + timedelta(hours=1)) == 0
    found = find_counting(identity.person, "curso", now)
    assert found is not None
    assert found.token == intent.token
    result = verify_document(
        bytes(document_of(found).content), resolve_own(get_issuer()), now=now + timedelta(hours=1)
    )
    assert result.outcome is Outcome.VALID


def test_what_does_not_verify_is_not_stored(learner: Callable[..., Any], now: Any) -> None:
    identity = learner()
    services.ensure_issuer(now)
    # The published key is not the one that signs, as after a restore that mixed two backups.
    SigningKey.objects.filter(algorithm="Ed25519").update(
        public_key="z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi"
    )
    with pytest.raises(SelfVerificationError, match="bad_signature"):
        services.issue_due(identity, now)
    (credential,) = Credential.objects.for_system()
    assert (credential.state, document_of(credential).content) == ("intended", None)


def test_states_come_in_the_order_of_their_changes(learner: Callable[..., Any], now: Any) -> None:
    identities = [learner() for _ in range(3)]
    credentials = [services.issue_due(identity, now)[0] for identity in identities]
    source = Source.objects.get()
    rows = services.list_states(source, 0, now)
    assert [row.learner_uuid for row in rows] == [identity.learner_uuid for identity in identities]
    assert [row.position for row in rows] == [1, 2, 3]
    services.revoke(credentials[0], RevocationReason.MISUSE, "user:7", now + timedelta(hours=1))
    (changed,) = services.list_states(source, 3, now)
    assert (changed.position, changed.state, changed.token) == (4, "revoked", credentials[0].token)
    assert changed.changed_at == now + timedelta(hours=1)
    assert [row.position for row in services.list_states(source, 0, now)] == [2, 3, 4]
    assert [row.position for row in services.list_states(source, 0, now, limit=1)] == [2]


def test_states_of_another_source_are_not_told(credential: Credential, now: Any) -> None:
    other = Source.objects.create(key="otra", name="Otra", url="http://localhost:9000")
    assert services.list_states(other, 0, now) == ()


def test_changes_are_announced_after_the_commit(
    learner: Callable[..., Any], now: Any, django_capture_on_commit_callbacks: Any
) -> None:
    heard = []
    receiver = lambda sender, person, **_: heard.append(person.pk)  # noqa: E731
    credential_changed.connect(receiver)
    identity = learner()
    with django_capture_on_commit_callbacks(execute=True):
        (credential,) = services.issue_due(identity, now)
    with django_capture_on_commit_callbacks(execute=True):
        services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    credential_changed.disconnect(receiver)
    assert heard == [identity.person_id] * 2


def test_issuer_is_made_once_with_encrypted_keys(now: Any) -> None:
    issuer = services.ensure_issuer(now)
    assert services.ensure_issuer(now + timedelta(days=40)) == issuer
    assert issuer.did == "did:web:localhost%3A8001"
    stored = list(SigningKey.objects.order_by("pk"))
    assert [key.fragment for key in stored] == ["key-2026-03", "key-2026-03-es256"]
    for key in stored:
        raw = encryption.decrypt(key.private_key, context=f"credentials.signing_key:{key.uuid}")
        assert len(raw) == 32
        assert raw.hex() not in key.private_key
        with pytest.raises(encryption.DecryptionError):
            encryption.decrypt(key.private_key, context="credentials.signing_key:another")


def test_address_may_change_until_something_is_signed(
    learner: Callable[..., Any], now: Any, settings: Any
) -> None:
    services.ensure_issuer(now)
    settings.INTEGRA_ISSUER_URL = "http://localhost:8009"
    assert services.ensure_issuer(now).did == "did:web:localhost%3A8009"
    (credential,) = services.issue_due(learner(), now)
    assert (
        verify_document(bytes(document_of(credential).content), resolve_own(get_issuer()), now=now).outcome
        == "valid"
    )
    settings.INTEGRA_ISSUER_URL = "http://localhost:8001"
    for use in (lambda: services.ensure_issuer(now), get_issuer):
        with pytest.raises(IssuerChangedError, match="http://localhost:8009"):
            use()
    assert Issuer.objects.get().url == "http://localhost:8009"


def test_command_prepares_completes_and_stops(
    learner: Callable[..., Any], now: Any, settings: Any, monkeypatch: Any
) -> None:
    leave_intent(learner(), now, monkeypatch)
    out = StringIO()
    call_command("integra_issuer", stdout=out)
    assert "did:web:localhost%3A8001; 1 begun" in out.getvalue()
    settings.INTEGRA_ISSUER_URL = "http://localhost:8009"
    with pytest.raises(CommandError, match="cannot change"):
        call_command("integra_issuer")


def test_name_is_taken_until_something_is_signed_and_later_when_asked_for(
    learner: Callable[..., Any], now: Any, settings: Any
) -> None:
    def prepare(name: str, **options: Any) -> str:
        settings.INTEGRA_ISSUER_NAME = name
        out = StringIO()
        call_command("integra_issuer", stdout=out, **options)
        return out.getvalue()

    def issue() -> tuple[Credential, str]:
        (credential,) = services.issue_due(learner(), now)
        return credential, json.loads(document_of(credential).content)["issuer"]["name"]

    assert "Issuer 'Municipio de Tenna'" in prepare("Municipio de Tenna")
    assert "another name" in prepare("Municipio de Tena")
    assert "another name" not in prepare("Municipio de Tena")
    first, name = issue()
    assert name == "Municipio de Tena"
    with pytest.raises(CommandError, match=r"INTEGRA_ISSUER_NAME=Municipio de Tena, or .*--rename"):
        prepare("Municipio de Tena y vecinos")
    assert issue()[1] == "Municipio de Tena"  # what others are configured for changes nothing
    assert "another name" in prepare("Municipio de Tena y vecinos", rename=True)
    second, name = issue()
    assert name == "Municipio de Tena y vecinos"
    for credential, name in ((first, "Municipio de Tena"), (second, "Municipio de Tena y vecinos")):
        content = bytes(document_of(credential).content)
        assert json.loads(content)["issuer"]["name"] == name
        assert verify_document(content, resolve_own(get_issuer()), now=now).outcome is Outcome.VALID
    renamed = AuditEntry.objects.filter(action="issuer.renamed").order_by("sequence")
    assert [json.loads(entry.data)["to"] for entry in renamed] == [
        "Municipio de Tena",
        "Municipio de Tena y vecinos",
    ]


def test_issuer_that_was_never_prepared_says_so() -> None:
    with pytest.raises(IssuerMissingError):
        get_issuer()


def test_taken_place_in_the_status_list_is_drawn_again(
    learner: Callable[..., Any], now: Any, monkeypatch: Any
) -> None:
    draws = iter([5, 5, 5, 6])
    monkeypatch.setattr(issuing, "draw_status_index", lambda: next(draws))
    (one,), (two,) = (services.issue_due(learner(), now) for _ in range(2))
    assert (document_of(one).status_index, document_of(two).status_index) == (5, 6)


def test_a_full_status_list_is_followed_by_another(
    learner: Callable[..., Any], now: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(issuing, "draw_status_index", lambda: 5)
    (one,), (two,) = (services.issue_due(learner(), now) for _ in range(2))
    places = [(document_of(c).status_list.key, document_of(c).status_index) for c in (one, two)]
    assert places == [("1", 5), ("2", 5)]
    services.revoke(two, RevocationReason.MISUSE, "user:7", now)
    outcomes = [
        verify_document(bytes(document_of(c).content), resolve_own(get_issuer()), now=now).outcome
        for c in (one, two)
    ]
    assert outcomes == [Outcome.VALID, Outcome.REVOKED]


def test_without_any_free_place_nothing_is_issued(
    learner: Callable[..., Any], now: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(issuing, "draw_status_index", lambda: 5)
    monkeypatch.setattr(issuer, "open_status_list", lambda _issuer, _now: None)
    services.issue_due(learner(), now)
    identity = learner()
    with pytest.raises(ServiceError, match="status_list_full"):
        services.issue_due(identity, now)
    assert services.list_credentials(identity.person) == ()
    assert actions() == ["issuer.created", "credential.intended", "credential.issued"]


def test_our_own_addresses_are_the_only_ones_looked_up(credential: Credential) -> None:
    resolve = resolve_own(get_issuer())
    for address in ("did:web:other", "http://localhost:8001/status/2", "https://example.org/status/1"):
        with pytest.raises(ResolutionError):
            resolve(address)


def test_compromised_key_leaves_the_did_document_and_a_retired_one_stays(
    credential: Credential, now: Any
) -> None:
    content = bytes(document_of(credential).content)
    for state, outcome in ((KeyState.RETIRED, Outcome.VALID), (KeyState.COMPROMISED, Outcome.REFUSED)):
        SigningKey.objects.update(state=state)
        assert verify_document(content, resolve_own(get_issuer()), now=now).outcome is outcome


@pytest.mark.parametrize(
    "change",
    [
        lambda: Credential.objects.for_system().update(state_position=None),
        lambda: Credential.objects.for_system().update(state="intended"),
        lambda: keys.create_key(Issuer.objects.get(), KeyAlgorithm.P256, Issuer.objects.get().created_at),
    ],
)
def test_database_refuses_impossible_rows(credential: Credential, change: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        change()
    assert connection.is_usable()
