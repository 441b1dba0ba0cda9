"""The fund's pages as each caller gets them, with a person in them who could leak."""

import re
import uuid
from datetime import date

import pytest
from django.test import Client
from service_support import NOW, find_counting

from integra_service.credentials.services import RevocationReason, revoke
from integra_service.eligibility.models import Application, ProposalRow

from .conftest import NAME

# What the application page must give to nobody else: name, code, zone, who entered it, outcome.
SECRETS = ("Canario", "Norte de A", "Marta Personal", "DEMO-2026", "Elegible", "Hoja de costos")


@pytest.fixture
def applied(town):
    town.certify()
    town.application = town.apply()
    town.page = f"/consola/postulaciones/{town.application.uuid}/"
    town.again = f"{town.page}proponer/"
    town.apply_page = f"/consola/personas/{town.person.uuid}/postular/"
    return town


def leaks(answer):
    text = answer.content.decode() + str(answer.headers)
    return [secret for secret in SECRETS if secret in text]


def test_staff_register_from_the_persons_page_and_see_the_proposal(town):
    town.certify()
    client = town.world.client_of("personal-a")
    person_page = f"/consola/personas/{town.person.uuid}/"
    form = client.get(person_page).content.decode()
    action = re.search(r'action="([^"]+/postular/)"', form).group(1)
    policy = re.search(r'name="policy" value="(\d+)"', form).group(1)

    first = client.post(action, {"policy": policy})
    second = client.post(action, {"policy": policy})

    assert (first.status_code, first["location"]) == (302, second["location"])
    assert Application.objects.for_system().count() == 1
    page = client.get(first["location"]).content.decode()
    assert NAME in page
    assert all(secret in page for secret in SECRETS)
    for told in (
        "Esta es una propuesta del sistema",
        "Según: contrato de arriendo",
        "Marta Personal",
        "25 de noviembre de 2026",
        "ventanilla, teléfono, WhatsApp, esta plataforma",
        "una persona distinta de quien decidió",
        town.policies["a"].digest,
    ):
        assert told in page, told
    assert first["location"] in client.get(person_page).content.decode()
    assert "/postular/" not in client.get(person_page).content.decode()


def test_each_requirement_says_what_would_change_it_and_where_it_comes_from(applied):
    page = applied.world.client_of("personal-a").get(applied.page).content.decode()
    assert re.findall(r'data-rule="(\w+)"', page) == ["certificacion", "residencia", "punto_de_equilibrio"]
    assert page.count("Qué lo cambiaría") == 3
    assert page.count("De dónde viene la regla") == 3
    assert "Guía 434, 487" in page


def test_the_auditor_reads_and_changes_nothing(applied):
    client = applied.world.client_of("auditora-a")
    page = client.get(applied.page)

    assert page.status_code == 200
    assert NAME in page.content.decode()
    assert "proponer" not in page.content.decode()
    assert client.post(applied.again).status_code == 404
    assert client.post(applied.apply_page, {"policy": applied.policies["a"].pk}).status_code == 404
    assert Application.objects.for_system().count() == 1


@pytest.mark.parametrize("username", ["personal-b", "auditora-b", "sin-rol"])
def test_who_has_no_role_in_the_city_learns_nothing_not_even_that_it_exists(applied, username):
    client = applied.world.client_of(username)
    for path in (applied.page, f"/consola/personas/{applied.person.uuid}/"):
        foreign = client.get(path)
        missing = client.get(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(uuid.uuid4()), path))
        assert (foreign.status_code, foreign.content) == (404, missing.content)
        assert foreign.headers == missing.headers
        assert leaks(foreign) == []
    for path in (applied.again, applied.apply_page):
        answer = client.post(path, {"policy": applied.policies["a"].pk})
        assert (answer.status_code, leaks(answer)) == (404, [])
    assert ProposalRow.objects.for_system().count() == 1


