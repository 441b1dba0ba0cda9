"""Names, e-mails and words nobody else has, typed into every personal field of both running sides: they stay in their
own place, and after the person is forgotten they are nowhere, in a restored backup neither."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import jwt
import pytest
import requests
from faults.crowd import Classroom
from faults.test_delivery import finish_unit, make_learners, usage, wait_until
from faults.world import LearnerSession, World, demo, demo_cohort

from integra_grading import events
from integra_grading.manifest import parse_manifest

pytestmark = pytest.mark.fault
HIDDEN = re.compile(r'name="(csrfmiddlewaretoken|de)" value="([^"]+)"')
SECONDS = 60
# Nothing of these is a word of the course, so that one found anywhere came from here.
LEARNER = {
    "username": "zqaprendiz",
    "first_name": "Zqprimer Zqnombre",
    "last_name": "Zqapellido",
    "email": "zqcorreo@zqdominio.example",
    "typed": "Zqtextoescrito",
    "draft": "Zqborrador",
    "confirmed": "Zqconfirmada Zqlegal Ñandú",
}
GRADUATE = {"confirmed": "Zqgraduada Zqpública Ángel", "reason": "Zqmotivo de la corrección"}
STAFF = {
    "username": "zqpersonal",
    "name": "Zqfuncionaria Zqmunicipal",
    "password": "zqclave-larga-de-personal",
}
TYPED_IN_ERRORS = {
    "search": "Zqbuscada",
    "login": "zqintento",
    "password": "zqclaveequivocada",
    "path": "Zqruta",
}


def canaries(*groups: dict[str, str]) -> set[str]:
    """Return every word of these that begins as only canaries do, in lower case."""
    text = " ".join(value for group in groups for value in group.values()).lower()
    return set(re.findall(r"zq[a-zñáéíóú]+", text))


def find(text: str, words: Iterable[str]) -> set[str]:
    """Return the words that stand in the text: as they are, escaped for JSON, in hexadecimal or percent-encoded."""
    lowered = text.lower()
    return {word for word in words if word in lowered or word.encode().hex() in lowered}


def dump(database: Path) -> dict[str, str]:
    """Return all rows of each table as text, what is encoded in them opened."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: "\n".join(spell(row) for row in connection.execute(f'SELECT * FROM "{name}"'))  # noqa: S608 - our own tables
            for name in names
        }


def spell(row: tuple[object, ...]) -> str:
    parts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row]
    return " | ".join([*parts, *(opened for part in parts for opened in open_texts(part))])


def open_texts(text: str) -> Iterator[str]:
    """Yield what sessions, tokens and JSON hide from a plain search."""
    if "\\u" in text:
        yield text.encode("ascii", "backslashreplace").decode("unicode-escape", "replace")
    for piece in re.findall(r"[A-Za-z0-9_-]{24,}", text):
        with suppress(binascii.Error):
            raw = base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))
            yield raw.decode("utf-8", "ignore")
            with suppress(zlib.error):
                yield zlib.decompress(raw).decode("utf-8", "ignore")


class Browser:
    """Somebody's session with the service; keeps every error page."""

    def __init__(self, service: str) -> None:
        self.service, self.session = service, requests.Session()
        self.errors: list[str] = []

    def get(self, path: str) -> requests.Response:
        return self._keep(self.session.get(f"{self.service}{path}", timeout=SECONDS))

    def post(self, path: str, page: str, **fields: str) -> requests.Response:
        hidden = dict(HIDDEN.findall(self.session.get(f"{self.service}{page}", timeout=SECONDS).text))
        data = {**fields, **hidden}
        headers = {"Referer": self.service}
        return self._keep(
            self.session.post(f"{self.service}{path}", data=data, headers=headers, timeout=SECONDS)
        )

    def _keep(self, answer: requests.Response) -> requests.Response:
        if answer.status_code >= 400:
            self.errors.append(f"{answer.headers}\n{answer.text}")
        return answer


