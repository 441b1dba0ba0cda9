"""The only way a learner enters, and what they find: notice, consents, name, certificate."""

import re
import time
import uuid
from datetime import timedelta

import jwt
import pytest
from django.test import Client
from service_support import Phone, confirm

from integra_grading.pseudonym import short_code
from integra_service.audit.models import AuditEntry
from integra_service.credentials.services import list_credentials
from integra_service.lib.clock import utc_now
from integra_service.people.handover import AGAIN_WITHIN
from integra_service.people.models import Consent, HandoverUse, LearnerIdentity, LegalName, NameToken, Source
from integra_service.people.services import confirmed_name


def identity_of(learner):
    return LearnerIdentity.objects.for_system().get(learner_uuid=learner)


def test_a_link_opens_once_and_leaves_the_address(world, client):
    learner = uuid.uuid4()
    link = world.a.link(learner)

    first, second = client.get(link), Client().get(link)

    assert (first.status_code, first["location"]) == (302, "/mi/")
    assert client.get("/mi/").status_code == 200
    assert second.status_code == 403
    assert "link_not_valid" in second.content.decode()
    assert (HandoverUse.objects.count(), LearnerIdentity.objects.for_system().count()) == (1, 1)


def bad_claims(now):
    return {
        "expired": {"iat": now - 400, "exp": now - 100},
        "lives too long": {"exp": now + 301},
        "not yet": {"iat": now + 200, "exp": now + 300},
        "ends before it begins": {"exp": now - 1, "iat": now},
        "other audience": {"aud": "http://localhost:8000"},
        "no audience": {"aud": None},
        "no end": {"exp": None},
        "no id": {"jti": None},
        "no subject": {"sub": None},
        "city of another source": {"city_key": "ciudad-b"},
        "course of another source": {"course_key": "course-v1:INTEGRA+CAP40+b"},
        "no city": {"city_key": None},
        "other source": {"iss": "aula-b"},
        "unknown source": {"iss": "nobody"},
        "subject no uuid": {"sub": "me"},
        "upper case uuid": {"sub": str(uuid.uuid4()).upper()},
        "NUL in the id": {"jti": "a\x00bcdefgh"},
        "end as text": {"exp": str(now + 300)},
        "end as boolean": {"exp": True},
    }


@pytest.mark.parametrize("name", bad_claims(0).keys())
def test_a_link_that_says_something_else_is_refused(world, client, name):
    claims = {"iss": world.a.key, **bad_claims(int(time.time()))[name]}
    learner = claims.pop("sub", str(uuid.uuid4()))

    try:
        link = world.a.link(learner, sub=learner, **claims)
    except TypeError:  # PyJWT refuses to sign a claim of a wrong type; sign it as a stranger would
        pytest.skip("cannot be signed")
    answer = client.get(link)

    assert answer.status_code == 403
    assert "link_not_valid" in answer.content.decode()
    assert client.get("/mi/").status_code == 403
    assert (HandoverUse.objects.count(), LearnerIdentity.objects.for_system().count()) == (0, 0)


def test_links_with_another_signature_are_refused(world, client):
    learner, now = str(uuid.uuid4()), int(time.time())
    claims = {
        "iss": world.a.key,
        "sub": learner,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 300,
        "aud": "http://localhost:8001",
        "city_key": world.a.city_key,
        "course_key": world.a.course_key,
    }
    good = jwt.encode(claims, world.a.handover, algorithm="HS256")
    header, payload, signature = good.split(".")
    tokens = [
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, world.a.handover, algorithm="HS512"),
        jwt.encode(claims, world.b.handover, algorithm="HS256"),
        jwt.encode(claims, world.a.pull, algorithm="HS256"),
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "nada",
        "ñ.ñ.ñ",
        "a" * 5000,
    ]

    assert [client.get(f"/entrar/{token}").status_code for token in tokens] == [403] * len(tokens)
    assert client.get(f"/entrar/{good}").status_code == 302


