"""Django application of the embedded classroom."""

from __future__ import annotations

from django.apps import AppConfig


class AulaConfig(AppConfig):
    """The classroom has templates, static files and commands; no models."""

    name = "integra_aula"
    verbose_name = "Aula INTEGRA"
