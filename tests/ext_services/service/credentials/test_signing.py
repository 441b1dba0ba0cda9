"""The signing core against published values: what others sign alike, we sign alike."""

import hashlib
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld

from integra_service.credentials import linked_data, multibase, multikey, proofs, status_list
from integra_service.credentials.did import PublishedKey, build_document, document_url, make_did
from integra_service.credentials.names import hash_name, is_name_of, normalize_name

# 1EdTech, Open Badges 3.0 Implementation Guide, "Linked Data Proof Test Vector for Open Badges 3.0"
# (1EdTech/openbadges-specification, ob_v3p0/impl/linked-data-proof-ob.html and test-vectors/obv3p0).
VECTOR_SECRET = "6241a409e6707bb640a0140a8a32bc3d193c33a661747284d6adfa4ed4180be4"
VECTOR_MULTIKEY = "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi"
VECTOR_METHOD = f"https://example.edu/issuers/565049#{VECTOR_MULTIKEY}"
VECTOR_DOCUMENT_HASH = "87f65a76d40146205e3b3e06cb0fbd153f97f9ce70372390f52566bb7f9e0773"
VECTOR_PROOF_HASH = "d34009cea0dbc1ca941e09dc01c8c9d3e3ce3c5b853f67ee44698dcea10f5d19"
VECTOR_PROOF_VALUE = (
    "z5x9aCBYovW3CQCbKdNyhEm7ffYSw1YpEdPywQJoNbzDD2gkzQDKJ1sYKJaWvqZtkMtSbz35HcbgXVEDYHxCzgkCr"
)
VECTOR_DOCUMENT = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ],
    "id": "http://example.com/credentials/3527",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {
        "id": "https://example.edu/issuers/565049",
        "type": ["Profile"],
        "url": "https://www.imsglobal.org",
        "name": "Example Corp",
    },
    "validFrom": "2010-01-01T00:00:00Z",
    "name": "Teamwork Badge",
    "credentialSubject": {
        "id": "did:example:ebfeb1f712ebc6f1c276e12ec21",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://example.com/achievements/21st-century-skills/teamwork",
            "type": ["Achievement"],
            "criteria": {
                "narrative": "Team members are nominated for this badge by their peers and recognized upon review by "
                "Example Corp management."
            },
            "description": "This badge recognizes the development of the capacity to collaborate within a group "
            "environment.",
            "name": "Teamwork",
        },
    },
}


def test_published_vector_is_reproduced() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR_SECRET))
    signed = proofs.sign(
        VECTOR_DOCUMENT, proofs.SigningMethod(VECTOR_METHOD, key), created="2010-01-01T19:23:24Z"
    )
    (proof,) = signed["proof"]
    unsigned = {name: value for name, value in proof.items() if name != "proofValue"}
    assert multikey.encode_public_key(key.public_key()) == VECTOR_MULTIKEY
    assert proofs.hash_data(VECTOR_DOCUMENT, unsigned).hex() == VECTOR_PROOF_HASH + VECTOR_DOCUMENT_HASH
    assert proof["proofValue"] == VECTOR_PROOF_VALUE
    assert proofs.is_signed_by(VECTOR_DOCUMENT, proof, multikey.decode_public_key(VECTOR_MULTIKEY))


def test_remembered_contexts_change_nothing_of_what_pyld_makes() -> None:
    options = {"documentLoader": linked_data.load_context}
    form = {"algorithm": "URDNA2015", "format": "application/n-quads"}
    for number in range(3):  # the first one makes the contexts, the others are told them
        document = {**VECTOR_DOCUMENT, "id": f"http://example.com/credentials/{number}"}
        proof = {"@context": VECTOR_DOCUMENT["@context"], "type": "DataIntegrityProof", "cryptosuite": "x"}
        for each in (document, proof, {**document, "proof": [proof]}):
            assert linked_data.canonicalize(each) == jsonld.normalize(each, {**options, **form}).encode()
        linked_data.check_compacted_form(document)
        hidden = {**document, "https://schema.org/name": "said twice"}
        with pytest.raises(linked_data.LinkedDataError):
            linked_data.check_compacted_form(hidden)


def test_contexts_are_the_pinned_ones_and_no_other_is_loaded() -> None:
    notice = (Path(linked_data.__file__).parent / "contexts" / "NOTICE").read_text()
    for _url, (name, digest) in linked_data._PINNED.items():
        raw = (Path(linked_data.__file__).parent / "contexts" / name).read_bytes()
        assert hashlib.sha256(raw).hexdigest() == digest
        assert digest in notice
    with pytest.raises(linked_data.LinkedDataError) as refused:
        linked_data.load_context("https://example.org/context.json")
    assert refused.value.code == "unknown_context"


def test_changed_context_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _digest in linked_data._PINNED.values():
        (tmp_path / name).write_text('{"@context": {}}')
    monkeypatch.setattr(linked_data, "_FOLDER", tmp_path)
    with pytest.raises(linked_data.LinkedDataError) as refused:
        linked_data._read_contexts()
    assert refused.value.code == "context_changed"


