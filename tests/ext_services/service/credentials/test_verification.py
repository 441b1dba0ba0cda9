"""Our verification refuses whatever is not exactly what was signed; each attack is one that works somewhere."""

import copy
import json
import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from credential_support import DID, KEY, LIST, METHOD, NOW, ORIGIN, Web, make_body, make_list, sign
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from integra_service.credentials import documents, multikey, proofs
from integra_service.credentials.did import PublishedKey, build_document
from integra_service.credentials.linked_data import dump
from integra_service.credentials.verification import Outcome, verify_document


def check(
    document: dict[str, Any] | bytes, web: Web | None = None, now: datetime = NOW
) -> tuple[Outcome, str]:
    raw = document if isinstance(document, bytes) else dump(document)
    result = verify_document(raw, web or Web(), now=now)
    return result.outcome, result.code


def test_signed_credential_is_valid() -> None:
    result = verify_document(dump(sign(make_body())), Web(), now=NOW)
    assert (result.outcome, result.code, result.issuer) == (Outcome.VALID, "", DID)


def test_reformatted_credential_is_still_valid() -> None:
    raw = json.dumps(sign(make_body()), indent=2, sort_keys=True, ensure_ascii=True).encode()
    assert check(raw) == (Outcome.VALID, "")


def test_set_bit_reads_revoked_and_the_neighbours_do_not() -> None:
    assert check(sign(make_body()), Web((94_567,))) == (Outcome.REVOKED, "")
    assert check(sign(make_body()), Web((94_566, 94_568))) == (Outcome.VALID, "")


# To a neighbour, and nightly to the other case of a letter too.
MASKS = (0x01, 0x20) if os.environ.get("INTEGRA_LONG") else (0x01,)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="uses no database; once is enough")
@pytest.mark.parametrize("mask", MASKS)
def test_no_byte_can_be_changed(mask: int) -> None:
    raw = dump(sign(make_body()))
    survivors = []
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ mask]) + raw[position + 1 :]
        if check(changed)[0] is not Outcome.REFUSED:
            survivors.append((position, raw[position - 10 : position + 10]))
    assert survivors == []


def test_removed_and_inserted_bytes_are_refused() -> None:
    raw = dump(sign(make_body()))
    draw = random.Random(7)
    for _ in range(25):
        position = draw.randrange(1, len(raw) - 1)
        assert check(raw[:position] + raw[position + 1 :])[0] is Outcome.REFUSED
        # A blank between tokens is no change of the document.
        assert check(raw[:position] + b"x" + raw[position:])[0] is Outcome.REFUSED


def rekey_status(document: dict[str, Any]) -> None:
    document["https://www.w3.org/2018/credentials#credentialStatus"] = document.pop("credentialStatus")


def alias_status(document: dict[str, Any]) -> None:
    document["@context"] = [
        *document["@context"],
        {"hidden": "https://www.w3.org/2018/credentials#credentialStatus"},
    ]
    document["hidden"] = document.pop("credentialStatus")


def nest_context(document: dict[str, Any]) -> None:
    document["credentialSubject"]["@context"] = {}


def add_undefined_term(document: dict[str, Any]) -> None:
    document["eligibleForFund"] = "true"


def add_undefined_term_deep(document: dict[str, Any]) -> None:
    document["credentialSubject"]["achievement"]["hours"] = "400"


def hide_in_included(document: dict[str, Any]) -> None:
    document["@included"] = [{"id": "urn:x:y", "name": "z"}]


def wrap_status_twice(document: dict[str, Any]) -> None:
    document["credentialStatus"] = [[document["credentialStatus"]]]


def wrap_status(document: dict[str, Any]) -> None:
    document["credentialStatus"] = [document["credentialStatus"]]


def spell_id_as_keyword(document: dict[str, Any]) -> None:
    document["credentialStatus"]["@id"] = document["credentialStatus"].pop("id")


def name_blank_node(document: dict[str, Any]) -> None:
    document["credentialSubject"]["achievement"]["criteria"]["id"] = "_:b0"


def write_value_object(document: dict[str, Any]) -> None:
    document["name"] = {"@value": document["name"]}


def use_number(document: dict[str, Any]) -> None:
    document["credentialStatus"]["statusListIndex"] = 94_567


def add_second_proof(document: dict[str, Any]) -> None:
    document["proof"].append({**document["proof"][0], "created": "2026-01-01T00:00:00Z"})


def unwrap_proof(document: dict[str, Any]) -> None:
    document["proof"] = document["proof"][0]


def extend_proof(document: dict[str, Any]) -> None:
    document["proof"][0]["challenge"] = "x"


def other_suite(document: dict[str, Any]) -> None:
    document["proof"][0]["cryptosuite"] = "eddsa-jcs-2022"


def other_purpose(document: dict[str, Any]) -> None:
    document["proof"][0]["proofPurpose"] = "authentication"


def drop_status(document: dict[str, Any]) -> None:
    del document["credentialStatus"]


def drop_proof(document: dict[str, Any]) -> None:
    del document["proof"]


