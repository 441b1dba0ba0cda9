"""Registers the bridge as a plugin of the LMS and of Studio."""

from django.apps import AppConfig


class BridgeConfig(AppConfig):
    """Outbox, delivery, hand-over and reconciliation on the LMS side.

    Imported while the platform's settings load: no model and nothing heavy may be imported here.
    """

    name = "integra_bridge"
    label = "integra_bridge"
    verbose_name = "INTEGRA · puente"
    default_auto_field = "django.db.models.BigAutoField"

    plugin_app = {
        "url_config": {
            "lms.djangoapp": {
                "namespace": "integra_bridge",
                "regex": r"^api/integra/v1/",
                "relative_path": "urls",
            }
        },
        "settings_config": {
            project: {"production": {"relative_path": "settings.production"}}
            for project in ("lms.djangoapp", "cms.djangoapp")
        },
        "signals_config": {
            "lms.djangoapp": {
                "relative_path": "signals",
                "receivers": [
                    {
                        "receiver_func_name": "on_user_retired",
                        "signal_path": (
                            "openedx.core.djangoapps.user_api.accounts.signals.USER_RETIRE_LMS_MISC"
                        ),
                        "dispatch_uid": "integra_bridge.on_user_retired",
                    }
                ],
            }
        },
    }

    def ready(self) -> None:
        from integra_bridge import signals  # noqa: F401  connects the receivers once the models exist
