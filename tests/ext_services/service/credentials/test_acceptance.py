"""What strangers' libraries accept and refuse of each form: the table in ``docs/credentials.md``, kept true.

Ours refuses everything but the good one. Where another accepts, the reason stands beside it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from independent import ask_javascript, ask_jose, fetch
from openbadgeslib import baking
from openbadgeslib.ob3.did import pem_for_kid
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from integra_service.credentials import services
from integra_service.credentials.documents import format_time
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.jose import Es256PrivateKey, JwtForm, make_claims, make_header, sign_jwt
from integra_service.credentials.keys import get_signing_method
from integra_service.credentials.linked_data import dump
from integra_service.credentials.models import CredentialDocument, KeyAlgorithm, RevocationReason, SigningKey
from integra_service.credentials.multikey import decode_public_key, encode_public_key
from integra_service.credentials.proofs import SigningMethod, sign
from integra_service.credentials.verification import Outcome, verify_document, verify_jwt
from integra_service.lib.clock import utc_now

pytestmark = pytest.mark.fault
STATUS = "https://www.w3.org/2018/credentials#credentialStatus"
EXPIRED = {"validFrom": "2026-01-01T00:00:00Z", "validUntil": "2026-01-02T00:00:00Z"}


class Issued:
    """A good credential, a revoked one, and what a forger makes of them."""

    def __init__(self, builders: Any) -> None:
        self.issuer = get_issuer()
        self.good, self.revoked = (self._issue(builders) for _ in range(2))
        services.revoke(self.revoked.credential, RevocationReason.MISUSE, "user:1", utc_now())
        _key, self.method = get_signing_method(self.issuer, KeyAlgorithm.ED25519)
        _key, self.jose_method = get_signing_method(self.issuer, KeyAlgorithm.P256)
        self.body = json.loads(self.good.body)

    def _issue(self, builders: Any) -> CredentialDocument:
        (credential,) = services.issue_due(builders.store_learner(), utc_now())
        return CredentialDocument.objects.for_system().select_related("credential").get(credential=credential)

    def make_documents(self) -> dict[str, bytes]:
        """Return the embedded form under each attack."""
        raw = bytes(self.good.content)
        forger = Ed25519PrivateKey.generate()
        fragment = encode_public_key(forger.public_key())
        return {
            "good": raw,
            "revoked": bytes(self.revoked.content),
            "tampered": raw.replace(b"72 minutos", b"99 minutos"),
            "other key": self._sign(self.body, SigningMethod(self.method.verification_method, forger)),
            "key in fragment": self._sign(self.body, SigningMethod(f"{self.issuer.did}#{fragment}", forger)),
            "expired": self._sign({**self.body, **EXPIRED}, self.method),
            "re-keyed status": self._change_revoked(lambda d: d.update({STATUS: d.pop("credentialStatus")})),
            "aliased context": self._change_revoked(alias_status),
            "added member": self._change_good(lambda d: d.update({"eligibleForFund": "true"})),
            "doubled member": b'{"name":"Doctorado",' + raw[1:],
        }

    def make_tokens(self, form: JwtForm) -> dict[str, str]:
        """Return a JWT under each attack."""
        name = "ob_jwt" if form is JwtForm.OPEN_BADGES else "vc_jwt"
        forger = Es256PrivateKey(ec.generate_private_key(ec.SECP256R1()))
        forger_key = ec.generate_private_key(ec.SECP256R1())
        fragment = encode_public_key(forger_key.public_key())
        by_fragment = SigningMethod(f"{self.issuer.did}#{fragment}", Es256PrivateKey(forger_key))
        token = getattr(self.good, name)
        header, _payload, signature = token.split(".")
        claims = make_claims(self.body) if form is JwtForm.OPEN_BADGES else {}
        own_header = make_header(form, self.jose_method.verification_method)
        jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(forger_key.public_key()))
        changed = dump({**self.body, **claims}).replace(b"72 minutos", b"99 minutos")
        rekeyed = {**self.body, **claims}
        rekeyed[STATUS] = rekeyed.pop("credentialStatus")
        doubled = b'{"name":"Doctorado",' + dump({**self.body, **claims})[1:]
        return {
            "good": token,
            "revoked": getattr(self.revoked, name),
            "tampered": f"{header}.{encode(changed)}.{signature}",
            "other key": sign_jwt(
                self.body, SigningMethod(self.jose_method.verification_method, forger), form
            ),
            "key in fragment": sign_jwt(self.body, by_fragment, form),
            "key in header": make_token({**own_header, "jwk": jwk}, changed, Es256PrivateKey(forger_key)),
            "no algorithm": f"{encode(dump({**own_header, 'alg': 'none'}))}.{encode(changed)}.",
            "public key as HMAC secret": self._sign_hs256({**own_header, "alg": "HS256"}, changed),
            "expired": sign_jwt({**self.body, **EXPIRED}, self.jose_method, form),
            "re-keyed status": f"{header}.{encode(dump(rekeyed))}.{signature}",
            "doubled member": make_token(own_header, doubled, self.jose_method.private_key),
        }

    def _sign(self, body: dict[str, Any], method: SigningMethod) -> bytes:
        return dump(sign(body, method, created=format_time(utc_now())))

    def _change_good(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        document = json.loads(bytes(self.good.content))
        change(document)
        return dump(document)

    def _change_revoked(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        document = json.loads(bytes(self.revoked.content))
        change(document)
        return dump(document)

    def _sign_hs256(self, header: dict[str, Any], payload: bytes) -> str:
        stored = SigningKey.objects.get(algorithm=KeyAlgorithm.P256, state="active")
        public_key = decode_public_key(stored.public_key)
        secret = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = f"{encode(dump(header))}.{encode(payload)}"
        return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def alias_status(document: dict[str, Any]) -> None:
    document["@context"] = [*document["@context"], {"hidden": STATUS}]
    document["hidden"] = document.pop("credentialStatus")


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(header: dict[str, Any], payload: bytes, private_key: Any) -> str:
    signed = f"{encode(dump(header))}.{encode(payload)}"
    return f"{signed}.{encode(private_key.sign(signed.encode()))}"


def is_accepted_by_openbadgeslib(raw: bytes | str) -> bool:
    """Ask openbadgeslib, anchored to the issuer's DID, with the status looked up in the list as JSON."""

    def download(url: str) -> bytes:
        # It asks for did:web over https only, and this service is on the loopback.
        return fetch(url.replace("https://localhost:", "http://localhost:"))

    did = get_issuer().did
    try:
        if isinstance(raw, str):
            verifier = OB3Verifier.for_issuer_did(did, download=download)
            verifier.verify(raw, check_status=True, verify_status_list=False, download=download)
        else:
            document_verifier = OB3LdpVerifier.for_issuer_did(did)
            document_verifier.verify(raw, check_status=True, verify_status_list=False, download=download)
    except OB3VerificationError:
        return False
    return True


