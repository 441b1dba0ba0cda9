"""The public pages: what they tell, to whom, and what they never tell."""

import ipaddress
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integra_service.credentials import services, views
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    RevocationReason,
    StatusList,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.models import ThrottleWindow
from integra_service.people.models import Consent, LearnerIdentity, Purpose
from integra_service.people.session import begin_session

pytestmark = pytest.mark.django_db

NAME = "María José Ñáñez Quishpe"
# Nothing of a name may be on a page that nobody typed it into.
NAME_PARTS = ("José", "Ñáñez", "Quishpe")


@pytest.fixture
def page_url(credential: Credential) -> str:
    return reverse("credentials:page", args=[credential.token])


def enter(client: Client, identity: LearnerIdentity) -> None:
    """Give the browser the session that the hand-over gives."""
    session = client.session
    begin_session(session, identity, utc_now())
    session.save()


def test_page_shows_state_content_route_and_issuer_but_no_name(client: Client, page_url: str) -> None:
    answer = client.get(page_url)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert ">Válido</h1>" in text
    for told in (
        "2 de marzo de 2026",
        "Emprender escuchando y con cuentas claras",
        "Formación, 72 minutos",
        "Evaluación de saberes previos",
        "did:web:localhost%3A8001",
        "http://localhost:8001/.well-known/did.json",
        "http://localhost:8001/status/1",
        "Starting a business",
    ):
        assert told in text
    assert "36" not in text.split("<main")[1].split("Quién lo firma")[0]
    assert not any(part in text for part in NAME_PARTS)


def test_page_may_not_be_stored_or_indexed(client: Client, page_url: str) -> None:
    for url in (page_url, f"{page_url}.json", f"{page_url}.pdf"):
        answer = client.get(url)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_revoked_page_tells_date_and_reason(
    client: Client, credential: Credential, page_url: str, now: Any
) -> None:
    services.revoke(credential, RevocationReason.EVIDENCE_WITHDRAWN, "user:7", now)
    text = client.get(page_url).content.decode()
    assert ">Anulado</h1>" in text
    assert "Anulado el 2 de marzo de 2026" in text
    assert "Se quitó o se corrigió un resultado del curso en que se basaba el certificado." in text
    assert "user:7" not in text


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_every_reason_has_its_sentence(
    client: Client, credential: Credential, page_url: str, now: Any, reason: RevocationReason
) -> None:
    from integra_service.credentials.pages import describe_reason

    services.revoke(credential, reason, "user:7", now)
    assert describe_reason(reason) in client.get(page_url).content.decode()


def test_stored_bytes_that_were_changed_are_shown_as_unconfirmed(
    client: Client, credential: Credential, page_url: str
) -> None:
    document = CredentialDocument.objects.for_system().get(credential=credential)
    changed = bytes(document.content).replace(b"72 minutos", b"99 minutos")
    CredentialDocument.objects.for_system().filter(pk=document.pk).update(content=changed)
    text = client.get(page_url).content.decode()
    assert ">No confirmado</h1>" in text
    assert ">Válido</h1>" not in text


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (NAME, "Coincide."),
        ("  maría josé  ÑÁÑEZ quishpe ", "Coincide."),
        ("María José Ñáñez", "No coincide."),
        ("Maria Jose Nanez Quishpe", "No coincide."),
        ("x" * 5000, "No coincide."),
        ("\u0000", "No coincide."),
        ("<script>alert(1)</script>", "No coincide."),
    ],
)
def test_name_check_answers_without_javascript(
    client: Client, page_url: str, typed: str, answer: str
) -> None:
    response = client.post(page_url, {"nombre": typed})
    text = response.content.decode()
    assert response.status_code == 200
    assert f"<strong>{answer}</strong>" in text
    assert "<script>alert" not in text
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("data", [{"nombre": ""}, {"nombre": " \n"}, {}])
def test_empty_name_is_asked_for(client: Client, page_url: str, data: dict[str, str]) -> None:
    text = client.post(page_url, data).content.decode()
    assert "Escribe el nombre que dice el papel." in text
    assert "coincide." not in text


