"""The embedded classroom over a freshly compiled course, on SQLite as in ``make run``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="integra-aula-test-"))
COURSE_KEY = "course-v1:INTEGRA+CAP40+demo"

os.environ |= {
    "INTEGRA_DEMO": "1",
    "INTEGRA_HOME": str(HOME),
    "INTEGRA_BUILD": str(HOME / "build"),
    "INTEGRA_COURSE_KEY": COURSE_KEY,
    "INTEGRA_AULA_SECRET_KEY": "only-for-tests-" * 3,
    "INTEGRA_DEFAULT_COHORT": "cohorte-a",
    "INTEGRA_DEFAULT_CITY": "ciudad-a",
    "INTEGRA_SOURCE": "aula-demo",
    "INTEGRA_SERVICE_URL": "http://localhost:8001",
    "INTEGRA_WEBHOOK_SECRET": "whsec_b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHM=",
    "INTEGRA_HANDOVER_SECRET": "only-for-tests-only-for-tests-only-for-tests",
    "INTEGRA_PULL_SECRET": "only-for-tests-too-only-for-tests-too-only",
    "DJANGO_SETTINGS_MODULE": "integra_aula.settings",
}


def pytest_configure() -> None:
    """Compile the course before Django reads where it is."""
    command = [sys.executable, "-m", "integra_course.cli", "build", "--output", str(HOME / "build")]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


@pytest.fixture
def manifest() -> dict:
    return json.loads((HOME / "build" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def learner(transactional_db, manifest):
    """A learner with a place in the run, as the demonstration makes them."""
    from django.contrib.auth.models import User

    from integra_gradebook import api

    api.register_course(COURSE_KEY, manifest)
    return User.objects.create_user("yelitza", password="una-clave-larga", first_name="Yelitza")