@given(st.binary(min_size=1, max_size=80))
def test_multibase_spells_bytes_one_way(data: bytes) -> None:
    assert multibase.decode_base58(multibase.encode_base58(data), length=len(data)) == data
    assert multibase.decode_base64url(multibase.encode_base64url(data)) == data


@pytest.mark.parametrize(
    "text", ["", "z", "z0", "zIl", "u", "uA", "uAB", "uAA==", "u+/", "zzzzzzzzzzzz", "zzzzz", "z1211", "é"]
)
def test_multibase_refuses_other_spellings(text: str) -> None:
    with pytest.raises(multibase.MultibaseError):
        multibase.decode_base58(text, length=2)
    with pytest.raises(multibase.MultibaseError):
        multibase.decode_base64url(text)


def test_key_of_another_kind_is_refused() -> None:
    with pytest.raises(multibase.MultibaseError):
        multikey.decode_public_key(multibase.encode_base58(bytes.fromhex("1200") + bytes(32)))


@given(st.sets(st.integers(0, status_list.LENGTH - 1), max_size=40), st.integers(0, status_list.LENGTH - 1))
def test_status_list_tells_exactly_the_set_bits(indices: set[int], other: int) -> None:
    encoded = status_list.encode_list(indices)
    assert all(status_list.is_set(encoded, index) for index in indices)
    assert status_list.is_set(encoded, other) == (other in indices)


def test_status_list_bit_0_is_the_leftmost_of_the_first_byte() -> None:
    import gzip

    bits = gzip.decompress(multibase.decode_base64url(status_list.encode_list([0, 9])))
    assert (len(bits), bits[0], bits[1], sum(bits)) == (16_384, 0x80, 0x40, 0x80 + 0x40)


@pytest.mark.parametrize("length", [0, 1, 16_383, 16_385, 40_000_000])
def test_status_list_of_another_length_is_refused(length: int) -> None:
    import gzip

    encoded = multibase.encode_base64url(gzip.compress(bytes(length)))
    with pytest.raises(status_list.StatusListError):
        status_list.is_set(encoded, 0)


def test_status_list_refuses_trailing_data_truncation_and_indices_outside() -> None:
    encoded = status_list.encode_list([])
    raw = multibase.decode_base64url(encoded)
    for broken in (raw + b"x", raw[:-1], b"not gzip"):
        with pytest.raises(status_list.StatusListError):
            status_list.is_set(multibase.encode_base64url(broken), 0)
    for index in (-1, status_list.LENGTH):
        with pytest.raises(status_list.StatusListError):
            status_list.is_set(encoded, index)
        with pytest.raises(status_list.StatusListError):
            status_list.encode_list([index])


@pytest.mark.parametrize(
    ("origin", "did", "url"),
    [
        ("https://certs.example.org", "did:web:certs.example.org", "https://certs.example.org/.well-known/did.json"),
        ("http://localhost:8001", "did:web:localhost%3A8001", "https://localhost:8001/.well-known/did.json"),
    ],
)  # fmt: skip
def test_did_of_an_origin(origin: str, did: str, url: str) -> None:
    assert make_did(origin) == did
    assert document_url(did) == url


def test_did_document_has_the_shape_other_resolvers_need() -> None:
    document = build_document("did:web:x", [PublishedKey("key-2026-11", VECTOR_MULTIKEY)])
    assert document["@context"][0] == "https://www.w3.org/ns/did/v1"
    assert document["assertionMethod"] == ["did:web:x#key-2026-11"]
    assert document["verificationMethod"][0]["id"] == "did:web:x#key-2026-11"
    assert VECTOR_MULTIKEY not in document["verificationMethod"][0]["id"]


@pytest.mark.parametrize(
    "typed",
    [
        "María José Ñáñez",
        "  maría   josé\tñáñez ",
        "MARÍA JOSÉ ÑÁÑEZ",
        "Mari\u0301a Jose\u0301 N\u0303a\u0301n\u0303ez",
        "\u200eMaría José Ñáñez\u200f",
        "María\u00a0José Ñáñez",
    ],
)
def test_spellings_of_one_name_coincide(typed: str) -> None:
    assert is_name_of(typed, salt="5a17", identity_hash=hash_name("María José Ñáñez", "5a17"))


@pytest.mark.parametrize(
    "typed", ["Maria Jose Ñáñez", "María José", "María José Ñañez", "", "\ud800", "Marí\u0430"]
)
def test_other_names_do_not_coincide(typed: str) -> None:
    assert not is_name_of(typed, salt="5a17", identity_hash=hash_name("María José Ñáñez", "5a17"))


@given(st.text(max_size=60))
def test_normalisation_does_not_depend_on_the_spelling(name: str) -> None:
    import unicodedata

    composed, decomposed = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
    assert normalize_name(composed) == normalize_name(decomposed) == normalize_name(f" {name}\n")
    assert not re.search(r"\s\s|^\s|\s$", normalize_name(name))
    assert unicodedata.is_normalized("NFC", normalize_name(name))


def test_hash_is_the_one_open_badges_defines() -> None:
    expected = hashlib.sha256("ana péreza0b1".encode()).hexdigest()
    assert hash_name("Ana  PÉREZ", "a0b1") == f"sha256${expected}"
