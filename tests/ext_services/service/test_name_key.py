"""A rotation of INTEGRA_NAME_KEY comes to its end: nothing stored needs the older key any more, and all still opens."""

import base64
import io
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from service_support import NOW, give_factor
from test_learner_pages import NAME, OTHER, Holder

import integra_service
from integra_service.audit.models import AuditEntry
from integra_service.credentials.issuer import get_issuer
from integra_service.credentials.keys import get_signing_method
from integra_service.credentials.models import KeyAlgorithm, SigningKey
from integra_service.lib import encryption
from integra_service.lib.errors import RequestError
from integra_service.people import factors, names
from integra_service.people.models import (
    LegalName,
    NameToken,
    Person,
    SecondFactor,
    SecretKind,
    Source,
    SourceSecret,
)
from integra_service.people.names import TOKEN_CONTEXT, confirmed_name
from integra_service.people.services import confirm_name
from integra_service.people.sources import add_secret, open_secrets, retire_old_secrets
from integra_service.upkeep.backups import BackupError, restore_backup, take_backup
from integra_service.upkeep.name_key import COLUMNS

NEW = b"a-newer-key-of-names-of-32-bytes"
PACKAGE = Path(integra_service.__file__).parent
# Who calls lib.encryption to store something. One more: its column belongs into upkeep/name_key.py, and its row into
# ``filled``; what is not stored for longer than a session is named here as such.
WRITERS = {
    "people/names.py": "legal names and the digests that find them",
    "people/sources.py": "secrets of sources and the digests that find them",
    "people/factors.py": "second factors",
    "credentials/keys.py": "signing keys",
    "web/console/second_factor.py": "a secret being shown, in the session of who enrols it: begins again",
    "web/learner/my_name.py": "a name typed and not confirmed, in the session of who typed it: is asked for again",
}


@pytest.fixture
def holder(committed_world):
    return Holder(committed_world)


@pytest.fixture
def filled(holder):
    """At least one row in every encrypted column."""
    give_factor("operadora-a")
    for column in COLUMNS:
        assert column.all_rows().exists(), column.name
    return holder


def rotate():
    out = io.StringIO()
    call_command("integra_rotate_name_key", stdout=out)
    return out.getvalue()


@pytest.fixture
def rotating(filled, settings):
    (old,) = settings.INTEGRA_NAME_KEYS
    settings.INTEGRA_NAME_KEYS = (NEW, old)
    return filled


