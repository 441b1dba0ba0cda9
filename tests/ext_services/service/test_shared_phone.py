"""One phone, several people, a signal that comes and goes: whose page it is, how long it stays open, and ways on."""

import html
import re
import uuid
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from service_support import confirm
from test_learner_pages import NAME, OTHER, Holder, text_of
from test_my_data import download, enter_facts

import integra_service
from integra_service.credentials.models import CredentialDocument
from integra_service.lib.clock import utc_now
from integra_service.people.data_requests import ask
from integra_service.people.models import (
    Consent,
    DataRequest,
    LearnerIdentity,
    RequestKind,
    RequestTopic,
    Source,
)
from integra_service.people.services import confirmed_name, list_consents
from integra_service.people.session import (
    ENTERED_KEY,
    IDLE_SECONDS,
    LEARNER_KEY,
    LONGEST_SECONDS,
    SEEN_KEY,
)
from integra_service.routes import ROUTES, Access
from integra_service.web.learner.my_data_file import ACTIONS
from integra_service.web.wording import ENTRIES

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
POSTED = [route.name for route in ROUTES if route.methods.get("POST") == Access.LEARNER]
# What each form of a learner does when it is taken: the most that it can.
FIELDS = {
    "web:notice": {"certificado": "no", "busqueda_por_nombre": "no"},
    "web:name": {"name": OTHER, "step": "confirm"},
    "web:consents": {"proposito": "certificado", "respuesta": "no", "seguro": "si"},
    "web:download": {},
    "web:ask": {"tipo": "correction", "tema": "results"},
    "web:ask-erasure": {"seguro": "si"},
    "web:withdraw-request": {},
}


@pytest.fixture
def holder(committed_world):
    return Holder(committed_world)


def snapshot():
    models = [model for model in apps.get_models() if model is not Session]
    return {m.__name__: sorted(map(repr, m._base_manager.values_list())) for m in models}


def read_forms(page):
    """Return where each form of the page goes and what it carries."""
    return [
        (re.search(r'action="([^"]*)"', attributes), dict(HIDDEN.findall(body)))
        for attributes, body in FORM.findall(page.content.decode())
    ]


def identity_of(learner):
    return LearnerIdentity.objects.for_system().get(learner_uuid=learner)


def age(client, key, seconds):
    session = client.session
    session[key] -= seconds
    session.save()


class TwoPeople:
    """A phone whose tab still shows A's page, and which is B's now; B has everything that can be changed."""

    def __init__(self, world):
        first, second = uuid.uuid4(), uuid.uuid4()
        self.phone = Client(enforce_csrf_checks=True)
        world.a.enter(first, self.phone)
        self.of_first = read_forms(self.phone.get("/mi/datos/"))[0][1]
        other_phone = world.a.enter(second)
        confirm(other_phone, NAME)
        self.second = identity_of(second)
        self.request = ask(
            self.second.person, RequestKind.CORRECTION, RequestTopic.CITY, actor="learner:x", now=utc_now()
        )
        link = world.a.link(second)
        token = read_forms(self.phone.get(link))[0][1]
        self.phone.post(link, token)
        self.of_second = read_forms(self.phone.get("/mi/datos/"))[0][1]

    def url(self, name):
        return reverse(name, kwargs={"uuid": self.request.uuid} if name == "web:withdraw-request" else {})


def test_every_form_of_learners_is_walked():
    assert set(FIELDS) == set(POSTED)