def test_strangers_and_learners_are_sent_to_sign_in_without_a_word(applied):
    for client in (Client(), applied.room.enter(applied.learner)):
        for answer in (client.get(applied.page), client.post(applied.again), client.post(applied.apply_page)):
            assert (answer.status_code, answer["location"]) == (302, "/consola/entrar/")
            assert leaks(answer) == []


def test_the_learners_own_pages_say_nothing_of_the_fund(applied):
    client = applied.room.enter(applied.learner)
    for path in ("/mi/", "/mi/aviso/", f"/c/{find_counting(applied.person, 'curso', NOW).token}"):
        text = client.get(path).content.decode()
        assert str(applied.application.uuid) not in text
        assert "DEMO-2026" not in text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"policy": ""},
        {"policy": "abc"},
        {"policy": "-1"},
        {"policy": "1.0"},
        {"policy": "1e3"},
        {"policy": "١"},
        {"policy": "²"},
        {"policy": " 1"},
        {"policy": "\x00"},
        {"policy": "9" * 400},
        {"policy": "999999999"},
        {"policy": ["abc", "1' OR '1'='1"]},
        {"policy": "x" * 1_000_000},
        {"policy": "x" * 4_000_000},
    ],
    ids=str,
)
def test_a_policy_that_is_none_is_refused_and_nothing_is_stored(town, body):
    client = town.world.client_of("personal-a")
    answer = client.post(f"/consola/personas/{town.person.uuid}/postular/", body)
    assert answer.status_code in {400, 404, 413}
    assert Application.objects.for_system().count() == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"policy": 1}'),
        ("text/plain", b"\xff\xfe\x00"),
        ("multipart/form-data", b"--"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("application/x-www-form-urlencoded; charset=nada", b"policy=1"),
        ("application/x-www-form-urlencoded", b"&".join(b"p%d=1" % n for n in range(1500))),
        ("application/x-www-form-urlencoded", b"policy=%ff%fe"),
    ],
    ids=str,
)
def test_bodies_of_another_shape_are_refused(town, content_type, body):
    client = town.world.client_of("personal-a")
    path = f"/consola/personas/{town.person.uuid}/postular/"
    answer = client.generic("POST", path, body, content_type)
    assert 400 <= answer.status_code < 500
    assert Application.objects.for_system().count() == 0


@pytest.mark.parametrize(
    "path", ["x", "%00", "1", f"{uuid.UUID(int=0)}x", "00000000000000000000000000000000", "../personas"]
)
def test_addresses_of_another_shape_do_not_exist(town, path):
    client = town.world.client_of("personal-a")
    assert client.get(f"/consola/postulaciones/{path}/").status_code == 404


def test_proposing_again_changes_nothing_while_nothing_changed(applied):
    client = applied.world.client_of("personal-a")
    for _ in range(2):
        assert client.post(applied.again).status_code == 302
    page = client.get(applied.page).content.decode()
    assert ProposalRow.objects.for_system().count() == 1
    assert "Propuestas anteriores" not in page


def test_a_changed_fact_shows_the_new_proposal_and_keeps_the_former_one(applied):
    client = applied.world.client_of("personal-a")
    revoke(find_counting(applied.person, "curso", NOW), RevocationReason.EVIDENCE_WITHDRAWN, "user:1", NOW)
    page = client.get(applied.page).content.decode()

    assert re.search(r'data-role="outcome">([^<]+)<', page).group(1) == "No elegible por ahora"
    assert "Propuestas anteriores" in page
    assert re.search(r"<li>Elegible, ", page)


def test_what_people_wrote_is_shown_as_text(town):
    from django.contrib.auth.models import User

    User.objects.filter(username="personal-a").update(first_name="<script>alert(1)</script>", last_name="")
    town.live_since(date(2025, 3, 1))
    application = town.apply()
    page = town.world.client_of("personal-a").get(f"/consola/postulaciones/{application.uuid}/")
    assert "<script>alert" not in page.content.decode()
    assert "&lt;script&gt;alert(1)" in page.content.decode()
