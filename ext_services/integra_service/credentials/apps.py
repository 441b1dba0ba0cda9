from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "integra_service.credentials"
    label = "credentials"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects; nothing else may import it.
        from . import receivers  # noqa: F401
