"""Two cities in one running service: whatever staff of one ask for, nothing of the other is in the answer."""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urldefrag, urljoin

import pytest
import requests
from e2e.backstage import list_codes, make_link, read_rows
from e2e.visitor import Demo

from integra_service.routes import ROUTES, Access

OTHER = {"a": "b", "b": "a"}
NAMES = {"a": "Rosa Inventada Ejemplo", "b": "Luz Inventada Muestra"}
HIDDEN = re.compile(r'name="(csrfmiddlewaretoken|de)" value="([^"]+)"')
LINK = re.compile(r'<a\b[^>]* href="([^"]+)"')
PERSON = re.compile(r"/consola/personas/([0-9a-f-]{36})/")
SECONDS = 30
# Every id that belongs to a person; each is stored as 32 hexadecimal digits or as the text that is shown.
IDS = {
    "people_person": ("uuid",),
    "people_learneridentity": ("learner_uuid", "short_code"),
    "people_residenceepisode": ("uuid",),
    "eligibility_application": ("uuid",),
    "credentials_credential": ("uuid", "subject_uuid", "token"),
}


@dataclass(frozen=True)
class City:
    """The ids of one city's registered graduate, and every word that would give the city away."""

    code: str
    person: str
    residence: str
    application: str
    token: str
    credential: str
    subject: str
    policy: str
    words: frozenset[str]


@dataclass
class Terminal:
    """Somebody's session with the service; keeps every answer with what was asked."""

    service: str
    session: requests.Session = field(default_factory=requests.Session)
    answers: list[tuple[str, str]] = field(default_factory=list)

    def get(self, path: str) -> requests.Response:
        address = urljoin(self.service, path)
        return self._keep(path, self.session.get(address, timeout=SECONDS, allow_redirects=False))

    def post(self, path: str, form: str = "/consola/", **fields: str) -> requests.Response:
        """Send fields as the form on another page would."""
        page = self.session.get(urljoin(self.service, form), timeout=SECONDS).text
        answer = self.session.post(
            urljoin(self.service, path),
            data={**fields, **dict(HIDDEN.findall(page))},
            headers={"Referer": self.service},
            timeout=SECONDS,
            allow_redirects=False,
        )
        return self._keep(f"{path} {fields}", answer)

    def crawl(self, *pages: str) -> set[str]:
        """Follow every link inside the service from these pages, which were answered already."""
        waiting, known = [link for page in pages for link in self.list_links(page)], set()
        while waiting:
            path = waiting.pop()
            if path not in known:
                known.add(path)
                waiting += self.list_links(self.get(path).text)
        return known

    def list_links(self, page: str) -> list[str]:
        links = [urljoin(f"{self.service}/", unescape(link)) for link in LINK.findall(page)]
        return [urldefrag(link).url for link in links if link.startswith(f"{self.service}/")]

    def find(self, words: frozenset[str]) -> dict[str, list[str]]:
        """Return which of the words were answered to what, apart from those it was asked with."""
        found = {
            asked: sorted(word for word in words if word in text and word not in asked)
            for asked, text in self.answers
        }
        return {asked: words for asked, words in found.items() if words}

    def _keep(self, asked: str, answer: requests.Response) -> requests.Response:
        assert answer.status_code < 500, asked
        self.answers.append((asked, f"{answer.headers}\n{unescape(answer.text)}"))
        return answer


def sign_in(demo: Demo, letter: str) -> Terminal:
    terminal = Terminal(demo.service)
    username, password = demo.accounts[f"staff_city_{letter}"]
    sign_in_path = "/consola/entrar/"
    answer = terminal.post(sign_in_path, form=sign_in_path, username=username, password=password)
    assert answer.headers["location"] == "/consola/"
    return terminal


@pytest.fixture(scope="session")
def cities(demo: Demo) -> dict[str, City]:
    """Both cities, after their own staff registered an application and a residence of their graduate."""
    return {letter: prepare_city(demo, letter) for letter in "ab"}


def prepare_city(demo: Demo, letter: str) -> City:
    key = f"ciudad-{letter}"
    code = list_codes(demo, key, is_certified=True)[0]
    staff = sign_in(demo, letter)
    (person,) = set(PERSON.findall(staff.post("/consola/personas/", query=code).text))
    zone = read_rows(demo, "SELECT id FROM people_zone WHERE key = ?", f"{key}-norte")[0][0]
    policy = read_rows(
        demo,
        "SELECT v.id FROM eligibility_policyversion v JOIN people_city c ON c.id = v.city_id WHERE c.key = ?",
        key,
    )[0][0]
    residence = {"zone": zone, "from_on": "2025-03-01", "evidence": "contrato_arriendo"}
    staff.post(f"/consola/personas/{person}/residencia/", **residence)
    staff.post(f"/consola/personas/{person}/postular/", policy=policy)
    return City(
        code=code,
        person=person,
        residence=find_id(demo, "people_residenceepisode", "uuid", person),
        application=find_id(demo, "eligibility_application", "uuid", person),
        token=find_id(demo, "credentials_credential", "token", person),
        credential=find_id(demo, "credentials_credential", "uuid", person),
        subject=find_id(demo, "credentials_credential", "subject_uuid", person),
        policy=policy,
        words=read_words(demo, letter),
    )