# Which attacks get through, by library (versions: tests/js/package.json, setup.cfg).
ACCEPTED_DOCUMENTS = {
    "ours": [],
    # Python's parser keeps the last of two members, as JSON.parse does: only reading the text tells.
    "openbadgeslib": ["doubled member"],
    # A proof covers the RDF: a status hidden from the JSON is hidden from whoever looks for it there.
    "digitalbazaar": ["re-keyed status", "aliased context", "doubled member"],
    "digitalcredentials": ["re-keyed status", "aliased context", "doubled member"],
}
ACCEPTED_TOKENS = {
    JwtForm.OPEN_BADGES: {
        "ours": [],
        "openbadgeslib": ["doubled member"],
        # It verifies JWTs and knows no status.
        "jose": ["revoked", "doubled member"],
    },
    JwtForm.VC_JOSE_COSE: {
        "ours": [],
        # This form has no claims beside the credential, and to this library "validUntil" is a member like any.
        "jose": ["revoked", "expired", "doubled member"],
    },
}


def list_accepted(judged: dict[str, bool]) -> list[str]:
    """Return the attacks that were accepted; the good one must be among what was."""
    assert judged["good"]
    return [name for name, is_accepted in judged.items() if is_accepted and name != "good"]


def test_embedded_form(origin: str, builders: Any, node_modules: None) -> None:
    documents = Issued(builders).make_documents()
    now, resolve = utc_now(), resolve_own(get_issuer())
    asked = dict(zip(documents, ask_javascript(origin, list(documents.values())), strict=True))
    ours = {name: verify_document(raw, resolve, now=now).outcome for name, raw in documents.items()}
    judged = {
        "ours": {name: outcome is Outcome.VALID for name, outcome in ours.items()},
        "openbadgeslib": {name: is_accepted_by_openbadgeslib(raw) for name, raw in documents.items()},
        **{
            stack: {name: a[stack]["verified"] and not a[stack]["revoked"] for name, a in asked.items()}
            for stack in ("digitalbazaar", "digitalcredentials")
        },
    }
    assert {library: list_accepted(told) for library, told in judged.items()} == ACCEPTED_DOCUMENTS
    assert (ours["revoked"], ours["expired"]) == (Outcome.REVOKED, Outcome.EXPIRED)


