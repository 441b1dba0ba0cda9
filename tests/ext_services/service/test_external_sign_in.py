"""Signing in through another system: a real provider over HTTP, and everything it may get wrong or be made to say."""

import base64
import dataclasses
import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Timer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.contrib.auth.models import User
from django.test import Client
from identity_provider import AUDIENCE_OF_LMS, CLIENT_ID, CLIENT_SECRET, IdentityProvider, Key
from service_support import NOW

from integra_service.lib.providers import Provider, ProviderKind
from integra_service.people import oidc
from integra_service.people.accounts import bind, disable_user
from integra_service.people.id_tokens import IdentityError
from integra_service.people.models import ExternalAccount, StaffRole

START, RETURN = "/consola/entrar/cuenta/", "/consola/entrar/cuenta/vuelta/"
CANARIES = ("canary@example.org", "Nombre Canario", "subject-of-canary", "4711")


@pytest.fixture(params=["RS256", "ES256", "EdDSA"])
def any_provider(request):
    yield from run_provider(request.param)


@pytest.fixture
def provider():
    yield from run_provider("RS256")


def run_provider(algorithm):
    oidc.remember_discovery.cache_clear()
    provider = IdentityProvider(algorithm)
    yield provider
    provider.close()


def connect(settings, provider, kind=ProviderKind.OIDC, **changes):
    is_lms = kind is ProviderKind.OPENEDX
    settings.INTEGRA_OIDC = dataclasses.replace(
        Provider(
            kind=kind,
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            audience=AUDIENCE_OF_LMS if is_lms else CLIENT_ID,
            name="Aula de prueba",
            keys={"keys": [provider.key.jwk]} if is_lms else None,
        ),
        **changes,
    )


def bound(provider, username="personal-a", subject=None, issuer=None):
    user = User.objects.get(username=username)
    return bind(user, issuer=issuer or provider.issuer, subject=subject or provider.subject, now=NOW)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def visit_provider(url):
    """Go where the service sent the browser; return where the provider sends it back, as path and query."""
    try:
        urllib.request.build_opener(NoRedirect).open(url)
    except urllib.error.HTTPError as answer:
        assert answer.code == 302
        parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"http://localhost:8001{RETURN}"
    return f"{parts.path}?{parts.query}"


def sign_in(client):
    started = client.get(START)
    assert started.status_code == 302
    return client.get(visit_provider(started["location"]))


def is_inside(client):
    return client.get("/consola/").status_code == 200


def refused(client, answer):
    assert answer.status_code in {400, 403}
    assert not any(canary in answer.content.decode() for canary in CANARIES)
    return not is_inside(client)


def test_who_was_bound_beforehand_enters_as_that_account(world, settings, any_provider, client):
    connect(settings, any_provider)
    bound(any_provider)

    answer = sign_in(client)

    assert (answer.status_code, answer["location"]) == (302, "/consola/")
    assert "Ciudad A" in client.get("/consola/").content.decode()


def test_what_is_asked_for_is_the_subject_alone(world, settings, provider, client):
    connect(settings, provider)
    url = client.get(START)["location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{provider.issuer}/authorize?")
    assert asked["scope"] == "openid"
    assert asked["redirect_uri"] == f"http://localhost:8001{RETURN}"
    assert min(len(asked["state"]), len(asked["nonce"]), len(asked["code_challenge"])) >= 43
    assert asked != {name: values[0] for name, values in parse_qs(client.get(START)["location"]).items()}


def test_claims_change_nothing_about_the_account(world, settings, provider, client):
    connect(settings, provider)
    bound(provider)
    before = list(
        User.objects.order_by("pk").values("username", "email", "first_name", "is_staff", "is_superuser")
    )
    roles = list(StaffRole.objects.order_by("pk").values())
    sign_in(client)
    assert is_inside(client)
    after = list(
        User.objects.order_by("pk").values("username", "email", "first_name", "is_staff", "is_superuser")
    )
    assert (after, list(StaffRole.objects.order_by("pk").values())) == (before, roles)


