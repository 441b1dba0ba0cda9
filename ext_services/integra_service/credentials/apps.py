from django.apps import AppConfig
from django.urls import register_converter

from .converters import TokenConverter


class CredentialsConfig(AppConfig):
    name = "integra_service.credentials"
    label = "credentials"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects; nothing else may import it.
        from . import receivers  # noqa: F401
        from .approvals import read_own_policies

        register_converter(TokenConverter, "credential_token")
        read_own_policies()  # a policy that cannot be read stops the start, not the first learner's certificate
