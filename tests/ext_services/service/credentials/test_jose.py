"""The two JWTs: what they say, and that nothing else is taken for one of them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from credential_support import DID, JOSE_KEY, JOSE_METHOD, KEY, LIST, METHOD, NOW, Web, make_body, make_list
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from integra_service.credentials import documents, jose, multikey, proofs
from integra_service.credentials.jose import JwtForm, parse_compact, sign_jwt
from integra_service.credentials.linked_data import dump
from integra_service.credentials.multibase import MultibaseError
from integra_service.credentials.verification import Outcome, verify_document, verify_jwt

OB, VC = JwtForm.OPEN_BADGES, JwtForm.VC_JOSE_COSE
FORMS = pytest.mark.parametrize("form", [OB, VC], ids=["ob", "vc"])


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(header: Any, payload: Any, method: proofs.SigningMethod = JOSE_METHOD) -> bytes:
    """Sign anything at all, as a forger or a careless issuer would."""
    parts = (part if isinstance(part, bytes) else dump(part) for part in (header, payload))
    signed = ".".join(map(encode, parts))
    return f"{signed}.{encode(method.private_key.sign(signed.encode()))}".encode()


def make_payload(form: JwtForm = OB, **changes: Any) -> dict[str, Any]:
    body = {**make_body(), **changes}
    return {**body, **jose.make_claims(make_body())} if form is OB else body


def make_header(form: JwtForm, **changes: Any) -> dict[str, Any]:
    return {**jose.make_header(form, JOSE_METHOD.verification_method), **changes}


def check(
    token: str | bytes, form: JwtForm = OB, web: Web | None = None, now: datetime = NOW
) -> tuple[Outcome, str]:
    raw = token.encode() if isinstance(token, str) else token
    result = verify_jwt(raw, form, web or Web(), now=now)
    return result.outcome, result.code


def test_open_badges_form_is_the_specifications() -> None:
    jws = parse_compact(sign_jwt(make_body(), JOSE_METHOD, OB).encode())
    header, payload = json.loads(jws.header), json.loads(jws.payload)
    assert header == {"alg": "ES256", "kid": f"{DID}#key-2026-03-es256", "typ": "JWT"}
    claims = {name: payload.pop(name) for name in ("iss", "jti", "nbf", "sub")}
    body = make_body()
    assert payload == body
    assert claims == {
        "iss": DID,
        "jti": body["id"],
        "nbf": int(NOW.timestamp()),
        "sub": body["credentialSubject"]["id"],
    }


def test_vc_form_is_the_credential_alone() -> None:
    jws = parse_compact(sign_jwt(make_body(), JOSE_METHOD, VC).encode())
    assert json.loads(jws.header) == {
        "alg": "ES256",
        "kid": f"{DID}#key-2026-03-es256",
        "typ": "vc+jwt",
        "cty": "vc",
    }
    assert json.loads(jws.payload) == make_body()


@FORMS
def test_signed_form_is_valid_revoked_expired_or_early(form: JwtForm) -> None:
    token = sign_jwt(make_body(), JOSE_METHOD, form)
    assert check(token, form) == (Outcome.VALID, "")
    assert check(token, form, Web((94_567,))) == (Outcome.REVOKED, "")
    assert check(token, form, Web((94_566, 94_568))) == (Outcome.VALID, "")
    assert check(token, form, now=NOW - timedelta(seconds=1)) == (Outcome.NOT_YET_VALID, "")
    until = {**make_body(), "validUntil": documents.format_time(NOW + timedelta(days=1))}
    expiring = sign_jwt(until, JOSE_METHOD, form)
    assert check(expiring, form, now=NOW + timedelta(days=1)) == (Outcome.VALID, "")
    assert check(expiring, form, now=NOW + timedelta(days=1, seconds=1)) == (Outcome.EXPIRED, "")


@FORMS
def test_one_form_is_not_taken_for_the_other(form: JwtForm) -> None:
    other = VC if form is OB else OB
    assert check(sign_jwt(make_body(), JOSE_METHOD, other), form) == (Outcome.REFUSED, "wrong_header")


def test_status_list_is_read_in_either_form() -> None:
    token = sign_jwt(make_body(), JOSE_METHOD, OB)
    document = dump(proofs.sign(make_body(), METHOD, created=documents.format_time(NOW)))
    for revoked, outcome in (((94_567,), Outcome.REVOKED), ((), Outcome.VALID)):
        web = Web()
        web.pages[LIST] = sign_jwt(make_list(revoked), JOSE_METHOD, VC).encode()
        assert check(token, web=web) == (outcome, "")
        assert verify_document(document, web, now=NOW).outcome is outcome


def test_unsigned_or_foreign_list_is_a_refusal() -> None:
    token = sign_jwt(make_body(), JOSE_METHOD, OB)
    other = proofs.SigningMethod(
        JOSE_METHOD.verification_method, jose.Es256PrivateKey(ec.generate_private_key(ec.SECP256R1()))
    )
    for page, code in (
        (sign_jwt(make_list(), other, VC), "bad_signature"),
        (sign_jwt(make_list() | {"id": f"{LIST}0"}, JOSE_METHOD, VC), "wrong_status_list"),
        ("", "bad_jwt"),
    ):
        web = Web()
        web.pages[LIST] = page.encode()
        assert check(token, web=web) == (Outcome.REFUSED, code)


@FORMS
def test_no_byte_can_be_changed(form: JwtForm) -> None:
    raw = sign_jwt(make_body(), JOSE_METHOD, form).encode()
    web = Web()
    survivors = [
        (position, mask)
        for position in range(len(raw))
        for mask in (0x01, 0x02)
        if check(raw[:position] + bytes([raw[position] ^ mask]) + raw[position + 1 :], form, web)[0]
        is not Outcome.REFUSED
    ]
    assert survivors == []


@FORMS
def test_no_byte_can_be_added_or_taken(form: JwtForm) -> None:
    raw = sign_jwt(make_body(), JOSE_METHOD, form).encode()
    for changed in (raw + b"\n", b" " + raw, raw + b"=", raw[:-1], raw + b"A", raw.replace(b".", b"..", 1)):
        assert check(changed, form)[0] is Outcome.REFUSED


def test_last_character_has_one_spelling() -> None:
    """64 bytes in base64url leave four bits that a lax reader ignores."""
    token = sign_jwt(make_body(), JOSE_METHOD, OB)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = alphabet.index(token[-1])
    for other in range(place - place % 16, place - place % 16 + 16):
        outcome = Outcome.VALID if other == place else Outcome.REFUSED
        assert check(token[:-1] + alphabet[other])[0] is outcome


def test_signature_has_one_spelling() -> None:
    """A zero before ``s`` is the same number to whoever does not count the bytes."""
    header, payload, signature = sign_jwt(make_body(), JOSE_METHOD, OB).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    longer = encode(raw[:32] + b"\0" + raw[32:])
    assert check(f"{header}.{payload}.{longer}") == (Outcome.REFUSED, "bad_signature")


def sign_hs256(header: dict[str, Any], secret: bytes) -> bytes:
    signed = f"{encode(dump(header))}.{encode(dump(make_payload()))}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}".encode()


def test_public_key_is_no_secret_of_an_hmac() -> None:
    public_key = JOSE_KEY.public_key()
    spelled = (
        public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        multikey.encode_public_key(public_key).encode(),
    )
    for secret in spelled:
        assert check(sign_hs256(make_header(OB, alg="HS256"), secret)) == (Outcome.REFUSED, "wrong_header")
        assert check(sign_hs256(make_header(OB), secret)) == (Outcome.REFUSED, "bad_signature")


JWK = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(JOSE_KEY.public_key()))


@FORMS
@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "EdDSA"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"jwk": JWK},
        {"jku": "https://forger.example/keys"},
        {"x5u": "https://forger.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["b64"], "b64": False},
        {"b64": True},
        {"typ": "jwt"},
        {"typ": None},
        {"cty": "VC"},
        {"kid": 7},
        {"kid": None},
    ],
    ids=lambda change: next(iter(change.items())).__repr__(),
)
def test_header_of_another_kind_is_refused(form: JwtForm, change: dict[str, Any]) -> None:
    """Each is signed by the issuer's own key: the header alone is why it is refused."""
    token = make_token(make_header(form, **change), make_payload(form))
    assert check(token, form) == (Outcome.REFUSED, "wrong_header")