def change_date(document: dict[str, Any]) -> None:
    document["awardedDate"] = "2025-01-01T00:00:00Z"


def swap_contexts(document: dict[str, Any]) -> None:
    document["@context"].reverse()


def older_context(document: dict[str, Any]) -> None:
    document["@context"][1] = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json"


def deepen(document: dict[str, Any]) -> None:
    value: Any = "x"
    for _ in range(14):
        value = {"name": value}
    document["name"] = value


def repeat_siblings(document: dict[str, Any]) -> None:
    document["credentialSubject"]["result"] = [{"type": ["Result"]}] * 3


def break_type(document: dict[str, Any]) -> None:
    document["type"] = {"name": "VerifiableCredential"}


def swell(document: dict[str, Any]) -> None:
    document["type"] = [f"t{number}" for number in range(700)]


ATTACKS = [
    (rekey_status, "not_compacted_form"),
    (alias_status, "wrong_context"),
    (nest_context, "unexpected_keyword"),
    (add_undefined_term, "not_compacted_form"),
    (add_undefined_term_deep, "not_compacted_form"),
    (hide_in_included, "unexpected_keyword"),
    (wrap_status_twice, "ambiguous_array"),
    (wrap_status, "wrong_status"),
    (spell_id_as_keyword, "unexpected_keyword"),
    (name_blank_node, "blank_node_label"),
    (write_value_object, "unexpected_keyword"),
    (use_number, "unexpected_value"),
    (add_second_proof, "no_proof"),
    (unwrap_proof, "no_proof"),
    (extend_proof, "wrong_proof"),
    (other_suite, "wrong_proof"),
    (other_purpose, "wrong_proof"),
    (drop_status, "bad_signature"),
    (drop_proof, "no_proof"),
    (change_date, "bad_signature"),
    (swap_contexts, "wrong_context"),
    (older_context, "wrong_context"),
    (deepen, "too_large"),
    (repeat_siblings, "ambiguous_array"),
    (break_type, "not_linked_data"),
    (swell, "too_large"),
]


@pytest.mark.parametrize(("attack", "code"), ATTACKS, ids=lambda value: getattr(value, "__name__", ""))
def test_changed_document_is_refused(attack: Callable[[dict[str, Any]], None], code: str) -> None:
    document = copy.deepcopy(sign(make_body()))
    attack(document)
    assert check(document, Web((94_567,))) == (Outcome.REFUSED, code)


def test_doubled_member_is_refused() -> None:
    raw = dump(sign(make_body()))
    assert check(raw[:-1] + b',"id":"x"}') == (Outcome.REFUSED, "bad_json")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad_json"),
        (b"[]", "bad_json"),
        (b"null", "bad_json"),
        (b'{"a": NaN}', "bad_json"),
        (b"\xff", "bad_json"),
        (b'{"a": "\\ud800"}', "bad_json"),
        (b"[" * 60_000, "bad_json"),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "too_large"),
        (b"{}", "wrong_context"),
    ],
)
def test_garbage_is_refused(raw: bytes, code: str) -> None:
    assert check(raw) == (Outcome.REFUSED, code)


def test_key_in_the_fragment_is_not_believed() -> None:
    """1EdTech's public validator would take the key from there."""
    forger = Ed25519PrivateKey.generate()
    fragment = multikey.encode_public_key(forger.public_key())
    forged = sign(make_body(), proofs.SigningMethod(f"{DID}#{fragment}", forger))
    assert check(forged) == (Outcome.REFUSED, "key_not_found")


def test_other_key_under_the_published_name_is_refused() -> None:
    forged = sign(make_body(), proofs.SigningMethod(METHOD.verification_method, Ed25519PrivateKey.generate()))
    assert check(forged) == (Outcome.REFUSED, "bad_signature")


@pytest.mark.parametrize("method", ["did:web:forger.example#key-2026-03", DID, f"{DID}#"])
def test_key_of_somebody_else_is_refused(method: str) -> None:
    assert check(sign(make_body(), proofs.SigningMethod(method, KEY))) == (Outcome.REFUSED, "foreign_key")


def test_key_that_may_not_make_assertions_is_refused() -> None:
    web = Web()
    web.pages[DID]["assertionMethod"] = []
    assert check(sign(make_body()), web) == (Outcome.REFUSED, "key_not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "did:web:other"},
        {"verificationMethod": []},
        {"verificationMethod": "x"},
        {"assertionMethod": None},
    ],
)
def test_did_document_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    web = Web()
    web.pages[DID].update(change)
    assert check(sign(make_body()), web) == (Outcome.REFUSED, "key_not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "JsonWebKey"},
        {"controller": "did:web:other"},
        {"publicKeyMultibase": "z6Mk"},
        {"publicKeyMultibase": None},
        # Where Ed25519 is asked for, a P-256 key is not tried.
        {"publicKeyMultibase": "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"},
    ],
)
def test_key_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    web = Web()
    web.pages[DID]["verificationMethod"][0].update(change)
    assert check(sign(make_body()), web) == (Outcome.REFUSED, "key_not_found")