@pytest.mark.parametrize("name", POSTED)
def test_a_page_that_somebody_left_open_changes_nothing_of_the_next_person(world, name):
    two = TwoPeople(world)
    before = snapshot()
    # The tab as it is; with this browser's token but A's mark; with none.
    mixed = {**two.of_first, "csrfmiddlewaretoken": two.of_second["csrfmiddlewaretoken"]}
    bare = {"csrfmiddlewaretoken": two.of_second["csrfmiddlewaretoken"]}
    for hidden in (two.of_first, mixed, bare):
        answer = two.phone.post(two.url(name), {**FIELDS[name], **hidden})
        assert answer.status_code == 409
        text = text_of(answer)
        assert "Esta página era de otra persona" in text
        assert two.second.short_code in text
        assert 'href="/mi/"' in answer.content.decode()
    # Nor does a token of before the change, whatever else is right.
    stale = {**two.of_second, "csrfmiddlewaretoken": two.of_first["csrfmiddlewaretoken"]}
    assert two.phone.post(two.url(name), {**FIELDS[name], **stale}).status_code == 403
    assert snapshot() == before

    taken = two.phone.post(two.url(name), {**FIELDS[name], **two.of_second})
    assert taken.status_code in {200, 302}
    if name != "web:notice":  # answered before: the answers stay
        assert snapshot() != before


def test_leaving_from_somebodys_open_page_says_whose_it_is_now(world):
    two = TwoPeople(world)
    assert two.phone.post("/mi/salir/", two.of_first).status_code == 409
    assert two.phone.get("/mi/").status_code == 200
    assert "Aquí ya nadie ve tus datos" in text_of(two.phone.post("/mi/salir/", two.of_second))


def test_every_form_on_learners_pages_carries_whose_it_is(holder):
    ask(holder.person, RequestKind.CORRECTION, RequestTopic.CITY, actor="learner:x", now=utc_now())
    newcomer = holder.world.a.enter(uuid.uuid4())
    holder.rename(OTHER, "preview")
    seen = 0
    for phone in (holder.phone, newcomer):
        mark = read_forms(phone.get("/mi/"))[0][1]["de"]
        for route in ROUTES:
            name = route.name
            if route.methods.get("GET") != Access.LEARNER or name == "web:my-paper":  # paper has no forms
                continue
            row = DataRequest.objects.for_system().get()
            url = reverse(name, kwargs={"uuid": row.uuid} if name == "web:withdraw-request" else {})
            addresses = [url, f"{url}?retirar=certificado"] if name == "web:consents" else [url]
            for address in addresses:
                for _action, hidden in read_forms(phone.get(address, follow=True)):
                    seen += 1
                    assert (hidden["de"], "csrfmiddlewaretoken" in hidden) == (mark, True), address
    assert seen > 30


@pytest.mark.parametrize("is_inside", [True, False])
def test_what_was_still_to_be_said_is_not_said_to_the_next_person(world, client, is_inside):
    world.a.enter(uuid.uuid4(), client)
    client.post("/mi/datos/borrar/", {"seguro": "si"})  # and the page that says so never came
    if not is_inside:
        age(client, SEEN_KEY, IDLE_SECONDS + 1)
    link = world.a.link(uuid.uuid4())
    pages = [client.get(link)]
    if is_inside:
        client.post(link)
    pages.append(client.get("/mi/datos/"))
    assert [page.status_code for page in pages] == [200 if is_inside else 302, 200]
    assert not [page for page in pages if "Recibimos tu solicitud" in text_of(page)]


def test_a_form_left_open_after_leaving_is_of_nobody(world):
    phone = Client(enforce_csrf_checks=True)
    world.a.enter(uuid.uuid4(), phone)
    open_form = read_forms(phone.get("/mi/datos/"))[0][1]
    assert phone.post("/mi/salir/", open_form).status_code == 200
    before = snapshot()

    answer = phone.post("/mi/datos/borrar/", {**open_form, "seguro": "si"})

    assert answer.status_code == 403
    assert "Lo último que hiciste no se guardó" in text_of(answer)
    assert snapshot() == before


def test_the_same_learner_may_go_on_with_the_form_left_open(world):
    phone, learner = Client(enforce_csrf_checks=True), uuid.uuid4()
    world.a.enter(learner, phone)
    open_form = read_forms(phone.get("/mi/aviso/"))[-1][1]
    age(phone, SEEN_KEY, IDLE_SECONDS + 1)
    fields = {**open_form, "certificado": "si", "busqueda_por_nombre": "no"}
    ended = phone.post("/mi/aviso/", fields)
    assert (ended.status_code, Consent.objects.count()) == (403, 0)

    world.a.enter(learner, phone)
    assert phone.post("/mi/aviso/", fields)["location"] == "/mi/"
    assert len(list_consents(identity_of(learner).person)) == 2


