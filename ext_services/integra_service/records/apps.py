from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "integra_service.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