@FORMS
def test_missing_header_members_are_refused(form: JwtForm) -> None:
    for name in make_header(form):
        header = {key: value for key, value in make_header(form).items() if key != name}
        assert check(make_token(header, make_payload(form)), form) == (Outcome.REFUSED, "wrong_header")


def test_unsigned_token_is_refused() -> None:
    header, payload = encode(dump(make_header(OB, alg="none"))), encode(dump(make_payload()))
    assert check(f"{header}.{payload}.") == (Outcome.REFUSED, "bad_jwt")
    for length in (1, 63, 65, 128):
        assert check(f"{encode(dump(make_header(OB)))}.{payload}.{encode(bytes(length))}") == (
            Outcome.REFUSED,
            "bad_signature",
        )
    assert check(f"{encode(dump(make_header(OB)))}.{payload}.{encode(bytes(64))}") == (
        Outcome.REFUSED,
        "bad_signature",
    )


@FORMS
def test_key_in_the_fragment_is_not_believed(form: JwtForm) -> None:
    forger = ec.generate_private_key(ec.SECP256R1())
    fragment = multikey.encode_public_key(forger.public_key())
    method = proofs.SigningMethod(f"{DID}#{fragment}", jose.Es256PrivateKey(forger))
    assert check(sign_jwt(make_body(), method, form), form) == (Outcome.REFUSED, "key_not_found")