def test_a_closed_browser_forgets_who_was_inside(world, client):
    world.a.enter(uuid.uuid4(), client)
    client.get("/mi/")
    cookie = client.cookies["integra_session"]
    assert (cookie["max-age"], cookie["expires"]) == ("", "")


def test_half_an_hour_begins_again_with_each_page_and_ends_after_four_hours(world, client):
    world.a.enter(uuid.uuid4(), client)
    for _ in range(3):
        age(client, SEEN_KEY, IDLE_SECONDS - 60)
        assert client.get("/mi/datos/").status_code == 200
    age(client, SEEN_KEY, IDLE_SECONDS + 1)
    assert client.get("/mi/").status_code == 403

    world.a.enter(uuid.uuid4(), client)
    age(client, ENTERED_KEY, LONGEST_SECONDS - 60)
    assert client.get("/mi/").status_code == 200
    age(client, ENTERED_KEY, 61)
    assert client.get("/mi/").status_code == 403


def test_a_session_from_before_there_were_deadlines_is_over(world, client):
    world.a.enter(uuid.uuid4(), client)
    session = client.session
    del session[SEEN_KEY], session[ENTERED_KEY]
    session.save()
    assert (LEARNER_KEY in client.session, client.get("/mi/").status_code) == (True, 403)


def buttons(answer):
    found = re.findall(r'<a class="button[^"]*" href="([^"]+)">([^<]+)</a>', answer.content.decode())
    return {html.unescape(label): url for url, label in found}


def test_who_ran_out_of_time_reads_so_and_finds_the_classroom(world, client):
    world.a.enter(uuid.uuid4(), client)
    age(client, SEEN_KEY, IDLE_SECONDS + 1)
    for answer in (client.get("/mi/"), client.post("/mi/datos/borrar/", {"seguro": "si"})):
        assert "Se acabó tu tiempo aquí" in text_of(answer)
        assert buttons(answer) == {"Ir a mi aula": Source.objects.get(key="aula-a").url}


def test_errors_show_a_way_on(world, client):
    Source.objects.filter(key="aula-b").update(url="http://aula-b.example")
    used, classroom = world.b.link(uuid.uuid4()), {"Ir a mi aula": "http://aula-b.example"}
    assert Client().get(used).status_code == 302
    old = int(utc_now().timestamp()) - 400
    assert buttons(client.get(used)) == classroom
    assert buttons(client.get(world.b.link(uuid.uuid4(), iat=old, exp=old + 300))) == classroom
    # Of two classrooms, which one it is is not known.
    first = {"Ir a la primera página": "/"}
    for path in ("/entrar/nada", "/mi/", "/no-existe", f"/c/{'x' * 22}"):
        assert buttons(client.get(path)) == first, path
    Source.objects.filter(key="aula-a").update(is_active=False)
    assert [buttons(client.get(path)) for path in ("/entrar/nada", "/mi/")] == [classroom] * 2
    assert buttons(client.get("/no-existe")) == first
    assert buttons(client.get("/consola/no-existe")) == {"Abrir la consola": "/consola/"}
    strict = Client(enforce_csrf_checks=True)
    assert buttons(strict.post("/mi/aviso/")) == classroom

    world.b.enter(uuid.uuid4(), client)
    inside = {"Ir a «Mis certificados»": "/mi/", **classroom}
    assert buttons(client.get("/no-existe")) == inside
    for _ in range(10):
        client.post("/mi/datos/descargar/")
    limited = client.post("/mi/datos/descargar/")
    assert (limited.status_code, buttons(limited)) == (429, inside)