def code_shown(client):
    return re.search(r'<span class="code whole">([^<]+)</span>', client.get("/mi/").content.decode())[1]


def test_a_link_of_another_learner_asks_first_and_is_not_used_up_by_it(world, client):
    mine, other = uuid.uuid4(), uuid.uuid4()
    world.a.enter(mine, client)
    link = world.a.link(other)

    pages = [client.get(link) for _ in range(3)]

    assert [page.status_code for page in pages] == [200] * 3
    text = pages[-1].content.decode()
    assert "Aquí está abierta la página de otra persona" in text
    assert re.findall(r'<strong class="code whole">([^<]+)<', text) == [short_code(mine), short_code(other)]
    assert f"Entrar con mi código {short_code(other)}" in text
    # Nothing has happened: no use, nobody made, the session as it was.
    assert HandoverUse.objects.count() == 1
    assert LearnerIdentity.objects.for_system().count() == 1
    assert code_shown(client) == short_code(mine)

    answer = client.post(link)

    assert (answer.status_code, answer["location"]) == (302, "/mi/")
    assert code_shown(client) == short_code(other)
    # The link is used; who is inside by it goes on all the same, somebody else does not.
    assert [client.get(link)["location"], client.post(link)["location"]] == ["/mi/", "/mi/"]
    assert [Client().get(link).status_code, Client().post(link).status_code] == [403, 403]
    assert code_shown(client) == short_code(other)
    assert HandoverUse.objects.count() == 2


def test_who_says_no_closes_everything_and_leaves_no_open_door(world, client):
    mine = uuid.uuid4()
    world.a.enter(mine, client)
    link = world.a.link(uuid.uuid4())
    client.get(link)

    answer = client.post(link, {"respuesta": "no"})

    assert "Aquí ya nadie ve tus datos" in answer.content.decode()
    assert client.get("/mi/").status_code == 403
    assert [client.post(link).status_code, Client().get(link).status_code] == [403, 403]
    assert LearnerIdentity.objects.for_system().count() == 1
    # It closes with any link.
    world.a.enter(mine, client)
    assert client.post(link, {"respuesta": "no"}).status_code == 200
    assert client.get("/mi/").status_code == 403


def ask_with_cookies(client, link):
    """Open the question and return the browser's cookies as they were then, and the form's token."""
    page = client.get(link).content.decode()
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    return cookies, re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]


def browser_with(cookies):
    client = Phone(enforce_csrf_checks=True)
    client.cookies.load(cookies)
    return client


@pytest.mark.parametrize("is_answer_lost", [True, False])
def test_a_button_pressed_twice_enters(world, is_answer_lost):
    """The second press is sent with the cookies of before, or, where the first answer came, with those of after."""
    client, other = Phone(enforce_csrf_checks=True), uuid.uuid4()
    world.a.enter(uuid.uuid4(), client)
    link = world.a.link(other)
    cookies, token = ask_with_cookies(client, link)
    assert client.post(link, {"csrfmiddlewaretoken": token})["location"] == "/mi/"

    again = browser_with(cookies) if is_answer_lost else client
    answer = again.post(link, {"csrfmiddlewaretoken": token})

    assert (answer.status_code, answer["location"]) == (302, "/mi/")
    assert code_shown(again) == short_code(other)