class Story:
    """One learner of the running classroom, one invented graduate, one member of the staff."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.manifest = parse_manifest(json.loads((world.places.build / "manifest.json").read_text("utf-8")))
        self.graduate = uuid.uuid4()
        self.secret = base64.b64decode(world.keys["webhook_secret"].removeprefix("whsec_"))
        self.errors: list[str] = []

    def live_in_the_classroom(self) -> str:
        """Fill every personal field of the classroom; return the learner's link into the service."""
        (learner,) = make_learners(self.world, 1)
        self.classroom_shell(
            "from django.contrib.auth.models import User\n"
            "user = User.objects.get(username='aprendiz-0')\n"
            f"user.username, user.first_name = {LEARNER['username']!r}, {LEARNER['first_name']!r}\n"
            f"user.last_name, user.email = {LEARNER['last_name']!r}, {LEARNER['email']!r}\n"
            "user.save()\n"
        )
        finish_unit(self.world, learner, "m06-u03")
        place = usage("integra_deliverable", "m06-hoja-de-costos")
        handed_in = {"uuid": str(uuid.uuid4()), "document": make_sheet(LEARNER["typed"])}
        assert learner.call(place, "submit_deliverable", handed_in).status_code == 200
        draft = {"document": make_sheet(LEARNER["draft"]), "revision": 0}
        assert learner.call(place, "save_draft", draft).status_code == 200
        return ask_for_link(learner)

    def send(self, told: list[events.EventData], first: int) -> None:
        wire = [
            events.to_cloudevent(
                events.Event(
                    id=str(uuid.uuid4()),
                    learner_uuid=self.graduate,
                    sequence=number,
                    time=demo_cohort.BEGIN,
                    data=data,
                ),
                source=demo.SOURCE,
            )
            for number, data in enumerate(told, start=first)
        ]
        sender = Classroom(self.world.places.service, self.secret)
        sender.start([wire[at : at + 50] for at in range(0, len(wire), 50)], 1)
        wait_until(lambda: not sender.is_sending, 60)
        assert (sender.refusals, sender.named_count) == ([], len(wire))

    @property
    def common(self) -> demo_cohort.Story:
        return demo_cohort.Story(self.manifest, demo.COURSE_KEY, "ciudad-a", "cohorte-a", str(self.graduate))

    def graduate_link(self) -> str:
        now = int(time.time())
        claims = {
            "iss": demo.SOURCE,
            "sub": str(self.graduate),
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 300,
            "aud": self.world.places.service,
            "city_key": "ciudad-a",
            "course_key": demo.COURSE_KEY,
        }
        return "/entrar/" + jwt.encode(claims, self.world.keys["handover_secret"], "HS256")

    def confirm(self, link: str, name: str) -> None:
        """Consent and confirm the name, with every mistake a person can make on the way."""
        browser = Browser(self.world.places.service)
        browser.get(link)
        stranger = Browser(self.world.places.service)
        stranger.get(link)  # used: an error page
        self.errors += stranger.errors
        browser.post("/mi/aviso/", "/mi/aviso/", certificado="si", busqueda_por_nombre="si")
        browser.post("/mi/nombre/", "/mi/nombre/", name=name + "\x00", step="confirm")
        browser.post("/mi/nombre/", "/mi/nombre/", name=name * 50, step="confirm")
        assert browser.post("/mi/nombre/", "/mi/nombre/", name=name, step="confirm").status_code == 200
        browser.errors = [
            error for error in browser.errors if 'name="name"' not in error
        ]  # their own form again
        self.errors += browser.errors

    def work_in_the_console(self) -> None:
        """Search by name, correct a residence, mistype everything."""
        accounts = self.world.places.home / "canaries.json"
        role = {"role": "staff", "service_role": "staff", "service_cities": ["ciudad-a"], "totp_secret": ""}
        staff = {**STAFF, **role}
        accounts.write_text(json.dumps([staff]), encoding="utf-8")
        self.world.manage("integra_service", "integra_demo", str(accounts))
        browser = Browser(self.world.places.service)
        sign_in = "/consola/entrar/"
        wrong = {"username": TYPED_IN_ERRORS["login"], "password": TYPED_IN_ERRORS["password"]}
        browser.post(sign_in, sign_in, **wrong)
        browser.errors.clear()  # the form again, with what was typed
        browser.post(sign_in, sign_in, username=STAFF["username"], password=STAFF["password"])
        found = browser.post("/consola/personas/", "/consola/", query=GRADUATE["confirmed"]).text
        person = re.search(r"/consola/personas/([0-9a-f-]{36})/", found)
        assert person is not None, found
        base = f"/consola/personas/{person.group(1)}/residencia/"
        zone = re.search(r'<option value="(\d+)"', browser.get(base).text)
        assert zone is not None
        fields = {"zone": zone.group(1), "from_on": "2025-03-01", "evidence": "declaracion_propia"}
        browser.post(base, base, **fields)
        page = browser.get(f"/consola/personas/{person.group(1)}/").text
        row = re.search(rf"{base}[0-9a-f-]{{36}}/", page)
        assert row is not None
        browser.post(row.group(), row.group(), **fields, reason=GRADUATE["reason"])
        browser.post("/consola/personas/", "/consola/", query=TYPED_IN_ERRORS["search"])
        for path in (
            f"/consola/personas/{TYPED_IN_ERRORS['path']}/",
            f"/{TYPED_IN_ERRORS['path']}?nombre={TYPED_IN_ERRORS['path']}",
            f"/entrar/{TYPED_IN_ERRORS['path']}",
            f"/c/{TYPED_IN_ERRORS['path']}",
            f"/status/{TYPED_IN_ERRORS['path']}",
            f"/api/v1/certificate-states?after={TYPED_IN_ERRORS['path']}",
        ):
            assert browser.get(path).status_code >= 400, path
        self.session = browser
        self.errors += browser.errors

    def forget(self) -> None:
        """Both are retired: one by the platform's own retirement, one by their source's event."""
        self.classroom_shell(
            "from django.contrib.auth.models import User\nfrom django.db import transaction\n"
            "from django.utils import timezone\nfrom integra_gradebook import api\n"
            f"user = User.objects.get(username={LEARNER['username']!r})\n"
            "with transaction.atomic():\n    api.retire_learner(user.pk, now=timezone.now())\n"
            # The platform's own part of it.
            "    User.objects.filter(pk=user.pk).update(username='retired', first_name='', last_name='', email='')\n"
        )
        self.send([events.LearnerRetired(**self.common.common)], first=1 + self.told_count)
        self.world.manage("integra_aula", "integra_relay", "--once")

    def classroom_shell(self, code: str) -> None:
        self.world.manage("integra_aula", "shell", "--no-imports", "-c", code)

    def graduate_from_the_course(self) -> None:
        told = list(self.common.tell("graduate"))
        self.told_count = len(told)
        self.send(told, first=1)


