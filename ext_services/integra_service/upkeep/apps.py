from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    name = "integra_service.upkeep"
    label = "upkeep"
    default_auto_field = "django.db.models.BigAutoField"