@FORMS
@pytest.mark.parametrize(
    ("method_id", "code"),
    [
        ("did:web:forger.example#key-2026-03-es256", "foreign_key"),
        (DID, "foreign_key"),
        (f"{DID}#", "foreign_key"),
        ("key-2026-03-es256", "foreign_key"),
        # A key of the issuer's, but of the other algorithm.
        (METHOD.verification_method, "key_not_found"),
    ],
)
def test_key_that_is_not_the_issuers_for_this_is_refused(form: JwtForm, method_id: str, code: str) -> None:
    method = proofs.SigningMethod(method_id, jose.Es256PrivateKey(JOSE_KEY))
    assert check(sign_jwt(make_body(), method, form), form) == (Outcome.REFUSED, code)


@FORMS
def test_other_key_under_the_published_name_is_refused(form: JwtForm) -> None:
    other = jose.Es256PrivateKey(ec.generate_private_key(ec.SECP256R1()))
    method = proofs.SigningMethod(JOSE_METHOD.verification_method, other)
    assert check(sign_jwt(make_body(), method, form), form) == (Outcome.REFUSED, "bad_signature")


@FORMS
def test_key_that_may_not_make_assertions_is_refused(form: JwtForm) -> None:
    web = Web()
    web.pages[DID]["assertionMethod"].remove(JOSE_METHOD.verification_method)
    assert check(sign_jwt(make_body(), JOSE_METHOD, form), form, web) == (Outcome.REFUSED, "key_not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "did:web:other"},
        {"jti": "http://localhost:8001/c/other"},
        {"sub": "urn:uuid:00000000-0000-4000-8000-000000000000"},
        {"nbf": int(NOW.timestamp()) - 1},
        {"nbf": float(NOW.timestamp())},
        {"nbf": str(int(NOW.timestamp()))},
        {"nbf": True},
        {"exp": int(NOW.timestamp()) + 9_999},
        {"iss": None},
    ],
)
def test_claims_that_differ_from_the_credential_are_refused(change: dict[str, Any]) -> None:
    assert check(make_token(make_header(OB), make_payload() | change)) == (Outcome.REFUSED, "wrong_claims")


@pytest.mark.parametrize("name", ["iss", "jti", "sub", "nbf"])
def test_claims_must_all_be_there_or_none(name: str) -> None:
    payload = make_payload()
    claim = payload.pop(name)
    assert check(make_token(make_header(OB), payload)) == (Outcome.REFUSED, "wrong_claims")
    assert check(make_token(make_header(VC), make_body() | {name: claim}), VC) == (
        Outcome.REFUSED,
        "wrong_claims",
    )


def test_expiry_must_stand_in_both_places() -> None:
    until = {**make_body(), "validUntil": documents.format_time(NOW + timedelta(days=1))}
    claims = jose.make_claims(until)
    assert check(make_token(make_header(OB), until | claims)) == (Outcome.VALID, "")
    later = claims | {"exp": claims["exp"] + 86_400}
    without = {name: value for name, value in claims.items() if name != "exp"}
    for wrong in (later, without):
        assert check(make_token(make_header(OB), until | wrong)) == (Outcome.REFUSED, "wrong_claims")


def rekey_status(body: dict[str, Any]) -> None:
    body["https://www.w3.org/2018/credentials#credentialStatus"] = body.pop("credentialStatus")


def alias_status(body: dict[str, Any]) -> None:
    body["@context"] = [*body["@context"], {"x": "https://www.w3.org/2018/credentials#credentialStatus"}]
    body["x"] = body.pop("credentialStatus")


def nest_context(body: dict[str, Any]) -> None:
    body["credentialSubject"]["@context"] = {}


def drop_subject_id(body: dict[str, Any]) -> None:
    del body["credentialSubject"]["id"]


def list_subject(body: dict[str, Any]) -> None:
    body["credentialSubject"] = [body["credentialSubject"]]


def drop_date(body: dict[str, Any]) -> None:
    del body["validFrom"]


def other_date(body: dict[str, Any]) -> None:
    body["validFrom"] = "2026-03-02"


def other_type(body: dict[str, Any]) -> None:
    body["type"] = ["VerifiableCredential"]


def list_status(body: dict[str, Any]) -> None:
    body["credentialStatus"] = [body["credentialStatus"]]


