"""A thousand ways to change a signed delivery, a hand-over link and a request token: none is accepted.

Every example changes something that the signature covers, or the signature's own spelling; the unchanged original
beside it is accepted, so that a refusal is the change's. ``INTEGRA_LONG`` makes it a hundred thousand.
"""

import base64
import json
import os
import string
import uuid

import jwt
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from service_support import NOW, SERVICE, Classroom

from integra_grading.canonical import canonical_json
from integra_service.lib.errors import RequestError
from integra_service.lib.webhooks import require_signature
from integra_service.people.tokens import TokenError, read_handover, require_request_token

IS_LONG = bool(os.environ.get("INTEGRA_LONG"))
WEBHOOKS, TOKENS = (100_000, 20_000) if IS_LONG else (1_000, 300)
SECRET = b"a-secret-of-thirty-two-bytes-123"
STAMP = int(NOW.timestamp())
ROOM = Classroom("aula", "ciudad", "curso", "r", SECRET, "", "")
BODY = canonical_json(
    ROOM.event(uuid.UUID(int=7), 1, ROOM.enrolled(course_key="course-v1:A+B+C"), event_id="ev-1", at=NOW)
)
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
# No statement differs between databases: once is enough.
pytestmark = pytest.mark.skipif("INTEGRA_DATABASE_URL" in os.environ, reason="runs on SQLite")
READABLE = string.ascii_letters + string.digits + string.punctuation + " \t\n\x00ñ１"


@st.composite
def changed_texts(draw, text, alphabet=READABLE):
    """The text with one thing done to it: a character changed, put in, taken out, doubled; cut; in another case."""
    at = draw(st.integers(0, max(0, len(text) - 1)))
    piece = draw(st.text(alphabet, min_size=1, max_size=3))
    how = draw(st.sampled_from(("change", "insert", "remove", "double", "cut", "case", "swap", "append")))
    match how:
        case "change":
            changed = text[:at] + piece[0] + text[at + 1 :]
        case "insert":
            changed = text[:at] + piece + text[at:]
        case "remove":
            changed = text[:at] + text[at + 1 :]
        case "double":
            changed = text + text
        case "cut":
            changed = text[:at]
        case "case":
            changed = text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        case "swap":
            changed = text[at:] + text[:at]
        case _:
            changed = text + piece
    assume(changed != text)
    return changed


@st.composite
def respelled_signatures(draw, signature):
    """The right bytes in a spelling, version or place that the standard does not have."""
    version, _, encoded = signature.partition(",")
    raw = base64.b64decode(encoded)
    loose = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    return draw(
        st.sampled_from(
            [
                f"{tag},{encoded}"
                for tag in ("v0", "v2", "V1", "v1a", "v1 ", "", " v1", "v01", "v１", "v1;v1", "hmac")
            ]
            + [
                signature.rstrip("="),
                signature + "=",
                signature.replace(",", "="),
                signature.replace(",", ",,"),
                f"{version},{raw.hex()}",
                f"{version},{base64.b32encode(raw).decode()}",
                f"{version},{base64.b64encode(raw + bytes(1)).decode()}",
                f"{version},{base64.b64encode(raw[:-1]).decode()}",
                f"{version},{base64.b64encode(raw[::-1]).decode()}",
                f"{version},{encoded[:20]}\n{encoded[20:]}",
                f"{version},{encoded[:20]} {encoded[20:]}",
                f'"{signature}"',
                f"{signature};{signature}",
                f"{signature},{signature}",
                signature.replace(" ", "\t") + "\t",
            ]
            # The two bits the last character may carry without meaning anything.
            + [
                f"{version},{encoded[:-2]}{loose[loose.index(encoded[-2]) ^ bit]}{encoded[-1]}"
                for bit in (1, 2, 3)
            ]
        )
    )


@st.composite
def mutations(draw):
    """Headers, body and secrets of a delivery with exactly one of them wrong."""
    headers, body, secrets = ROOM.headers(BODY, timestamp=STAMP), BODY, (SECRET,)
    what = draw(
        st.sampled_from((*HEADERS, "spelling", "body", "secret", "other delivery", "missing", "bits"))
    )
    match what:
        case "webhook-id" | "webhook-timestamp" | "webhook-signature":
            headers[what] = draw(changed_texts(headers[what]))
        case "spelling":
            headers["webhook-signature"] = draw(respelled_signatures(headers["webhook-signature"]))
        case "body":
            body = draw(changed_texts(body.decode())).encode("utf-8", "surrogatepass")
        case "secret":
            changed = bytearray(SECRET)
            changed[draw(st.integers(0, len(SECRET) - 1))] ^= 1 << draw(st.integers(0, 7))
            secrets = draw(
                st.sampled_from(((bytes(changed),), (), (SECRET[:-1],), (SECRET + b"\x01",), (b"",)))
            )
        case "other delivery":
            other = ROOM.headers(BODY, timestamp=STAMP + draw(st.integers(1, 300)), delivery="dlv_2")
            name = draw(st.sampled_from(HEADERS))
            headers[name] = other[name]
        case "missing":
            del headers[draw(st.sampled_from(HEADERS))]
        case _:
            changed = bytearray(body)
            for _ in range(draw(st.integers(1, 3))):
                changed[draw(st.integers(0, len(body) - 1))] ^= 1 << draw(st.integers(0, 7))
            body = bytes(changed)
            assume(body != BODY)
    return headers, body, secrets