def find_tokens():
    """Return table, column and key of every token anywhere in the database, whatever this test knows of it."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, str) and (token := re.match(r"1\.([0-9a-f]{8})\.", value)):
                        found.add((table, column, token[1]))
    return found


def test_everything_that_is_encrypted_ends_under_the_newer_key(rotating, settings):
    _new, old = settings.INTEGRA_NAME_KEYS
    places = {(column.model._meta.db_table, column.field) for column in COLUMNS}
    assert find_tokens() == {(*place, encryption.key_id(old)) for place in places}

    said = rotate()

    assert "names: 1 encrypted anew, 0 left under an older key" in said
    assert "0 left under an older key: remove it from INTEGRA_NAME_KEY" in said
    assert find_tokens() == {(*place, encryption.key_id(NEW)) for place in places}
    settings.INTEGRA_NAME_KEYS = (NEW,)
    assert confirmed_name(rotating.person) == NAME
    word = NAME.split()[0].lower()
    digest = encryption.blind_index(word, context=TOKEN_CONTEXT)
    assert NameToken.objects.filter(name__person=rotating.person, digest=digest).exists()
    assert NameToken.objects.count() == len(NAME.split())
    for source in Source.objects.all():
        for kind in SecretKind:
            (secret,) = open_secrets(source, kind)
            add_secret(source, kind, secret, NOW)  # found again: it is not stored twice
            assert open_secrets(source, kind) == (secret,)
    for factor in SecondFactor.objects.all():
        assert factors.open_secret(factor)
    for algorithm in KeyAlgorithm:
        get_signing_method(get_issuer(), algorithm)
    assert "names: 0 encrypted anew" in rotate()
    assert AuditEntry.objects.filter(action="name_key.rotated").count() == len(COLUMNS)


def test_a_new_place_that_encrypts_is_a_column_of_the_rotation():
    calls = re.compile(r"encryption\.(encrypt|encrypt_text|blind_index|blind_indexes)\(")
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if calls.search(path.read_text(encoding="utf-8"))
    }
    assert found - {"people/access.py"} == set(WRITERS)  # which only searches


def test_a_name_that_is_changed_meanwhile_stays_as_it_was_changed(rotating):
    row = LegalName.objects.select_related("person").get()
    confirm_name(rotating.person, OTHER, actor="self", now=NOW)
    assert names.encrypt_name_anew(row) is False
    assert confirmed_name(rotating.person) == OTHER


def test_the_name_of_somebody_who_is_being_erased_is_left_to_the_erasure(rotating):
    row = LegalName.objects.select_related("person").get()
    type(row.person).objects.for_system().filter(pk=row.person_id).update(erased_at=NOW)
    assert names.encrypt_name_anew(row) is False
    with pytest.raises(CommandError, match="1 left under an older key"):
        rotate()


def test_a_secret_retired_under_the_older_key_does_not_come_back_under_the_newer(rotating):
    source = Source.objects.get(key="aula-a")
    add_secret(source, SecretKind.PULL, "p" * 40, NOW)
    (former,) = SourceSecret.objects.filter(source=source, kind=SecretKind.PULL).order_by("pk")[:1]
    text = open_secrets(source, SecretKind.PULL)[1]
    retire_old_secrets(source, NOW)
    with pytest.raises(RequestError, match="retired"):
        add_secret(source, SecretKind.PULL, text, NOW)
    rotate()
    former.refresh_from_db()
    assert former.retired_at is not None
    with pytest.raises(RequestError, match="retired"):
        add_secret(source, SecretKind.PULL, text, NOW)


def test_a_secret_that_was_stored_under_both_keys_ends_under_the_newer(rotating):
    """As an earlier version did when a source was registered again in the middle of a rotation."""
    row = SourceSecret.objects.filter(kind=SecretKind.PULL).select_related("source").first()
    (text,) = open_secrets(row.source, SecretKind.PULL)
    context = f"people.source_secret:{row.source.key}:pull"
    twin = SourceSecret(source=row.source, kind=row.kind, created_at=NOW)
    twin.ciphertext = encryption.encrypt_text(text, context=context)
    twin.fingerprint = encryption.blind_index(text, context=context)
    twin.save()
    assert "source secrets: 6 encrypted anew, 0 left" in rotate()
    assert open_secrets(row.source, SecretKind.PULL) == (text, text)


def test_what_no_configured_key_opens_is_counted_and_stops_nothing_else(rotating, settings):
    settings.INTEGRA_NAME_KEYS = (b"x" * 32,)
    row = SigningKey.objects.first()
    lost = encryption.encrypt(b"lost", context="elsewhere")
    SigningKey.objects.filter(pk=row.pk).update(private_key=lost)
    settings.INTEGRA_NAME_KEYS = (NEW, b"name-key-for-tests-only-32-bytes")
    with pytest.raises(CommandError, match="1 left under an older key"):
        rotate()
    assert {column.name: column.list_old().count() for column in COLUMNS}["names"] == 0


def test_a_backup_made_in_the_middle_wants_both_keys(rotating, settings, tmp_path, monkeypatch):
    settings.INTEGRA_ERASURES = tmp_path / "erasures"
    _new, old = settings.INTEGRA_NAME_KEYS
    row = LegalName.objects.select_related("person").get()
    assert names.encrypt_name_anew(row)
    middle = take_backup(tmp_path, NOW)
    rotate()
    end = take_backup(tmp_path / "end", NOW)
    for keys in ((NEW,), (old,)):
        settings.INTEGRA_NAME_KEYS = keys
        with pytest.raises(BackupError, match="lacks 1 of 2 keys"):
            restore_backup(middle)
    settings.INTEGRA_NAME_KEYS = (NEW,)
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(end)


def test_killed_in_the_middle_it_goes_on(process_database, holder, settings):
    """Two hundred names more, a process that is killed, and another one after it."""

    for number in range(200):
        person = Person.objects.create(city_id=holder.person.city_id, created_at=NOW)
        confirm_name(person, f"Persona Inventada {number}", actor="self", now=NOW)
    (old,) = settings.INTEGRA_NAME_KEYS
    keys = ",".join(base64.b64encode(key).decode() for key in (NEW, old))
    environment = {**process_database, "INTEGRA_NAME_KEY": keys}
    command = [sys.executable, "-m", "integra_service", "integra_rotate_name_key"]
    settings.INTEGRA_NAME_KEYS = (NEW, old)
    names_column = COLUMNS[0]
    total = LegalName.objects.count()
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while names_column.list_old().count() == total and time.monotonic() < deadline:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert 0 < names_column.list_old().count() < total

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 left under an older key: remove it" in done.stdout
    settings.INTEGRA_NAME_KEYS = (NEW,)
    people = [row.person for row in LegalName.objects.select_related("person")]
    assert f"Persona Inventada {199}" in names.confirmed_names(people).values()
