from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "integra_service.credentials"
    label = "credentials"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects; nothing else may import it.
        from . import receivers  # noqa: F401
        from .approvals import read_own_policies

        read_own_policies()  # a policy that cannot be read stops the start, not the first learner's certificate