def find_id(demo: Demo, table: str, column: str, person: str) -> str:
    query = f"SELECT x.{column} FROM {table} x JOIN people_person p ON p.id = x.person_id WHERE p.uuid = ?"  # noqa: S608 - our own names
    return spell(read_rows(demo, query, person.replace("-", ""))[-1][0])


def read_words(demo: Demo, letter: str) -> frozenset[str]:
    """Return names, keys and ids of a city; ids in both spellings."""
    key = f"ciudad-{letter}"
    words = {NAMES[letter], key, f"Ciudad {letter.upper()}", f"inventada-{letter}", f"personal-{letter}"}
    words |= {
        name for (name,) in read_rows(demo, "SELECT name FROM people_zone WHERE key LIKE ?", f"{key}-%")
    }
    for table, columns in IDS.items():
        join = "x.id" if table == "people_person" else "x.person_id"
        for column in columns:
            query = (
                f"SELECT x.{column} FROM {table} x JOIN people_person p ON p.id = {join}"  # noqa: S608 - our own names
                " JOIN people_city c ON c.id = p.city_id WHERE c.key = ?"
            )
            stored = [value for (value,) in read_rows(demo, query, key)]
            words |= {*stored, *map(spell, stored)}
    return frozenset(words)


def spell(stored: str) -> str:
    """Return an id as addresses and pages spell it."""
    return str(uuid.UUID(stored)) if re.fullmatch("[0-9a-f]{32}", stored) else stored


def list_paths(city: City) -> dict[str, str]:
    """Return the address of every route that answers to GET, with this city's ids where it takes one."""
    person = f"/consola/personas/{city.person}/"
    return {
        "web:front": "/",
        "web:healthz": "/healthz",
        "web:readyz": "/readyz",
        "web:schema": "/api/schema/",
        "web:certificate-states": "/api/v1/certificate-states",
        "web:enter": f"/entrar/{city.token}",
        "web:my": "/mi/",
        "web:notice": "/mi/aviso/",
        "web:name": "/mi/nombre/",
        "web:name-review": "/mi/nombre/revisar/",
        "web:consents": "/mi/permisos/",
        "web:my-data": "/mi/datos/",
        "web:ask": "/mi/datos/pedir/",
        "web:ask-erasure": "/mi/datos/borrar/",
        "web:download": "/mi/datos/descargar/",
        "web:withdraw-request": f"/mi/datos/pedidos/{city.person}/retirar/",
        "web:leave": "/mi/salir/",
        "web:data-requests": "/consola/solicitudes/",
        "web:data-request": f"/consola/solicitudes/{city.person}/",
        "web:sign-in": "/consola/entrar/",
        "web:external-start": "/consola/entrar/cuenta/",
        "web:external-return": "/consola/entrar/cuenta/vuelta/",
        "web:set-password": "/consola/clave/MQ/x-y/",
        "web:first-factor": "/consola/segundo-factor/MQ/x-y/",
        "web:second-factor": "/consola/segundo-factor/",
        "web:second-factor-enrol": "/consola/mi-cuenta/segundo-factor/",
        "web:account": "/consola/mi-cuenta/",
        "web:password": "/consola/mi-cuenta/clave/",
        "web:console": "/consola/",
        "web:person": person,
        "web:residence-add": f"{person}residencia/",
        "web:residence-correct": f"{person}residencia/{city.residence}/",
        "web:application": f"/consola/postulaciones/{city.application}/",
        "web:credentials": "/consola/certificados/",
        "web:credential": f"/consola/certificados/{city.credential}/",
        "web:credential-act": f"/consola/certificados/{city.credential}/anular/",
        "web:requested-act": f"/consola/certificados/{city.credential}/pedidos/{city.person}/",
        "web:policies": "/consola/politicas/",
        "web:runs": "/consola/emisiones/",
        "web:run": f"/consola/emisiones/{city.person}/",
        "web:keys": "/consola/llaves/",
        "web:machine": "/consola/maquina/",
        "web:machine-parked": "/consola/maquina/detenidos/",
        "web:machine-parked-event": "/consola/maquina/detenidos/1/",
        "web:machine-refused": "/consola/maquina/rechazados/",
        "web:machine-refused-event": "/consola/maquina/rechazados/1/",
        "web:machine-gaps": "/consola/maquina/secuencias/",
        "web:machine-sources": "/consola/maquina/fuentes/",
        "web:machine-source": "/consola/maquina/fuentes/aula-demo/",
        "web:machine-check": "/consola/maquina/revisiones/1/",
        "web:machine-manifests": "/consola/maquina/reglas/",
        "web:my-paper": f"/mi/certificado/{city.token}.pdf",
        "credentials:page": f"/c/{city.token}",
        "credentials:document": f"/c/{city.token}.json",
        "credentials:paper": f"/c/{city.token}.pdf",
        "credentials:ob-jwt": f"/c/{city.token}.jwt",
        "credentials:vc-jwt": f"/c/{city.token}.vc.jwt",
        "credentials:png": f"/c/{city.token}.png",
        "credentials:svg": f"/c/{city.token}.svg",
        "credentials:status-list": "/status/1",
        "credentials:did-document": "/.well-known/did.json",
    }