@pytest.mark.parametrize(
    ("change", "ob_code", "vc_code"),
    [
        (rekey_status, "wrong_status", "wrong_status"),
        (alias_status, "wrong_context", "wrong_context"),
        (nest_context, "unexpected_keyword", "unexpected_keyword"),
        (drop_subject_id, "wrong_claims", ""),
        (list_subject, "wrong_claims", ""),
        (drop_date, "wrong_claims", "wrong_time"),
        (other_date, "wrong_claims", "wrong_time"),
        (other_type, "wrong_type", "wrong_type"),
        (list_status, "wrong_status", "wrong_status"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_credential_of_another_shape_is_refused_though_signed(
    change: Callable[[dict[str, Any]], None], ob_code: str, vc_code: str
) -> None:
    body = make_body()
    change(body)
    claims = jose.make_claims(make_body())
    assert check(make_token(make_header(OB), body | claims))[1] == ob_code
    assert check(make_token(make_header(VC), body), VC)[1] == vc_code


@FORMS
def test_doubled_members_are_refused(form: JwtForm) -> None:
    header, payload = dump(make_header(form)), dump(make_payload(form))
    for doubled in (
        (header[:-1] + b',"alg":"ES256"}', payload),
        (header, payload[:-1] + b',"id":"x"}'),
        (header, payload.replace(b'{"@context"', b'{"credentialStatus":{},"@context"', 1)),
    ):
        assert check(make_token(*doubled), form) == (Outcome.REFUSED, "bad_json")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad_jwt"),
        (b"a.b.c", "bad_jwt"),
        (b"{}", "bad_jwt"),
        ("é.é.é".encode(), "bad_jwt"),
        (b"W10.W10.AA", "bad_json"),
        (b"e30.e30.AA", "wrong_header"),
        (b"A" * 65_537, "too_large"),
    ],
)
def test_garbage_is_refused(raw: bytes, code: str) -> None:
    assert check(raw) == (Outcome.REFUSED, code)


def test_unreachable_did_or_list_is_a_refusal() -> None:
    for address in (DID, LIST):
        web = Web()
        del web.pages[address]
        assert check(sign_jwt(make_body(), JOSE_METHOD, OB), web=web) == (Outcome.REFUSED, "cannot_resolve")


names = st.text(min_size=1, max_size=40).filter(
    lambda text: "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text) and text[:2] != "_:"
)


@given(name=names, form=st.sampled_from(JwtForm), seed=st.integers(1, 2**255))
def test_what_is_signed_is_what_is_read_under_any_key(name: str, form: JwtForm, seed: int) -> None:
    private_key = ec.derive_private_key(seed, ec.SECP256R1())
    web = Web()
    web.pages[DID]["verificationMethod"][1]["publicKeyMultibase"] = multikey.encode_public_key(
        private_key.public_key()
    )
    method = proofs.SigningMethod(JOSE_METHOD.verification_method, jose.Es256PrivateKey(private_key))
    body = {**make_body(), "name": name}
    token = sign_jwt(body, method, form)
    said = json.loads(parse_compact(token.encode()).payload)
    assert {**said, **body} == said
    assert check(token, form, web) == (Outcome.VALID, "")
    # Another library reads it alike.
    assert jwt.decode(token, private_key.public_key(), ["ES256"], options={"verify_nbf": False}) == said


@given(seed=st.integers(1, 2**255))
def test_p256_key_has_one_spelling(seed: int) -> None:
    public_key = ec.derive_private_key(seed, ec.SECP256R1()).public_key()
    text = multikey.encode_public_key(public_key)
    assert text.startswith("zDn")
    assert multikey.decode_public_key(text) == public_key
    for changed in (text[:-1], text + "1", "z1" + text[1:], text[:20] + "0" + text[21:]):
        with pytest.raises(MultibaseError):
            multikey.decode_public_key(changed)


def test_published_p256_key_is_spelled_as_others_spell_it() -> None:
    """Source: W3C CCG "The did:key Method", test vectors for P-256 (``nist-curves.json``)."""
    text = "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"
    public_key = multikey.decode_public_key(text)
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    assert isinstance(public_key.curve, ec.SECP256R1)
    assert multikey.encode_public_key(public_key) == text


def test_point_off_the_curve_is_no_key() -> None:
    from integra_service.credentials.multibase import encode_base58

    refused = 0
    for x in range(1, 20):
        try:
            multikey.decode_public_key(encode_base58(bytes.fromhex("802402") + x.to_bytes(32, "big")))
        except MultibaseError:
            refused += 1
    assert refused > 5
    assert KEY.public_key() == multikey.decode_public_key(multikey.encode_public_key(KEY.public_key()))
