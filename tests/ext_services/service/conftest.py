"""Environment of the service's settings for this folder's own pytest run: ``pytest tests/ext_services/service``
(without ``--ds``, which would read the settings before this file). ``INTEGRA_DATABASE_URL`` picks a server
database; absent: SQLite."""

import base64
import os
import sys
import tempfile
from pathlib import Path

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