def test_name_check_needs_the_pages_own_form(credential: Credential, page_url: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(page_url, {"nombre": NAME}).status_code == 403
    strict.get(page_url)
    token = strict.cookies["integra_service_csrf"].value
    assert strict.post(page_url, {"nombre": NAME, "csrfmiddlewaretoken": token}).status_code == 200


def test_names_cannot_be_guessed_in_a_row(
    client: Client, page_url: str, learner: Callable[..., Any], now: Any
) -> None:
    (other,) = services.issue_due(learner("Otra Persona"), now)
    answers = [client.post(page_url, {"nombre": f"Nombre {number}"}).status_code for number in range(14)]
    assert answers == [200] * 12 + [429] * 2
    assert client.post(page_url, {"nombre": NAME}).status_code == 429
    # Looking stays possible, for this credential and for others, and so does the check of another one.
    assert client.get(page_url).status_code == 200
    other_url = reverse("credentials:page", args=[other.token])
    assert client.post(other_url, {"nombre": "Otra Persona"}).status_code == 200


def test_many_visitors_together_cannot_guess_either(client: Client, page_url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(views, "TRIES_PER_CREDENTIAL", 6)
    codes = [
        client.post(page_url, {"nombre": "x"}, REMOTE_ADDR=f"10.0.0.{number}").status_code
        for number in range(8)
    ]
    assert codes == [200] * 6 + [429] * 2


def test_one_visitor_cannot_close_the_check_to_the_others(
    client: Client, page_url: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(views, "TRIES_PER_ADDRESS", 2)
    monkeypatch.setattr(views, "TRIES_PER_CREDENTIAL", 6)
    codes = [client.post(page_url, {"nombre": "x"}, REMOTE_ADDR="10.0.0.1").status_code for _ in range(20)]
    assert codes == [200] * 2 + [429] * 18
    assert client.post(page_url, {"nombre": NAME}, REMOTE_ADDR="10.0.0.2").status_code == 200


def test_behind_a_named_proxy_each_visitor_has_their_own_tries(
    client: Client, page_url: str, monkeypatch: Any, settings: Any
) -> None:
    monkeypatch.setattr(views, "TRIES_PER_ADDRESS", 2)
    settings.INTEGRA_TRUSTED_PROXIES = (ipaddress.ip_network("10.0.0.1"),)

    def try_from(peer: str, visitor: str) -> int:
        return client.post(
            page_url, {"nombre": "x"}, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=visitor
        ).status_code

    assert [try_from("10.0.0.1", "203.0.113.1") for _ in range(3)] == [200, 200, 429]
    assert try_from("10.0.0.1", "203.0.113.2") == 200
    # Nobody gets further tries by writing the header themself, before the proxy or past it.
    assert try_from("10.0.0.1", "198.51.100.9, 203.0.113.1") == 429
    assert [try_from("198.51.100.7", f"203.0.113.{n}") for n in range(10, 13)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("limit", "forms"), [("PAPERS_PER_ADDRESS", ["paper"]), ("IMAGES_PER_ADDRESS", ["png", "svg"])]
)
def test_what_is_made_on_request_is_made_so_often_for_one_address(
    client: Client, credential: Credential, monkeypatch: Any, limit: str, forms: list[str]
) -> None:
    monkeypatch.setattr(views, limit, 2)
    urls = [reverse(f"credentials:{form}", args=[credential.token]) for form in forms]

    def ask(url: str, **headers: str) -> Any:
        return client.get(url, REMOTE_ADDR="10.0.0.1", headers=headers)

    assert [ask(urls[-1]).status_code, ask(urls[0]).status_code] == [200, 200]
    refused, for_machine = ask(urls[0], accept="text/html,*/*;q=0.8"), ask(urls[0], accept="application/json")
    assert refused.status_code == for_machine.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= views.WINDOW_SECONDS
    assert "Llegaron demasiados pedidos desde esta conexión" in refused.content.decode()
    assert for_machine.json()["code"] == "too_many_requests"
    # Another address goes on, and so does looking from this one: what verifies stays open.
    assert client.get(urls[0], REMOTE_ADDR="10.0.0.2").status_code == 200
    for form in ("page", "document", "ob-jwt", "vc-jwt"):
        assert ask(reverse(f"credentials:{form}", args=[credential.token])).status_code == 200
    assert ask(reverse("credentials:did-document")).status_code == 200


@pytest.mark.parametrize(
    "accept",
    [
        "text/html; x*=nobody''a",
        "text/html; x*=a'b'%00",
        "text/html; x*=''''",
        "application/json;q=x",
        "text",
        ",;,",
        "*/*;q=0",
    ],
)
def test_what_nobody_can_read_as_a_wish_gets_an_answer_all_the_same(
    client: Client, credential: Credential, accept: str
) -> None:
    lists = reverse("credentials:status-list", args=[StatusList.objects.first().key])  # type: ignore[union-attr]
    headers = {"accept": accept}
    assert client.get(lists, headers=headers).status_code == 200
    assert client.get(f"/c/{'x' * 22}", headers=headers).status_code == 404


def test_what_verifies_counts_nobody(client: Client, credential: Credential) -> None:
    urls = [
        reverse(f"credentials:{form}", args=[credential.token])
        for form in ("page", "document", "ob-jwt", "vc-jwt")
    ]
    urls += [
        reverse("credentials:did-document"),
        reverse("credentials:status-list", args=[StatusList.objects.first().key]),  # type: ignore[union-attr]
    ]
    assert [client.get(url).status_code for url in urls] == [200] * len(urls)
    assert not ThrottleWindow.objects.exists()


def test_who_used_up_the_name_check_learns_when_to_come_again(
    client: Client, page_url: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(views, "TRIES_PER_ADDRESS", 0)
    answer = client.post(page_url, {"nombre": "x"})
    assert (answer.status_code, 0 < int(answer["Retry-After"]) <= 600) == (429, True)


@pytest.fixture
def hidden_urls(learner: Callable[..., Any], credential: Credential, now: Any) -> list[str]:
    """Addresses of what is not to be seen: never issued, intended only, holder no longer agrees."""
    (withdrawn,) = services.issue_due(learner("Persona Retirada"), now)
    Consent.objects.create(
        person=withdrawn.person,
        purpose=Purpose.CERTIFICATE,
        is_granted=False,
        notice_version="1",
        decided_at=now.replace(year=2027),
    )
    intended = Credential.objects.create(
        token="I" * 22,
        person=learner("Persona Pendiente").person,
        achievement_key="curso",
        awarded_at=now,
        changed_at=now,
    )
    return [
        reverse("credentials:page", args=[token]) for token in ("A" * 22, withdrawn.token, intended.token)
    ]


@pytest.mark.parametrize("form", ["", ".json", ".pdf"])
def test_missing_and_hidden_look_alike(client: Client, hidden_urls: list[str], form: str) -> None:
    answers = [client.get(url + form) for url in hidden_urls]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    headers = [{k: v for k, v in answer.headers.items() if k != "Set-Cookie"} for answer in answers]
    assert headers[0] == headers[1] == headers[2]


def test_an_answer_about_the_name_is_not_read_without_the_state(
    client: Client, credential: Credential, page_url: str, now: Any
) -> None:
    services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    assert client.get(page_url).content.decode().split("</h1>")[1].count(">Anulado<") == 0
    beside = client.post(page_url, {"nombre": NAME}).content.decode().split('id="nombre-del-papel"')[1]
    assert beside.index(">Anulado<") < beside.index("Coincide.")


def test_hidden_names_cannot_be_checked(client: Client, hidden_urls: list[str]) -> None:
    answers = [client.post(url, {"nombre": "Persona Retirada"}) for url in hidden_urls]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "path", ["/c/", "/c/short", "/c/" + "A" * 23, "/c/" + "A" * 21 + "%00", "/c/" + "á" * 22]
)
def test_addresses_of_another_shape_do_not_exist(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_json_is_the_stored_bytes(client: Client, credential: Credential, page_url: str) -> None:
    answer = client.get(f"{page_url}.json")
    stored = CredentialDocument.objects.for_system().get(credential=credential)
    assert (answer["Content-Type"], answer.content) == ("application/vc", bytes(stored.content))


def test_did_document_and_status_list_are_public(client: Client, credential: Credential) -> None:
    did = client.get("/.well-known/did.json")
    assert did.json()["id"] == "did:web:localhost%3A8001"
    assert "private" not in did.content.decode()
    assert did["Access-Control-Allow-Origin"] == "*"
    status = client.get("/status/1")
    assert json.loads(status.content)["credentialSubject"]["type"] == "BitstringStatusList"
    assert status["Cache-Control"] == "no-cache"
    assert client.get("/status/2").status_code == 404


@pytest.mark.parametrize("path", ["", ".json", ".pdf", "did", "status"])
def test_other_methods_are_refused(client: Client, page_url: str, path: str) -> None:
    url = {"did": "/.well-known/did.json", "status": "/status/1"}.get(path, page_url + path)
    for method in ("put", "delete", "patch") if path == "" else ("post", "put", "delete", "patch"):
        assert getattr(client, method)(url).status_code == 405


def test_holder_sees_the_way_to_the_paper_and_nobody_else_does(
    client: Client, learner: Callable[..., Any], credential: Credential, page_url: str
) -> None:
    paper = reverse("web:my-paper", args=[credential.token])
    assert paper not in client.get(page_url).content.decode()
    enter(client, learner("Otra Persona"))
    assert paper not in client.get(page_url).content.decode()
    enter(client, LearnerIdentity.objects.for_system().get(person=credential.person))
    text = client.get(page_url).content.decode()
    assert paper in text
    # First of all, with the way back and the way out.
    card = text[text.index("Este certificado es tuyo") : text.index("Válido</h1>")]
    assert ">Válido</strong>" in card
    assert 'href="/mi/"' in card
    assert 'action="/mi/salir/"' in card
    assert "en un teléfono compartido, bórralo" in card
    assert not any(part in text for part in NAME_PARTS)


def test_page_looks_up_little(
    client: Client, credential: Credential, page_url: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(5):
        client.get(page_url)
