"""Keys change, are lost and are stolen; what they signed stands or falls as declared."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.credentials import completing, keys, services
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.jose import JwtForm
from integra_service.credentials.keys import get_did_document
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    KeyAlgorithm,
    KeyState,
    RevocationReason,
    SigningKey,
    StatusList,
)
from integra_service.credentials.signing import SelfVerificationError
from integra_service.credentials.verification import Outcome, verify_document, verify_jwt
from integra_service.lib.encryption import DecryptionError

pytestmark = pytest.mark.django_db

ED25519, P256 = KeyAlgorithm.ED25519, KeyAlgorithm.P256


def judge(document: CredentialDocument, now: Any) -> list[Outcome]:
    """What is said of the embedded form, the Open Badges JWT and the VC JWT."""
    resolve = resolve_own(get_issuer())
    tokens = ((document.ob_jwt, JwtForm.OPEN_BADGES), (document.vc_jwt, JwtForm.VC_JOSE_COSE))
    return [
        verify_document(bytes(document.content), resolve, now=now).outcome,
        *(verify_jwt(token.encode(), form, resolve, now=now).outcome for token, form in tokens),
    ]


def document_of(credential: Credential) -> CredentialDocument:
    return CredentialDocument.objects.for_system().get(credential=credential)


def fragments(state: KeyState) -> list[str]:
    return list(SigningKey.objects.filter(state=state).order_by("pk").values_list("fragment", flat=True))


def published() -> list[str]:
    return [method_id.partition("#")[2] for method_id in get_did_document(get_issuer())["assertionMethod"]]


def test_issued_credential_has_three_forms_that_verify(credential: Credential, now: Any) -> None:
    stored = document_of(credential)
    assert judge(stored, now) == [Outcome.VALID] * 3
    assert (stored.signing_key.fragment, stored.jose_key.fragment) == ("key-2026-03", "key-2026-03-es256")
    services.revoke(credential, RevocationReason.MISUSE, "user:1", now)
    assert judge(stored, now) == [Outcome.REVOKED] * 3


def test_did_document_spells_both_keys(credential: Credential) -> None:
    document = get_did_document(get_issuer())
    first, second = document["verificationMethod"]
    assert document["assertionMethod"] == [first["id"], second["id"]]
    assert all(isinstance(method_id, str) for method_id in document["assertionMethod"])
    assert first["publicKeyMultibase"].startswith("z6Mk")
    assert second["publicKeyMultibase"].startswith("zDn")
    for method in (first, second):
        assert method["publicKeyMultibase"] not in method["id"]


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_rotated_key_is_retired_and_what_it_signed_stays_good(
    credential: Credential, learner: Any, now: Any, algorithm: KeyAlgorithm
) -> None:
    issuer = get_issuer()
    first, second = (services.rotate_key(issuer, algorithm, now, "user:7") for _ in range(2))
    suffix = "-es256" if algorithm == P256 else ""
    assert (first.fragment, second.fragment) == (f"key-2026-03{suffix}-2", f"key-2026-03{suffix}-3")
    assert fragments(KeyState.RETIRED) == [f"key-2026-03{suffix}", f"key-2026-03{suffix}-2"]
    assert len(published()) == 4
    (later,) = services.issue_due(learner(), now)
    assert second in (document_of(later).signing_key, document_of(later).jose_key)
    assert judge(document_of(credential), now) == judge(document_of(later), now) == [Outcome.VALID] * 3
    assert list(AuditEntry.objects.filter(actor="user:7").values_list("action", "data")) == [
        ("key.rotated", json.dumps({"algorithm": algorithm, "key": key.fragment}, separators=(",", ":")))
        for key in (first, second)
    ]


def test_fragment_of_another_month_starts_anew(credential: Credential, now: Any) -> None:
    key = services.rotate_key(get_issuer(), ED25519, now + timedelta(days=40), "user:7")
    assert key.fragment == "key-2026-04"


@pytest.mark.parametrize(
    ("algorithm", "outcomes"),
    [
        (ED25519, [Outcome.REFUSED, Outcome.VALID, Outcome.VALID]),
        (P256, [Outcome.VALID, Outcome.REFUSED, Outcome.REFUSED]),
    ],
)
def test_compromised_key_takes_what_it_signed_with_it(
    credential: Credential, learner: Any, now: Any, algorithm: KeyAlgorithm, outcomes: list[Outcome]
) -> None:
    (revoked,) = services.issue_due(learner(), now)
    services.revoke(revoked, RevocationReason.MISUSE, "user:1", now)
    key = SigningKey.objects.get(algorithm=algorithm)
    before = StatusList.objects.get()
    now += timedelta(hours=1)
    services.compromise_key(key, now, "user:7")
    assert key.state == KeyState.COMPROMISED
    assert key.fragment not in published()
    assert judge(document_of(credential), now) == outcomes
    after = StatusList.objects.get()
    assert (after.content != before.content, after.jwt != before.jwt) == (True, True)
    # The new key signs at once, and the renewed list still holds the bits.
    (later,) = services.issue_due(learner(), now)
    assert judge(document_of(later), now) == [Outcome.VALID] * 3
    assert Outcome.REVOKED in judge(document_of(revoked), now)
    assert Outcome.VALID not in judge(document_of(revoked), now)


def test_jwts_of_a_compromised_key_are_signed_anew_and_the_document_stays(
    credential: Credential, learner: Any, now: Any
) -> None:
    content = bytes(document_of(credential).content)
    services.compromise_key(SigningKey.objects.get(algorithm=P256), now, "user:7")
    (later,) = services.issue_due(learner(), now)
    kept = document_of(later).ob_jwt
    assert "1 given their JWTs" in run_command()
    assert judge(document_of(credential), now) == [Outcome.VALID] * 3
    assert bytes(document_of(credential).content) == content
    assert document_of(later).ob_jwt == kept
    assert "0 given their JWTs" in run_command()


def test_declaring_a_key_compromised_twice_changes_nothing(credential: Credential, now: Any) -> None:
    key = SigningKey.objects.get(algorithm=P256)
    services.compromise_key(key, now, "user:7")
    before = (fragments(KeyState.ACTIVE), StatusList.objects.get().jwt, AuditEntry.objects.count())
    services.compromise_key(key, now, "user:8")
    assert (fragments(KeyState.ACTIVE), StatusList.objects.get().jwt, AuditEntry.objects.count()) == before
    assert fragments(KeyState.COMPROMISED) == ["key-2026-03-es256"]


def test_retired_key_can_be_compromised_and_the_active_one_stays(credential: Credential, now: Any) -> None:
    retired = SigningKey.objects.get(algorithm=ED25519)
    active = services.rotate_key(get_issuer(), ED25519, now, "user:7")
    services.compromise_key(retired, now, "user:7")
    assert fragments(KeyState.ACTIVE) == ["key-2026-03-es256", active.fragment]
    assert judge(document_of(credential), now)[0] is Outcome.REFUSED
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, entry.data) == ("key.compromised", '{"algorithm":"Ed25519","key":"key-2026-03"}')
    assert check_chain().is_intact


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_signature_of_a_key_that_is_withdrawn_on_the_way_is_not_stored(
    learner: Any, now: Any, monkeypatch: Any, algorithm: KeyAlgorithm
) -> None:
    services.ensure_issuer(now)
    sign = completing._sign

    def sign_and_lose(*args: Any) -> Any:
        forms = sign(*args)
        services.compromise_key(SigningKey.objects.get(algorithm=algorithm), now, "user:7")
        return forms

    identity = learner()
    with monkeypatch.context() as patch, pytest.raises(keys.KeyCompromisedError):
        patch.setattr(completing, "_sign", sign_and_lose)
        services.issue_due(identity, now)
    (intent,) = Credential.objects.for_system()
    assert (intent.state, document_of(intent).content) == ("intended", None)
    assert services.complete_intents(now) == 1
    assert judge(document_of(intent), now) == [Outcome.VALID] * 3


def forget_jose() -> None:
    """Make the database what it was before there were JWTs."""
    CredentialDocument.objects.for_system().update(ob_jwt="", vc_jwt="", jose_key=None)
    StatusList.objects.update(jwt="")
    SigningKey.objects.filter(algorithm=P256).delete()


def run_command() -> str:
    out = StringIO()
    call_command("integra_issuer", stdout=out)
    return out.getvalue()


def test_issuer_from_before_gets_its_key_and_its_jwts_at_the_next_start(
    credential: Credential, learner: Any, now: Any
) -> None:
    (revoked,) = services.issue_due(learner(), now)
    services.revoke(revoked, RevocationReason.MISUSE, "user:1", now)
    content = bytes(document_of(credential).content)
    forget_jose()
    assert "2 given their JWTs" in run_command()
    assert bytes(document_of(credential).content) == content
    assert judge(document_of(credential), now) == [Outcome.VALID] * 3
    assert judge(document_of(revoked), now) == [Outcome.REVOKED] * 3
    assert StatusList.objects.get().jwt
    actions = list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))[-4:]
    assert actions == ["key.created", "status_list.renewed", *["credential.forms_added"] * 2]
    assert "0 given their JWTs" in run_command()
    assert list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))[-4:] == actions
    assert check_chain().is_intact


def test_what_no_longer_verifies_gets_no_jwt(credential: Credential, now: Any) -> None:
    forget_jose()
    stored = document_of(credential)
    changed = bytes(stored.content).replace(b"72 minutos", b"99 minutos")
    CredentialDocument.objects.for_system().filter(pk=stored.pk).update(content=changed)
    assert "0 given their JWTs" in run_command()
    assert document_of(credential).ob_jwt == ""


def test_what_a_compromised_key_signed_gets_no_jwt(credential: Credential, now: Any, caplog: Any) -> None:
    forget_jose()
    keys.ensure_keys(get_issuer(), now)
    services.compromise_key(SigningKey.objects.get(algorithm=ED25519), now, "user:7")
    assert "0 given their JWTs" in run_command()
    assert document_of(credential).ob_jwt == ""
    # Expected until it is replaced: not an error at every start.
    assert caplog.records == []


def test_key_that_another_row_was_given_does_not_open(credential: Credential, learner: Any, now: Any) -> None:
    stolen = SigningKey.objects.get(algorithm=ED25519)
    SigningKey.objects.filter(algorithm=P256).update(private_key=stolen.private_key)
    with pytest.raises(DecryptionError):
        services.issue_due(learner(), now)


def test_key_pair_that_does_not_belong_together_signs_nothing(learner: Any, now: Any) -> None:
    services.ensure_issuer(now)
    SigningKey.objects.filter(algorithm=P256).update(
        public_key="zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"
    )
    with pytest.raises(SelfVerificationError, match="bad_signature"):
        services.issue_due(learner(), now)
    (credential,) = Credential.objects.for_system()
    assert (credential.state, document_of(credential).ob_jwt) == ("intended", "")


def test_missing_key_is_named(credential: Credential, now: Any) -> None:
    SigningKey.objects.filter(algorithm=P256).update(state=KeyState.RETIRED)
    with pytest.raises(keys.KeyMissingError, match="P-256"):
        keys.get_signing_method(get_issuer(), P256)