def test_a_subject_that_nobody_bound_is_told_whom_to_ask_and_nothing_else(world, settings, provider, client):
    """The provider says the username and could say the e-mail of an account that exists: neither is looked at."""
    connect(settings, provider)
    settings.INTEGRA_STAFF_CONTACT = "Mesa de ayuda, extensión 204"
    User.objects.filter(username="personal-a").update(email="canary@example.org")

    answer = sign_in(client)

    assert answer.status_code == 403
    assert "Mesa de ayuda, extensión 204" in answer.content.decode()
    assert not any(word in answer.content.decode() for word in (*CANARIES, "personal-a", "Ciudad A"))
    assert not is_inside(client)
    assert ExternalAccount.objects.count() == 0


@pytest.mark.parametrize("issuer", ["https://other.example.org", "http://localhost/oauth2"])
def test_the_same_subject_of_another_issuer_is_somebody_else(world, settings, provider, client, issuer):
    connect(settings, provider)
    bound(provider, issuer=issuer)
    assert refused(client, sign_in(client))


def test_a_disabled_account_is_refused_like_one_that_was_never_bound(world, settings, provider, client):
    connect(settings, provider)
    unbound = sign_in(client)
    bound(provider)
    disable_user(User.objects.get(username="personal-a"), now=NOW)
    answer = sign_in(client)
    assert refused(client, answer)
    assert answer.content == unbound.content


WRONG_CLAIMS = {
    "issuer": {"iss": "https://other.example.org"},
    "issuer with a slash": {"iss": "SLASH"},
    "audience": {"aud": "another-client"},
    "no audience": {"aud": None},
    "two audiences, nobody authorised": {"aud": [CLIENT_ID, "another-client"]},
    "authorised party": {"azp": "another-client"},
    "nonce": {"nonce": "of another sign-in"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 3600},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": "2099-01-01"},
    "expiry not a number": {"exp": True},
    "from the future": {"iat": int(time.time()) + 3600},
    "not yet": {"nbf": int(time.time()) + 3600},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "subject is a number": {"sub": 4711},
    "subject with a line break": {"sub": "subject-of-canary\n"},
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS)
def test_a_token_that_says_something_wrong_is_refused(world, settings, provider, client, wrong):
    connect(settings, provider)
    bound(provider)
    change = WRONG_CLAIMS[wrong]
    provider.change = {"iss": provider.issuer + "/"} if change.get("iss") == "SLASH" else change
    assert refused(client, sign_in(client))
    provider.change = {}
    sign_in(client)
    assert is_inside(client)


def unsigned(claims):
    return jwt.encode(claims, None, algorithm="none")


def signed_with_the_public_key(provider):
    """HS256 over the published key: the classic confusion of algorithms."""

    def sign(claims):
        secret = json.dumps(provider.key.public).encode()
        return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "key-1"})

    return sign


def tampered(provider):
    def sign(claims):
        header, body, signature = provider.key.sign(claims).split(".")
        raw = json.loads(base64.urlsafe_b64decode(body + "=="))
        changed = json.dumps({**raw, "sub": "subject-of-canary"}, indent=1).encode()
        return ".".join([header, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature])

    return sign