def test_unreachable_did_or_list_is_a_refusal() -> None:
    for address in (DID, LIST):
        web = Web()
        del web.pages[address]
        assert check(sign(make_body()), web) == (Outcome.REFUSED, "cannot_resolve")


def test_time_of_validity() -> None:
    signed = sign(make_body())
    until = {**make_body(), "validUntil": documents.format_time(NOW + timedelta(days=1))}
    assert check(signed, now=NOW - timedelta(seconds=1)) == (Outcome.NOT_YET_VALID, "")
    assert check(sign(until), now=NOW + timedelta(days=1)) == (Outcome.VALID, "")
    assert check(sign(until), now=NOW + timedelta(days=1, seconds=1)) == (Outcome.EXPIRED, "")


@pytest.mark.parametrize(
    "text", ["2026-03-02", "2026-13-02T00:00:00Z", "2026-03-02T15:04:05+00:00", "mañana"]
)
def test_unreadable_date_is_refused(text: str) -> None:
    assert check(sign({**make_body(), "validFrom": text})) == (Outcome.REFUSED, "wrong_time")


def test_other_issuer_or_type_is_refused() -> None:
    for issuer in ("https://example.org", "urn:uuid:12345678-1234-4234-8234-123456789abc"):
        assert check(sign({**make_body(), "issuer": issuer})) == (Outcome.REFUSED, "wrong_issuer")
    body = {**make_body(), "type": ["VerifiableCredential"]}
    del body["credentialSubject"]
    assert check(sign(body)) == (Outcome.REFUSED, "wrong_type")


@pytest.mark.parametrize(
    "change",
    [
        {"statusPurpose": "suspension"},
        {"statusListIndex": "094567"},
        {"statusListIndex": "9999999"},
        {"statusListIndex": "-1"},
        {"statusListIndex": True},
        {"type": "OtherEntry"},
    ],
)
def test_status_of_another_kind_is_refused(change: dict[str, Any]) -> None:
    body = make_body()
    body["credentialStatus"].update(change)
    outcome, code = check(sign(body))
    assert outcome is Outcome.REFUSED
    assert code in {"wrong_status", "not_compacted_form"}


def test_index_outside_the_list_is_refused() -> None:
    body = make_body()
    body["credentialStatus"]["statusListIndex"] = "131072"
    assert check(sign(body)) == (Outcome.REFUSED, "wrong_status_list")


def build_list(**changes: Any) -> dict[str, Any]:
    return {**make_list(), **changes}


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (lambda: sign(build_list(id=f"{ORIGIN}/status/2")), "wrong_status_list"),
        (lambda: sign(build_list(type=["VerifiableCredential"])), "wrong_status_list"),
        (lambda: sign(build_list(issuer="did:web:other")), "foreign_key"),
        (lambda: build_list(), "no_proof"),
        (lambda: {**sign(build_list()), "validFrom": "2026-01-01T00:00:00Z"}, "bad_signature"),
        (
            lambda: sign(
                build_list(
                    credentialSubject={
                        **build_list()["credentialSubject"],
                        "encodedList": "uH4sIAAAAAAAC_wMAAAAAAAAAAAA",
                    }
                )
            ),
            "wrong_status_list",
        ),
        (
            lambda: sign(
                build_list(
                    credentialSubject={**build_list()["credentialSubject"], "statusPurpose": "suspension"}
                )
            ),
            "wrong_status_list",
        ),
    ],
)
def test_untrustworthy_status_list_is_a_refusal(page: Callable[[], dict[str, Any]], code: str) -> None:
    web = Web()
    web.pages[LIST] = page()
    assert check(sign(make_body()), web) == (Outcome.REFUSED, code)


def test_list_that_another_issuer_signs_is_refused() -> None:
    other = "did:web:other.example"
    web = Web()
    web.pages[other] = build_document(
        other, [PublishedKey("k", multikey.encode_public_key(KEY.public_key()))]
    )
    web.pages[LIST] = sign(build_list(issuer=other), proofs.SigningMethod(f"{other}#k", KEY))
    assert check(sign(make_body()), web) == (Outcome.REFUSED, "wrong_status_list")


def test_signatures_by_three_keys_follow_what_is_published() -> None:
    """A retired key stays published and its credentials good; a compromised one leaves, and they fall with it."""
    keys = {
        name: Ed25519PrivateKey.from_private_bytes(name[-1].encode() * 32)
        for name in ("key-1", "key-2", "key-3")
    }
    signed = {
        name: sign(make_body(), proofs.SigningMethod(f"{DID}#{name}", key)) for name, key in keys.items()
    }
    web = Web()
    published = [
        PublishedKey(name, multikey.encode_public_key(key.public_key()))
        for name, key in {METHOD.verification_method.partition("#")[2]: KEY, **keys}.items()
    ]
    web.pages[DID] = build_document(DID, published)
    assert [check(signed[name], web) for name in keys] == [(Outcome.VALID, "")] * 3
    web.pages[DID] = build_document(DID, [key for key in published if key.fragment != "key-2"])
    assert [check(signed[name], web)[1] for name in keys] == ["", "key_not_found", ""]
