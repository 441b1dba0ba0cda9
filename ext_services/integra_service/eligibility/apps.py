from django.apps import AppConfig


class EligibilityConfig(AppConfig):
    name = "integra_service.eligibility"
    label = "eligibility"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 - connects them