def test_a_page_of_an_error_needs_no_database(world, client, monkeypatch):
    def fail(*_):
        raise OperationalError("away")

    world.a.enter(uuid.uuid4(), client)
    monkeypatch.setattr("integra_service.web.learner.door.describe_my_page", fail)
    monkeypatch.setattr("integra_service.web.ways_out.find_learner", fail)
    answer = client.get("/mi/")
    assert (answer.status_code, buttons(answer)) == (503, {"Ir a la primera página": "/"})


def test_addresses_of_forms_lead_on_who_only_opens_them(holder):
    row = ask(holder.person, RequestKind.CORRECTION, RequestTopic.CITY, actor="learner:x", now=utc_now())
    before = snapshot()
    for path in ("/mi/datos/pedir/", "/mi/datos/descargar/", f"/mi/datos/pedidos/{row.uuid}/retirar/"):
        answer = holder.phone.get(path)
        assert (answer.status_code, answer["location"]) == (302, "/mi/datos/")
    assert (holder.phone.get("/mi/salir/")["location"], Client().get("/mi/salir/")["location"]) == (
        "/mi/",
        "/",
    )
    assert snapshot() == before
    assert holder.page().status_code == 200


def test_another_method_gets_a_page_too(world, client):
    answer = client.post("/mi/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert "method_not_allowed" in answer.content.decode()
    as_json = client.post("/healthz", headers={"accept": "application/json"})
    assert (as_json.status_code, as_json.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/mi/aviso/", {"busqueda_por_nombre": "no"}, "falta una respuesta"),
        ("/mi/datos/pedir/", {"tipo": "correction"}, "Elige una de las opciones"),
        ("/mi/datos/pedir/", {"tipo": "opposition"}, "Elige una de las opciones"),
        ("/mi/datos/borrar/", {}, "Marca que entendiste"),
    ],
)
def test_what_is_missing_stands_at_the_top_and_leads_there(world, client, path, fields, words):
    world.a.enter(uuid.uuid4(), client)
    shown = client.get("/mi/datos/" if path.endswith("/pedir/") else path).content.decode()
    actions = [
        action for attributes, _ in FORM.findall(shown) for action in re.findall('action="(.*?)"', attributes)
    ]
    # The answer is shown where the problem is; without one there is no such place, and it is shown from its top.
    assert any(action.endswith("#problema") for action in actions)
    assert 'id="problema"' not in shown

    page = client.post(path, fields).content.decode()
    (alert,) = re.findall(r'role="alert">(.*?)</p>', page)
    assert words in alert
    assert 'href="#problema"' in alert
    assert page.count('id="problema"') == 1
    assert page.index('role="alert"') < page.index("<form", page.index("<main")) < page.index('id="problema"')


def test_a_name_on_its_way_has_an_address_and_is_not_lost(holder):
    holder.rename(OTHER, "preview")
    for _ in range(2):
        assert OTHER in text_of(holder.phone.get("/mi/nombre/revisar/"))
    assert f'value="{OTHER}"' in holder.phone.get("/mi/nombre/").content.decode()
    stored = holder.phone.session["name_draft"]
    assert not [word for word in OTHER.split() if word in stored]
    assert confirmed_name(holder.person) == NAME

    holder.rename(OTHER)
    gone = holder.phone.get("/mi/nombre/revisar/")
    assert (gone["location"], "name_draft" in holder.phone.session) == ("/mi/nombre/", False)


def test_a_name_on_its_way_is_not_the_next_persons(world, client):
    confirm(world.a.enter(uuid.uuid4(), client))
    client.post("/mi/nombre/", {"name": OTHER, "step": "preview"})
    world.a.enter(uuid.uuid4(), client)
    client.post("/mi/aviso/", {"certificado": "si", "busqueda_por_nombre": "no"})
    assert client.get("/mi/nombre/revisar/")["location"] == "/mi/nombre/"
    assert OTHER not in client.get("/mi/nombre/").content.decode()


