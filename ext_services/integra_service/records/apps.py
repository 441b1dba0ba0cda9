from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "integra_service.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 - connects the receivers once the models are there