def is_still_signed(headers, good):
    """A signature beside the good one changes nothing: the header is a list, separated by blanks."""
    parts = headers.get("webhook-signature", "").split(" ")
    unchanged = all(headers.get(name) == good[name] for name in ("webhook-id", "webhook-timestamp"))
    return unchanged and good["webhook-signature"] in parts[:5]


@settings(max_examples=WEBHOOKS, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_no_changed_delivery_is_accepted(mutation):
    headers, body, secrets = mutation
    good = ROOM.headers(BODY, timestamp=STAMP)
    assume(not (is_still_signed(headers, good) and body == BODY and secrets == (SECRET,)))
    with pytest.raises(RequestError) as caught:
        require_signature(headers, body, secrets, NOW)
    assert caught.value.status == 401


def test_the_unchanged_delivery_is_accepted():
    assert require_signature(ROOM.headers(BODY, timestamp=STAMP), BODY, (SECRET,), NOW) == "dlv_1"


CLAIM_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.text(max_size=20),
    st.lists(st.text(max_size=3)),
)


@st.composite
def changed_tokens(draw, token, secret, foreign_secret):
    """A token with its text changed, its parts re-encoded, or made again by somebody without the secret."""
    head, payload, signature = token.split(".")
    claims, header = read_part(payload), read_part(head)
    how = draw(
        st.sampled_from(
            ("text", "part", "claim", "header", "foreign", "none", "padding", "last bits", "empty")
        )
    )
    match how:
        case "text":
            return draw(changed_texts(token, string.ascii_letters + string.digits + "-_.=+/ ñ"))
        case "part":
            parts = [head, payload, signature]
            at = draw(st.integers(0, 2))
            parts[at] = draw(changed_texts(parts[at], string.ascii_letters + string.digits + "-_="))
            return ".".join(parts)
        case "claim":
            name = draw(st.sampled_from([*claims, "nbf", "admin"]))
            value = draw(CLAIM_VALUES)
            assume(claims.get(name, ...) != value)
            return ".".join([head, write_part({**claims, name: value}), signature])
        case "header":
            name = draw(st.sampled_from(("alg", "typ", "kid", "jwk", "crit", "b64", "zip")))
            value = draw(
                st.sampled_from(("none", "None", "HS384", "HS512", "RS256", "", None, False, ["b64"]))
            )
            assume(header.get(name, ...) != value)
            return ".".join([write_part({**header, name: value}), payload, signature])
        case "foreign":
            algorithm = draw(st.sampled_from(("HS256", "HS384", "HS512")))
            return jwt.encode(claims, draw(st.sampled_from((foreign_secret, secret[:-1] + "x"))), algorithm)
        case "none":
            return ".".join(
                [write_part({**header, "alg": draw(st.sampled_from(("none", "NONE")))}), payload, ""]
            )
        case "padding":
            return token + draw(st.sampled_from(("=", "==", ".", "\n")))
        case "last bits":
            letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
            at = letters.index(signature[-1])
            return token[:-1] + letters[at ^ draw(st.integers(1, 3))]
        case _:
            return draw(
                st.sampled_from(("", ".", "..", f"{head}.{payload}", f"{head}..{signature}", f"..{token}"))
            )


def read_part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def write_part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture
def tokens(world):
    """A good hand-over link and a good request token of city A, with what a stranger could sign with."""
    return {
        "handover": (world.a.link(uuid.uuid4()).removeprefix("/entrar/"), world.a.handover, world.b.handover),
        "pull": (world.a.bearer().removeprefix("Bearer "), world.a.pull, world.a.handover),
    }


def accept(kind, token):
    if kind == "handover":
        return read_handover(token, timezone.now())
    return require_request_token(
        f"Bearer {token}", method="GET", path="/api/v1/certificate-states", now=timezone.now()
    )


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # the forger's keys are short
@pytest.mark.parametrize("kind", ["handover", "pull"])
@settings(max_examples=TOKENS, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_changed_token_is_accepted(tokens, kind, data):
    good, secret, foreign = tokens[kind]
    assert accept(kind, good)
    changed = data.draw(changed_tokens(good, secret, foreign))
    assume(changed != good)
    with pytest.raises(TokenError):
        accept(kind, changed)


def test_a_token_of_one_kind_is_none_of_the_other(tokens):
    for kind, other in (("handover", "pull"), ("pull", "handover")):
        with pytest.raises(TokenError):
            accept(kind, tokens[other][0])
    assert SERVICE in str(read_part(tokens["pull"][0].split(".")[1]))