def test_a_correction_pressed_twice_says_twice_that_the_paper_ended(holder):
    holder.rename(OTHER, "preview")
    hidden = read_forms(holder.phone.get("/mi/nombre/revisar/"))[-1][1]
    for _ in range(2):
        answer = holder.phone.post("/mi/nombre/", {**hidden, "step": "confirm"})
        assert "Imprime tu certificado de nuevo" in text_of(holder.phone.get(answer["location"]))
    assert CredentialDocument.objects.for_system().count() == 2


def test_the_third_correction_pressed_twice_is_no_fourth(holder):
    for number in range(3):
        holder.rename(f"{OTHER} {number * 'i'}")
    assert holder.rename(f"{OTHER} ii").status_code == 302
    assert holder.rename("Cuarta Vez").status_code == 429


def test_a_first_name_pressed_twice_frightens_nobody(world, client):
    confirm(world.a.enter(uuid.uuid4(), client))
    for _ in range(2):
        answer = client.post("/mi/nombre/", {"name": OTHER, "step": "confirm"})
        text = text_of(client.get(answer["location"]))
        assert "Imprime" not in text
        assert "guard" in text


def test_the_same_name_is_told_to_change_nothing(holder):
    holder.page()
    answer = holder.rename(f"  {NAME} ", "preview")
    assert answer["location"] == "/mi/"
    assert "Es el mismo nombre: no cambia nada." in text_of(holder.page())


def test_a_second_answer_to_the_notice_is_not_dropped_silently(world, client):
    world.a.enter(uuid.uuid4(), client)
    answers = {"certificado": "si", "busqueda_por_nombre": "no"}
    assert [client.post("/mi/aviso/", answers)["location"] for _ in range(2)] == ["/mi/", "/mi/"]
    changed = client.post("/mi/aviso/", {**answers, "certificado": "no"}, follow=True)
    assert "Ya teníamos tu respuesta" in text_of(changed)
    assert "Retirar este permiso" in text_of(changed)
    assert (
        Consent.objects.filter(purpose="certificado", is_granted=True).count() == Consent.objects.count() - 1
    )


def test_who_said_no_has_a_next_step(world, client):
    world.a.enter(uuid.uuid4(), client)
    client.post("/mi/aviso/", {"certificado": "no", "busqueda_por_nombre": "no"})
    assert (
        'class="button primary" href="/mi/permisos/">Cambiar mi decisión<'
        in client.get("/mi/").content.decode()
    )


def test_taking_a_permission_back_is_asked_at_an_address(holder):
    page = holder.phone.get(holder.withdraw(sure="")["location"])
    (form,) = [f for f in read_forms(page) if f[0] and f[0][1] == "/mi/permisos/"]
    assert form[1]["proposito"] == "certificado"
    assert holder.phone.get("/mi/permisos/?retirar=todo").status_code == 200
    assert list_consents(holder.person)["certificado"].is_granted


def test_the_file_names_things_as_the_course_does(holder):
    enter_facts(holder)
    page = html.unescape(download(holder.phone)[1]["mis-datos.html"])
    for words in (
        "Unidad «Unidad m04-u03»",
        "Trabajo «Hoja de costos»",
        "<h3>Emprender</h3>",
        "Entraste desde tu aula · tú",
        "Corregiste tu nombre · tú",
        "Certificado: Firmado",
        "Se anotó dónde vives · el equipo del programa",
    ):
        assert words in page, words
    assert re.findall(r"· [a-z_]+\.[a-z_]+ ·", page) == []
    assert "course-v1" not in page


def test_every_action_about_a_person_has_its_words():
    """A new action about people that the trail can hold must get words for their file too."""
    subjects = "learner|consent|name|residences?|application|proposals?|person|data|credential"
    action = re.compile(rf'"((?:{subjects})\.(?!json")[a-z_]+)"')
    folder = Path(integra_service.__file__).parent
    apps_of_people = ("people", "credentials", "eligibility", "privacy", "web")
    sources = [
        path.read_text("utf-8") for app in apps_of_people for path in sorted((folder / app).rglob("*.py"))
    ]
    written = {found for source in sources for found in action.findall(source)}
    assert len(written) > 20
    assert written - {*ACTIONS, *ENTRIES} == set()
