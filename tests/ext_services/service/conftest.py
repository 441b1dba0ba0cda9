"""Environment of the service's settings for this folder's own pytest run: ``pytest tests/ext_services/service``
(without ``--ds``, which would read the settings before this file). ``INTEGRA_DATABASE_URL`` picks a server
database; absent: SQLite."""

import base64
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import django
import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings

HOME = tempfile.mkdtemp(prefix="integra-service-test-")
os.environ["INTEGRA_DEMO"] = "1"
os.environ["INTEGRA_HOME"] = HOME
os.environ["INTEGRA_ACHIEVEMENTS"] = str(Path(__file__).parent / "achievements")
os.environ["INTEGRA_ISSUER_URL"] = "http://localhost:8001"
os.environ["INTEGRA_SECRET_KEY"] = "only-for-tests-" * 3
os.environ["INTEGRA_NAME_KEY"] = base64.urlsafe_b64encode(b"name-key-for-tests-only-32-bytes").decode()
os.environ["INTEGRA_ALLOWED_HOSTS"] = "localhost,testserver"
os.environ["DJANGO_SETTINGS_MODULE"] = "integra_service.settings"
sys.path.insert(0, str(Path(__file__).parent))
django.setup()
# Slow on purpose in production; five accounts per test would be most of the run.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# On a busy machine one example in a thousand is slow; that says nothing about the code.
hypothesis_settings.register_profile("service", deadline=None)
hypothesis_settings.load_profile("service")


@pytest.fixture
def world(db):
    """Two mirrored cities, each with its own classroom, staff and rules registered."""
    from service_support import make_world

    return make_world()


@pytest.fixture
def committed_world(transactional_db):
    """The same on a database where transactions really commit."""
    from service_support import make_world

    return make_world()


@pytest.fixture
def client():
    from service_support import Phone

    return Phone()


@pytest.fixture(autouse=True)
def fresh_readiness(monkeypatch):
    """``/readyz`` looks again each time it is asked, as if five seconds had passed."""
    from integra_service.web.api import system

    monkeypatch.setattr(system.readiness, "seconds", 0)


@pytest.fixture
def process_database(transactional_db: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment for other processes, which then work on the very database this test sees."""
    from django.db import connection

    values = connection.settings_dict
    if connection.vendor == "sqlite":
        yield from _share_sqlite_file(tmp_path / "shared.sqlite3")
        return
    user, password = quote(values["USER"], safe=""), quote(values["PASSWORD"], safe="")
    place = f"{user}:{password}@{quote(values['HOST'], safe='')}:{values['PORT']}"
    yield {**os.environ, "INTEGRA_DATABASE_URL": f"postgresql://{place}/{values['NAME']}"}


def _share_sqlite_file(path: Path) -> Iterator[dict[str, str]]:
    """Move this thread's connection from the in-memory test database to a file, and back."""
    from django.core.management import call_command
    from django.db import connection

    name = connection.settings_dict["NAME"]
    kept, connection.connection = connection.connection, None
    connection.settings_dict["NAME"] = str(path)
    try:
        call_command("migrate", verbosity=0)
        yield {**os.environ, "INTEGRA_DATABASE_URL": f"sqlite:///{path}"}
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
        connection.connection = kept