@pytest.mark.parametrize("form", list(JwtForm))
def test_jwt_forms(origin: str, builders: Any, node_modules: None, form: JwtForm) -> None:
    tokens = Issued(builders).make_tokens(form)
    now, resolve = utc_now(), resolve_own(get_issuer())
    asked = dict(zip(tokens, ask_jose(origin, form, list(tokens.values())), strict=True))
    ours = {name: verify_jwt(t.encode(), form, resolve, now=now).outcome for name, t in tokens.items()}
    judged = {
        "ours": {name: outcome is Outcome.VALID for name, outcome in ours.items()},
        "jose": {name: answer["verified"] for name, answer in asked.items()},
    }
    by_openbadgeslib = {name: is_accepted_by_openbadgeslib(token) for name, token in tokens.items()}
    if form is JwtForm.OPEN_BADGES:
        judged["openbadgeslib"] = by_openbadgeslib
    else:  # it reads the profile of Open Badges only, whose claims are mandatory
        assert not any(by_openbadgeslib.values())
    assert {library: list_accepted(told) for library, told in judged.items()} == ACCEPTED_TOKENS[form]
    assert (ours["revoked"], ours["expired"]) == (Outcome.REVOKED, Outcome.EXPIRED)


def test_what_is_published_is_what_strangers_verify(origin: str, builders: Any, node_modules: None) -> None:
    """Every form over HTTP, the images unbaked by another library, the list in both of its forms."""
    issued = Issued(builders)
    address = f"{origin}/c/{issued.good.credential.token}"
    (ob,) = ask_jose(origin, "JWT", [fetch(f"{address}.jwt").decode()])
    (vc,) = ask_jose(origin, "vc+jwt", [fetch(f"{address}.vc.jwt").decode()])
    assert vc["payload"] == issued.body
    assert ob["payload"] == issued.body | make_claims(issued.body)

    png, svg = fetch(f"{address}.png"), fetch(f"{address}.svg")
    unbaked = [
        baking.extract_png(png, keyword=baking.ITXT_KEYWORD_OB3),
        baking.extract_svg(svg, element=baking.SVG_ELEMENT_OB3, text_fallback=True),
    ]
    answers = ask_javascript(origin, [text.encode() for text in unbaked])
    assert [a[stack]["verified"] for a in answers for stack in ("digitalbazaar", "digitalcredentials")] == [
        True
    ] * 4

    status_url = issued.body["credentialStatus"]["statusListCredential"]
    (listed,) = ask_jose(origin, "vc+jwt", [fetch(status_url, accept="application/vc+jwt").decode()])
    embedded = json.loads(fetch(status_url))
    del embedded["proof"]
    assert listed["payload"] == embedded


def test_openbadgeslib_verifies_the_signed_list(origin: str, builders: Any) -> None:
    """Its own way: it takes one key for credential and list, and asks for the list as a JWT."""
    issued = Issued(builders)
    document = json.loads(fetch(f"{origin}/.well-known/did.json"))
    pem = pem_for_kid(document, issued.issuer.did, issued.jose_method.verification_method)
    verifier = OB3Verifier(pubkey_pem=pem)

    def download(url: str) -> bytes:
        return fetch(url, accept="application/vc+jwt")

    def verify(stored: CredentialDocument) -> Any:
        return verifier.verify(stored.ob_jwt, check_status=True, verify_status_list=True, download=download)

    assert verify(issued.good).issuer.id == issued.issuer.did
    with pytest.raises(OB3VerificationError, match="'revocation' is set"):
        verify(issued.revoked)
    with pytest.raises(OB3VerificationError, match="not a signed JWT-VC"):
        verifier.verify(issued.good.ob_jwt, check_status=True, download=fetch)
    # Anchored to the DID it takes the document's first key for the list, whatever the list's own header says.
    anchored = OB3Verifier.for_issuer_did(
        issued.issuer.did, download=lambda url: fetch(url.replace("https://localhost:", "http://localhost:"))
    )
    with pytest.raises(OB3VerificationError, match="proof is invalid"):
        anchored.verify(issued.good.ob_jwt, check_status=True, download=download)