FORGERIES = {
    "alg none": lambda provider: unsigned,
    "HS256 over the client secret": lambda provider: (
        lambda claims: jwt.encode(claims, CLIENT_SECRET, "HS256")
    ),
    "HS256 over the public key": signed_with_the_public_key,
    "another key under the same id": lambda provider: Key("RS256", "key-1").sign,
    "another key under no id": lambda provider: lambda claims: Key("RS256", "x").sign(claims, headers={}),
    "a key id nobody published": lambda provider: (
        lambda claims: provider.key.sign(claims, headers={"kid": "x"})
    ),
    "another kind of key": lambda provider: Key("ES256", "key-1").sign,
    "tampered": tampered,
    "no token": lambda provider: lambda claims: None,
    "a number": lambda provider: lambda claims: 7,
    "rubbish": lambda provider: lambda claims: "a.b.c",
    "too long": lambda provider: lambda claims: provider.key.sign({**claims, "x": "y" * 20_000}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_the_provider_did_not_sign_is_refused(world, settings, provider, client, forgery):
    connect(settings, provider)
    bound(provider)
    provider.sign = FORGERIES[forgery](provider)
    assert refused(client, sign_in(client))


def test_a_state_counts_once(world, settings, provider):
    connect(settings, provider)
    bound(provider)
    client = Client()
    back = visit_provider(client.get(START)["location"])
    assert client.get(back).status_code == 302
    client.post("/consola/salir/")
    assert refused(client, client.get(back))


def test_a_return_that_failed_used_the_state_up(world, settings, provider, client):
    connect(settings, provider)
    bound(provider)
    back = visit_provider(client.get(START)["location"])
    assert refused(client, client.get(f"{RETURN}?error=access_denied"))
    assert refused(client, client.get(back))


def test_a_state_counts_only_in_the_browser_it_began_in(world, settings, provider, client):
    connect(settings, provider)
    bound(provider)
    back = visit_provider(Client().get(START)["location"])
    assert refused(client, client.get(back))
    # Nor does one's own session with the code of another: signing somebody in as oneself.
    client.get(START)
    assert refused(client, client.get(back))


@pytest.mark.parametrize(
    "query",
    ["", "code=x", "state=x", "code=x&state=x", "error=access_denied", "code=%00&state=%00", "state=STATE",
     "error=access_denied&state=STATE", "code=wrong&state=STATE", "code=GOOD&state=x",
        "code=GOOD",
        "code=GOOD&state=STATE&iss=https://other.example"],
)  # fmt: skip
def test_a_return_that_brings_something_else_is_refused(world, settings, provider, client, query):
    connect(settings, provider)
    bound(provider)
    good = parse_qs(urlsplit(visit_provider(client.get(START)["location"])).query)
    query = query.replace("STATE", good["state"][0]).replace("GOOD", good["code"][0])
    assert refused(client, client.get(f"{RETURN}?{query}"))


def test_a_sign_in_that_took_too_long_begins_again(world, settings, provider, client):
    connect(settings, provider)
    bound(provider)
    back = visit_provider(client.get(START)["location"])
    session = client.session
    session["pending_sign_in"] = {**session["pending_sign_in"], "started_at": time.time() - 601}
    session.save()
    assert refused(client, client.get(back))


@pytest.mark.parametrize(
    "answer",
    [(302, {}, "http://localhost:1/"), (500, {}), (200, []), (200, {"error": "x"}), (200, "text"), (204, {})],
)
def test_an_answer_of_the_token_endpoint_that_is_none_is_refused(world, settings, provider, client, answer):
    connect(settings, provider)
    bound(provider)
    provider.token_answer = answer
    assert refused(client, sign_in(client))


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example.org"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://user:password@other.example.org/"},
        {"token_endpoint": None},
        {"jwks_uri": ["x"]},
    ],
)
def test_a_discovery_that_leads_elsewhere_is_refused(world, settings, provider, client, change):
    connect(settings, provider)
    provider.discovery_change = change
    assert refused(client, client.get(START))


def test_outside_the_demonstration_no_http_and_no_private_address_is_called(
    world, settings, provider, client
):
    connect(settings, provider)
    settings.INTEGRA_DEMO = False
    assert refused(client, client.get(START))
    settings.INTEGRA_OIDC = dataclasses.replace(
        settings.INTEGRA_OIDC, issuer=provider.issuer.replace("http:", "https:")
    )
    assert refused(client, client.get(START))
    assert provider.calls == []


def test_a_provider_that_is_away_ends_in_a_sentence(world, settings, provider, client):
    connect(settings, provider)
    provider.close()
    answer = client.get(START)
    assert answer.status_code == 400
    assert "No fue posible entrar con esa cuenta" in answer.content.decode()


def discoveries(provider):
    return sum("well-known" in path for path in provider.calls)


def test_however_often_strangers_press_the_button_the_provider_is_asked_once(world, settings, provider):
    connect(settings, provider)
    assert [Client().get(START).status_code for _ in range(10)] == [302] * 10
    assert provider.calls == ["/oauth2/.well-known/openid-configuration"]