def test_a_second_press_counts_for_a_minute_in_that_browser_and_never_after_a_no(world):
    client = Phone(enforce_csrf_checks=True)
    world.a.enter(uuid.uuid4(), client)
    link, refused = world.a.link(uuid.uuid4()), world.a.link(uuid.uuid4())
    stranger = Phone(enforce_csrf_checks=True)
    world.b.enter(uuid.uuid4(), stranger)
    foreign, foreign_token = ask_with_cookies(stranger, link)
    cookies, token = ask_with_cookies(client, link)
    refusing, refusing_token = ask_with_cookies(browser_with(cookies), refused)
    assert client.post(link, {"csrfmiddlewaretoken": token}).status_code == 302

    asked_too = browser_with(foreign).post(link, {"csrfmiddlewaretoken": foreign_token})
    assert (asked_too.status_code, "link_not_valid" in asked_too.content.decode()) == (403, True)
    HandoverUse.objects.update(used_at=utc_now() - AGAIN_WITHIN - timedelta(seconds=1))
    assert browser_with(cookies).post(link, {"csrfmiddlewaretoken": token}).status_code == 403

    no = {"csrfmiddlewaretoken": refusing_token, "respuesta": "no"}
    assert browser_with(refusing).post(refused, no).status_code == 200
    assert browser_with(refusing).post(refused, {"csrfmiddlewaretoken": refusing_token}).status_code == 403


def test_the_question_needs_its_own_form_and_nobody_elses_page_can_send_it(world):
    client = Client(enforce_csrf_checks=True)
    mine, other = uuid.uuid4(), uuid.uuid4()
    assert client.get(world.a.link(mine)).status_code == 302
    link = world.a.link(other)

    refused = client.post(link)
    assert (refused.status_code, "form_expired" in refused.content.decode()) == (403, True)
    assert code_shown(client) == short_code(mine)

    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(link).content.decode())[1]
    assert client.post(link, {"csrfmiddlewaretoken": token}).status_code == 302
    assert code_shown(client) == short_code(other)


def test_the_same_learner_enters_again_without_a_question(world, client):
    learner = uuid.uuid4()
    world.a.enter(learner, client)
    assert client.get(world.a.link(learner)).status_code == 302
    # The same number in another classroom is somebody else.
    assert client.get(world.b.link(learner)).status_code == 200


def test_a_session_that_is_over_is_no_reason_to_ask(world, client):
    world.a.enter(uuid.uuid4(), client)
    Source.objects.filter(key="aula-a").update(is_active=False)
    assert client.get(world.b.link(uuid.uuid4())).status_code == 302


def test_a_link_that_does_not_count_asks_nothing(world, client):
    world.a.enter(uuid.uuid4(), client)
    now = int(time.time())
    for link in (
        world.a.link(uuid.uuid4(), iat=now - 400, exp=now - 100),
        world.a.link(uuid.uuid4(), city_key="ciudad-b"),
        "/entrar/nada",
    ):
        assert [client.get(link).status_code, client.post(link).status_code] == [403, 403]


def test_entering_ends_whatever_session_the_browser_had(world):
    client = world.client_of("personal-a")
    assert client.get("/consola/").status_code == 200
    asked = client.get(world.a.link(uuid.uuid4()))
    assert "la sesión de alguien del equipo" in asked.content.decode()
    assert client.get("/consola/").status_code == 200

    world.a.enter(uuid.uuid4(), client)

    assert client.get("/consola/").status_code == 302
    assert client.get("/mi/").status_code == 200


def test_leaving_ends_the_session_and_empties_the_cache(world, client):
    world.a.enter(uuid.uuid4(), client)

    answer = client.post("/mi/salir/")

    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/mi/").status_code == 403


def test_a_source_that_was_stopped_ends_its_learners_sessions(world, client):
    world.a.enter(uuid.uuid4(), client)
    Source.objects.filter(key="aula-a").update(is_active=False)
    assert client.get("/mi/").status_code == 403