GUARDED = [
    route.name for route in ROUTES if route.methods.get("GET") in {Access.CITY_STAFF, Access.CITY_EDITOR}
]


def test_every_route_that_answers_to_get_is_asked(cities: dict[str, City]) -> None:
    assert set(list_paths(cities["a"])) == {route.name for route in ROUTES if "GET" in route.methods}


@pytest.mark.parametrize("own", ["a", "b"])
def test_links_and_searches_lead_to_nobody_of_the_other_city(
    demo: Demo, cities: dict[str, City], own: str
) -> None:
    other, staff = OTHER[own], sign_in(demo, own)
    codes = [
        code
        for is_certified in (True, False)
        for code in list_codes(demo, f"ciudad-{own}", is_certified=is_certified)
    ]
    foreign = [*list_codes(demo, f"ciudad-{other}"), cities[other].code]
    queries = [*codes, *foreign, *NAMES.values(), "Inventada", "inventada-b", f"ciudad-{other}", "%", "*"]
    pages = [staff.post("/consola/personas/", query=query).text for query in queries]
    opened = staff.crawl(*pages, staff.get("/consola/").text)

    assert staff.find(cities[other].words) == {}
    # What is not there must be there to be found: the same walk shows all of the own city.
    seen = {word for words in staff.find(cities[own].words).values() for word in words}
    assert {NAMES[own], f"Ciudad {own.upper()}", cities[own].token, *codes} <= seen
    assert len(opened) > len(codes)


@pytest.mark.parametrize("own", ["a", "b"])
def test_no_route_answers_with_the_other_city(demo: Demo, cities: dict[str, City], own: str) -> None:
    other = cities[OTHER[own]]
    staff = sign_in(demo, own)
    learner = Terminal(demo.service)
    learner.get(make_link(demo, cities[own].code))
    for terminal in (staff, learner, Terminal(demo.service)):
        for path in list_paths(other).values():
            terminal.get(path)
        for after in ("0", "-1", "abc", "1&source=aula-demo"):
            terminal.get(f"/api/v1/certificate-states?after={after}")
        # Whoever holds a certificate's address may read the document; it names its subject by an id of its own.
        assert terminal.find(other.words - {other.token, other.subject}) == {}
    assert [staff.get(list_paths(other)[name]).status_code for name in GUARDED] == [404] * len(GUARDED)


@pytest.mark.parametrize("own", ["a", "b"])
def test_foreign_ids_answer_as_ids_nobody_has(demo: Demo, cities: dict[str, City], own: str) -> None:
    other, staff = cities[OTHER[own]], sign_in(demo, own)
    nobody = City(
        code=other.code,
        person=str(uuid.uuid4()),
        residence=str(uuid.uuid4()),
        application=str(uuid.uuid4()),
        token=secrets.token_urlsafe(16),
        credential=str(uuid.uuid4()),
        subject=str(uuid.uuid4()),
        policy=other.policy,
        words=frozenset(),
    )
    foreign, missing = list_paths(other), list_paths(nobody)
    for name in GUARDED:
        assert tell(staff.get(foreign[name])) == tell(staff.get(missing[name])), name
        assert tell(staff.post(foreign[name])) == tell(staff.post(missing[name])), name
    for place in ("postular/", "residencia/"):
        foreign_path, missing_path = (f"/consola/personas/{city.person}/{place}" for city in (other, nobody))
        fields = {
            "policy": other.policy,
            "zone": "1",
            "from_on": "2026-01-01",
            "evidence": "declaracion_propia",
        }
        assert tell(staff.post(foreign_path, **fields)) == tell(staff.post(missing_path, **fields))
    propose = [staff.post(f"/consola/postulaciones/{city.application}/proponer/") for city in (other, nobody)]
    assert tell(propose[0]) == tell(propose[1])
    # An own person with a policy of the other city.
    mixed = [
        staff.post(f"/consola/personas/{cities[own].person}/postular/", policy=p)
        for p in (other.policy, "999999")
    ]
    assert tell(mixed[0]) == tell(mixed[1])
    assert staff.find(other.words) == {}


def tell(answer: requests.Response) -> tuple[int, str, dict[str, str]]:
    """Return everything an answer says, apart from the clock and tokens that differ every time."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"Date", "Set-Cookie"}}
    return answer.status_code, HIDDEN.sub("", answer.text), headers