def make_sheet(word: str) -> dict[str, object]:
    """The cost sheet of module 6, with the word wherever words go."""
    row = {"concepto": word, "monto": "30", "estimado": False}
    texts = (
        "producto",
        "unidad",
        "justificacion",
        "fuente",
        "decision",
        "accion",
        "accion_fecha",
        "accion_indicador",
    )
    values = {
        **dict.fromkeys(texts, word),
        "fijos": [row],
        "variables": [{**row, "monto": "0,10"}],
        "precio": "1,00",
        "dias": "25",
        "ventas_hoy": "30",
        "precio_prueba": "1,10",
    }
    return {"values": values, "self_check": []}


def ask_for_link(learner: LearnerSession) -> str:
    answer = learner.http.post(
        f"{learner.classroom}/api/integra/v1/handover",
        json={"course_key": demo.COURSE_KEY},
        headers={"X-CSRFToken": learner.http.cookies["csrftoken"]},
        timeout=SECONDS,
    )
    assert answer.status_code == 200, answer.text
    return "/entrar/" + str(answer.json()["url"]).rpartition("/entrar/")[2]


def leaks(tables: dict[str, str], words: set[str], own: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the words found in each table, but those in the places that are theirs."""
    found = {name: find(text, words) - own.get(name, set()) for name, text in tables.items()}
    return {name: hits for name, hits in found.items() if hits}


def test_canaries_stay_in_their_own_place_and_are_gone_after_erasure(world: World) -> None:
    story, home = Story(world), world.places.home
    world.start_classroom()
    world.start_service()
    link = story.live_in_the_classroom()
    world.manage("integra_aula", "integra_relay", "--once")
    story.graduate_from_the_course()
    story.confirm(link, LEARNER["confirmed"])
    story.confirm(story.graduate_link(), GRADUATE["confirmed"])
    story.work_in_the_console()

    everything = canaries(LEARNER, GRADUATE, STAFF, TYPED_IN_ERRORS)
    assert len(everything) > 15
    # Each side's own places: the account, what was typed into the sheet; the reason of a correction.
    own_of_classroom = {
        "auth_user": canaries({k: LEARNER[k] for k in ("username", "first_name", "last_name", "email")}),
        "integra_gradebook_submission": canaries({"typed": LEARNER["typed"]}),
        "integra_gradebook_submissiondraft": canaries({"draft": LEARNER["draft"]}),
    }
    own_of_service = {
        "auth_user": canaries({k: STAFF[k] for k in ("username", "name")}),
        "people_residenceepisode": canaries({"reason": GRADUATE["reason"]}),
    }
    classroom, service = dump(home / "aula.sqlite3"), dump(home / "service.sqlite3")
    assert leaks(classroom, everything, own_of_classroom) == {}
    assert leaks(service, everything, own_of_service) == {}
    for tables, own in ((classroom, own_of_classroom), (service, own_of_service)):
        for name, words in own.items():  # the search is not blind
            assert find(tables[name], everything) == words, name
    assert story.errors
    assert [find(error, everything) for error in story.errors if find(error, everything)] == []
    backup = world.manage("integra_service", "integra_backup", str(home / "backups")).split(": ")[0]

    story.forget()

    gone = canaries(LEARNER, GRADUATE)
    assert leaks(dump(home / "aula.sqlite3"), gone, {}) == {}
    assert leaks(dump(home / "service.sqlite3"), gone, {}) == {}
    assert count_names(home / "service.sqlite3") == 0
    restored = home / "restored.sqlite3"
    world.environment["INTEGRA_DATABASE_URL"] = f"sqlite:///{restored}"
    said = world.manage("integra_service", "integra_restore", backup)
    assert "2 of them forgotten again" in said
    assert leaks(dump(restored), gone, {}) == {}
    assert count_names(restored) == 0
    logs = {path.name: path.read_text("utf-8", "replace") for path in home.glob("*.log")}
    assert {"classroom.log", "service.log"} <= set(logs)
    assert {name: find(text, everything) for name, text in logs.items() if find(text, everything)} == {}


def count_names(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        tables = ("people_legalname", "people_nametoken")
        return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)  # noqa: S608 - as above