def test_a_discovery_that_failed_is_not_asked_for_again_at_once(
    world, settings, provider, client, monkeypatch
):
    monkeypatch.setattr(oidc, "FAILED_SECONDS", 0.3)
    connect(settings, provider)
    bound(provider)
    provider.discovery_change = {"issuer": "https://other.example.org"}
    assert [Client().get(START).status_code for _ in range(5)] == [400] * 5
    assert discoveries(provider) == 1
    provider.discovery_change = {}
    time.sleep(0.4)
    sign_in(client)
    assert is_inside(client)
    assert discoveries(provider) == 2


def test_of_many_at_once_one_asks_and_a_provider_that_hangs_holds_the_others_for_a_moment(
    settings, provider, monkeypatch
):
    connect(settings, provider)
    answer, moment, go = provider.get, Barrier(8), Event()

    def slowly(parts):
        assert go.wait(10)
        return answer(parts)

    def find(_):
        moment.wait()
        try:
            return oidc.find_endpoints(settings.INTEGRA_OIDC).token_url
        except IdentityError as error:
            return error.why

    monkeypatch.setattr(provider, "get", slowly)
    Timer(0.2, go.set).start()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(find, range(8))) == {f"{provider.issuer}/access_token"}
    assert discoveries(provider) == 1

    oidc.remember_discovery.cache_clear()
    go.clear()
    oidc.remember_discovery(provider.issuer).wait_seconds = 0.1
    Timer(0.5, go.set).start()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(find, range(8)))
    assert found.count("discovery takes long") == 7
    assert discoveries(provider) == 2


def test_one_address_begins_so_often_and_the_others_go_on(world, settings, provider, monkeypatch):
    monkeypatch.setattr("integra_service.web.console.sign_in.STARTS_PER_ADDRESS", 2)
    connect(settings, provider)
    answers = [Client(REMOTE_ADDR="10.0.0.1").get(START) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 15 * 60
    assert Client(REMOTE_ADDR="10.0.0.2").get(START).status_code == 302


def test_an_lms_says_who_by_the_number_of_its_account(world, settings, provider, client):
    connect(settings, provider, ProviderKind.OPENEDX)
    bound(provider, subject="4711")
    started = client.get(START)
    assert parse_qs(urlsplit(started["location"]).query)["scope"] == ["user_id"]
    assert client.get(visit_provider(started["location"])).status_code == 302
    assert is_inside(client)
    assert not [path for path in provider.calls if "well-known" in path or "keys" in path]


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": None},
        {"user_id": "4711"},
        {"user_id": True},
        {"user_id": 4712},
        {"aud": "other"},
        {"exp": 1},
    ],
)
def test_an_lms_token_that_says_something_wrong_is_refused(world, settings, provider, client, change):
    connect(settings, provider, ProviderKind.OPENEDX)
    bound(provider, subject="4711")
    # What it calls the account besides is nobody's subject here.
    bound(provider, subject="personal-b", username="personal-b")
    provider.change = {"preferred_username": "personal-b", **change}
    assert refused(client, sign_in(client))


def test_an_lms_that_signs_with_a_shared_secret_is_refused(world, settings, provider, client):
    connect(settings, provider, ProviderKind.OPENEDX)
    bound(provider, subject="4711")
    provider.sign = lambda claims: jwt.encode(claims, "the-secret-key-of-the-whole-lms-32", algorithm="HS256")
    assert refused(client, sign_in(client))


def test_the_key_of_the_session_changes_and_nothing_of_the_former_one_stays(
    world, settings, provider, client
):
    connect(settings, provider)
    bound(provider)
    started = client.get(START)
    before = client.session.session_key
    client.get(visit_provider(started["location"]))
    assert client.session.session_key != before
    thief = Client()
    thief.cookies["integra_session"] = before
    assert not is_inside(thief)


def test_without_a_provider_there_are_local_accounts_only(world, client):
    assert (
        client.get(START)["location"]
        == client.get(f"{RETURN}?code=x&state=y")["location"]
        == "/consola/entrar/"
    )
    assert START not in client.get("/consola/entrar/").content.decode()


def test_nothing_of_the_provider_is_logged(world, settings, provider, client, caplog):
    connect(settings, provider)
    sign_in(client)
    provider.change = {"aud": "other"}
    sign_in(client)
    assert "bound to no active account" in caplog.text
    assert "signature, algorithm, issuer or audience" in caplog.text
    assert not any(canary in caplog.text for canary in CANARIES)
