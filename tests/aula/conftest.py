"""The embedded classroom over a freshly compiled course, on SQLite as in ``make run``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aula_environment import COURSE_KEY, HOME

ROOT = Path(__file__).resolve().parents[2]


def pytest_configure() -> None:
    """Compile the course before Django reads where it is."""
    command = [sys.executable, "-m", "integra_course", "build", "--output", str(HOME / "build")]
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
