from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "integra_service.lib"
    label = "lib"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from integra_service import celery  # noqa: F401 - tasks find their app once the settings are there
