"""What operators and ``make run`` call."""

import base64
import io
import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.translation.template import templatize

import integra_service
from integra_service.lib.clock import utc_now
from integra_service.lib.models import ThrottleWindow
from integra_service.people.models import (
    City,
    HandoverUse,
    SecretKind,
    Source,
    SourceSecret,
    StaffRole,
    Zone,
)
from integra_service.people.sources import open_secrets

pytestmark = pytest.mark.django_db

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
}
SECRETS = {
    "webhook": "whsec_" + base64.b64encode(bytes(32)).decode(),
    "handover": "h" * 40,
    "pull": "p" * 40,
}
DEMO_SOURCE = {
    "key": "aula-demo",
    "url": "http://localhost:8000",
    "course_key": "course-v1:INTEGRA+CAP40+demo",
    **SECRETS,
}


TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def row(role, username, password, service_role="", *cities, totp_secret=""):
    return {
        "role": role,
        "username": username,
        "password": password,
        "name": username,
        "city": "ciudad-a",
        "service_role": service_role,
        "service_cities": cities,
        "totp_secret": totp_secret,
    }


@pytest.fixture
def accounts(tmp_path):
    path = tmp_path / "accounts.json"
    rows = [
        row("learner", "yelitza", "x"),
        row("staff_city_a", "personal-a", "clave-a", "staff", "ciudad-a"),
        row("staff_city_b", "personal-b", "clave-b", "staff", "ciudad-b"),
        row("officer_a", "oficial-a", "clave-o", "officer", "ciudad-a", totp_secret=TOTP_SECRET),
        row("operator", "operador", "clave-p", "operator", "ciudad-a", "ciudad-b", totp_secret=TOTP_SECRET),
    ]
    path.write_text(json.dumps(rows))
    return path


def count_rows():
    models = (City, Zone, Source, SourceSecret, StaffRole)
    return [model.objects.count() for model in models]


def test_the_demonstration_makes_two_mirrored_cities_and_repeats_harmlessly(settings, accounts, client):
    settings.INTEGRA_DEMO_SOURCE = DEMO_SOURCE
    call_command("integra_demo", accounts)
    once = count_rows()
    call_command("integra_demo", accounts)

    assert count_rows() == once == [2, 6, 1, 3, 5]
    zones = {
        city.key: sorted(zone.key.removeprefix(city.key) for zone in city.zones.all())
        for city in City.objects.all()
    }
    assert zones["ciudad-a"] == zones["ciudad-b"]
    assert client.login(username="personal-a", password="clave-a")
    assert not client.login(username="yelitza", password="x")
    assert open_secrets(Source.objects.get(), SecretKind.PULL) == (SECRETS["pull"],)


def test_the_demonstration_refuses_production(settings, accounts):
    settings.INTEGRA_DEMO = False
    with pytest.raises(CommandError, match="INTEGRA_DEMO"):
        call_command("integra_demo", accounts)
    assert City.objects.count() == 0


def test_the_demonstration_does_not_mix_with_real_cities(settings, accounts):
    City.objects.create(key="quito", name="Quito")
    with pytest.raises(CommandError, match="real cities"):
        call_command("integra_demo", accounts)
    assert City.objects.count() == 1


def register(tmp_path, secrets=SECRETS, url="https://aula.example.org"):
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps(secrets))
    call_command(
        "integra_register_source",
        "aula",
        url=url,
        city=["quito=Quito"],
        zone=["quito:q-sur=Sur"],
        course=["course-v1:UNDP+CAP40+2026"],
        secrets=path,
    )


def test_a_source_is_registered_with_its_secrets_encrypted(tmp_path):
    register(tmp_path)
    register(tmp_path)

    assert count_rows() == [1, 1, 1, 3, 0]
    stored = " ".join(SourceSecret.objects.values_list("ciphertext", flat=True))
    assert not any(secret in stored for secret in SECRETS.values())


@pytest.mark.parametrize(
    ("secrets", "url"),
    [
        ({**SECRETS, "webhook": "whsec_c2hvcnQ="}, "https://aula.example.org"),
        ({**SECRETS, "webhook": "x" * 40}, "https://aula.example.org"),
        ({**SECRETS, "pull": "short"}, "https://aula.example.org"),
        ({"webhook": SECRETS["webhook"]}, "https://aula.example.org"),
        (SECRETS, "ftp://aula.example.org"),
        (SECRETS, "https://user:password@aula.example.org"),
        (SECRETS, "//aula.example.org"),
    ],
)
def test_a_bad_source_is_refused_as_a_whole(tmp_path, secrets, url):
    with pytest.raises(CommandError):
        register(tmp_path, secrets, url)
    assert (Source.objects.count(), SourceSecret.objects.count()) == (0, 0)


def test_outside_the_demonstration_a_source_speaks_https(tmp_path, settings):
    settings.INTEGRA_DEMO = False
    with pytest.raises(CommandError):
        register(tmp_path, url="http://aula.example.org")


def find_texts(folder):
    """Return every text to be translated in an app's code and templates."""
    found = set()
    for path in [*folder.rglob("*.py"), *folder.rglob("*.html")]:
        source = path.read_text(encoding="utf-8")
        code = templatize(source) if path.suffix == ".html" else source
        for _, message, _, _ in extract("python", io.BytesIO(code.encode()), keywords=KEYWORDS):
            found.add(key_of(message))
    return found


def key_of(text):
    return text if isinstance(text, str) else text[0]


@pytest.mark.parametrize("app", ["lib", "people", "web", "credentials", "privacy"])
def test_every_text_of_an_app_is_in_its_spanish_catalogue(app):
    folder = Path(integra_service.__file__).parent / app
    with (folder / "locale/es/LC_MESSAGES/django.po").open("rb") as file:
        written = {key_of(m.id): m.string for m in read_po(file, locale="es") if m.id}
    with (folder / "locale/es/LC_MESSAGES/django.mo").open("rb") as file:
        compiled = {key_of(m.id): m.string for m in read_mo(file) if m.id}

    assert find_texts(folder) == set(written)
    assert {text: how for text, how in written.items() if not how} == {}
    assert {text: key_of(how) for text, how in compiled.items()} == {
        text: key_of(how) for text, how in written.items()
    }


@pytest.mark.django_db
def test_what_only_says_who_was_here_is_forgotten(world):
    """Links that were used, sessions and tries that are over; what still counts stays."""
    now = utc_now()
    world.a.enter(uuid.uuid4())
    HandoverUse.objects.create(
        source=HandoverUse.objects.get().source, jti="long-ago-1", used_at=now - timedelta(days=2)
    )
    for key, age in (("a", timedelta(days=800)), ("b", timedelta(days=300))):
        ThrottleWindow.objects.create(key=key, starts_at=now - age, count=1)
    Session.objects.create(session_key="over", session_data="x", expire_date=now - timedelta(hours=1))
    kept = set(Session.objects.exclude(session_key="over").values_list("session_key", flat=True))

    call_command("integra_work")

    assert HandoverUse.objects.exclude(jti="long-ago-1").count() == HandoverUse.objects.count() == 1
    assert list(ThrottleWindow.objects.filter(key__in="ab").values_list("key", flat=True)) == ["b"]
    assert set(Session.objects.values_list("session_key", flat=True)) == kept != set()
