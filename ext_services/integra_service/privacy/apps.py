from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "integra_service.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 - connects them