def test_nothing_is_issued_before_consent_and_confirmed_name(committed_world, client):
    learner = uuid.uuid4()
    committed_world.a.send(committed_world.a.tell(learner))
    committed_world.a.enter(learner, client)
    person = identity_of(learner).person
    assert list_credentials(person) == ()

    # The name's page leads back to the notice as long as nobody agreed.
    answer = client.post("/mi/nombre/", {"name": "Ana", "step": "confirm"})
    assert (answer["location"], LegalName.objects.count()) == ("/mi/aviso/", 0)
    client.post("/mi/aviso/", {"certificado": "no", "busqueda_por_nombre": "no"})
    client.post("/mi/nombre/", {"name": "Ana", "step": "confirm"})
    assert (confirmed_name(person), list_credentials(person)) == (None, ())

    client.post("/mi/permisos/", {"proposito": "certificado", "respuesta": "si"})
    shown = client.post("/mi/nombre/", {"name": "  ana   MARÍA  Ñáñez ", "step": "preview"}, follow=True)
    assert "ana MARÍA Ñáñez" in shown.content.decode()
    assert (confirmed_name(person), list_credentials(person)) == (None, ())

    client.post("/mi/nombre/", {"name": "ana MARÍA Ñáñez", "step": "confirm"})
    assert confirmed_name(person) == "ana MARÍA Ñáñez"
    assert [credential.achievement_key for credential in list_credentials(person)] == ["curso"]
    page = client.get("/mi/").content.decode()
    assert f"/c/{list_credentials(person)[0].token}" in page


def test_the_notice_names_who_answers_for_the_data(world, client, settings):
    settings.INTEGRA_DATA_CONTROLLER = "Municipio de <Prueba>, datos@municipio.example"
    page = world.a.enter(uuid.uuid4(), client).get("/mi/aviso/").content.decode()
    assert "Municipio de &lt;Prueba&gt;, datos@municipio.example." in page


def test_a_name_without_certificate_can_be_corrected(world, client):
    learner = uuid.uuid4()
    confirm(world.a.enter(learner, client), "Ana Ñáñes")
    client.post("/mi/nombre/", {"name": "Ana Ñáñez", "step": "confirm"})

    assert confirmed_name(identity_of(learner).person) == "Ana Ñáñez"
    actions = AuditEntry.objects.filter(action__startswith="name.").values_list("action", flat=True)
    assert sorted(actions) == ["name.changed", "name.confirmed"]


@pytest.mark.parametrize(
    "decisions",
    [
        {},
        {"certificado": "si"},
        {"certificado": "tal vez", "busqueda_por_nombre": "si"},
        {"certificado": "", "busqueda_por_nombre": ""},
    ],
)
def test_silence_is_no_consent(world, client, decisions):
    world.a.enter(uuid.uuid4(), client)
    answer = client.post("/mi/aviso/", decisions)
    assert answer.status_code == 400
    assert Consent.objects.count() == 0


def test_every_decision_is_kept_and_the_latest_counts(world, client):
    learner = uuid.uuid4()
    world.a.enter(learner, client)
    client.post("/mi/aviso/", {"certificado": "si", "busqueda_por_nombre": "no"})
    for answer in ("si", "no"):
        client.post("/mi/permisos/", {"proposito": "certificado", "respuesta": answer, "seguro": "si"})

    rows = Consent.objects.filter(purpose="certificado").order_by("pk")
    assert list(rows.values_list("is_granted", "notice_version")) == [(True, "aviso-5"), (False, "aviso-5")]
    page = client.get("/mi/").content.decode()
    assert "Dijiste que no" in page


def test_the_name_is_stored_encrypted_and_nowhere_else(world, client):
    from django.apps import apps
    from django.db import models

    learner = uuid.uuid4()
    confirm(world.a.enter(learner, client), "Zulmira Canario Quishpe")

    texts = (models.CharField, models.TextField)
    found = [
        (model.__name__, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, texts)
        for value in model._base_manager.values_list(field.name, flat=True)
        if value and "canario" in str(value).casefold()
    ]
    assert found == []
    assert NameToken.objects.count() == 3


def test_who_starts_the_course_later_is_the_same_person(committed_world, client):
    learner = uuid.uuid4()
    confirm(committed_world.a.enter(learner, client), "Ana Ñáñez")

    committed_world.a.send(committed_world.a.tell(learner))

    identity = identity_of(learner)
    assert LearnerIdentity.objects.for_system().count() == 1
    assert [c.achievement_key for c in list_credentials(identity.person)] == ["curso"]
