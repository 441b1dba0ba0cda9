"""The gradebook's two settings: where learners without a place are put."""

from __future__ import annotations

from django.conf import settings

# Right for an operator with one city and one open cohort; others set their own.
DEFAULT_COHORT = "abierta"
DEFAULT_CITY = "sin-ciudad"


def get_default_cohort() -> str:
    return str(getattr(settings, "INTEGRA_DEFAULT_COHORT", DEFAULT_COHORT))


def get_default_city() -> str:
    return str(getattr(settings, "INTEGRA_DEFAULT_CITY", DEFAULT_CITY))
