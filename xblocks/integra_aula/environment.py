"""What the classroom takes from the process environment, read strictly and once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Environment:
    """The classroom's configuration; every value comes from ``INTEGRA_*`` variables."""

    home: Path
    """Folder of all data."""
    build: Path
    """Folder with ``olx/course`` and ``manifest.json``, as ``integra-course build`` writes it."""
    secret_key: str
    course_key: str


def read_environment() -> Environment:
    """Return the configuration, or raise ImproperlyConfigured naming the variable at fault."""
    if os.environ.get("INTEGRA_DEMO") != "1":
        raise ImproperlyConfigured(
            "The embedded classroom is a demonstration and starts only with INTEGRA_DEMO=1. "
            "In production the blocks run in Open edX."
        )
    secret_key = _required("INTEGRA_AULA_SECRET_KEY")
    if len(secret_key) < 32:
        raise ImproperlyConfigured("INTEGRA_AULA_SECRET_KEY needs at least 32 characters.")
    return Environment(
        home=Path(_required("INTEGRA_HOME")),
        build=Path(_required("INTEGRA_BUILD")),
        secret_key=secret_key,
        course_key=os.environ.get("INTEGRA_COURSE_KEY", "course-v1:INTEGRA+CAP40+demo"),
    )


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set.")
    return value
