"""The stand-in's own app: connects plugin receivers as the platform does, and is stricter in one check."""

from django.apps import AppConfig, apps
from django.core import checks
from django.db import models

OURS = ("integra_gradebook", "integra_bridge")


class StandinConfig(AppConfig):
    name = "standin"
    label = "standin"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from edx_django_utils.plugins import connect_plugin_receivers

        connect_plugin_receivers("lms.djangoapp")
        checks.register(mysql_ignores_it)


def mysql_ignores_it(app_configs, **kwargs) -> list[checks.CheckMessage]:
    """Refuse what MySQL and MariaDB only warn about (models.W036 and its sisters) and then do not enforce."""
    found: list[checks.CheckMessage] = []
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            for constraint in model._meta.constraints:
                if isinstance(constraint, models.UniqueConstraint) and _is_more_than_columns(constraint):
                    found.append(
                        checks.Error(
                            f"'{constraint.name}' is silently left out by MySQL (models.W036).",
                            obj=model,
                            id="standin.E036",
                        )
                    )
            for index in model._meta.indexes:
                if index.condition is not None or index.include or index.expressions:
                    found.append(
                        checks.Error(
                            f"'{index.name}' is silently left out by MySQL (models.W037).",
                            obj=model,
                            id="standin.E037",
                        )
                    )
    return found


def _is_more_than_columns(constraint: models.UniqueConstraint) -> bool:
    return bool(
        constraint.condition is not None
        or constraint.expressions
        or constraint.include
        or constraint.deferrable is not None
        or getattr(constraint, "nulls_distinct", None) is not None
    )
