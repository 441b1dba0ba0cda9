"""``integra_issuer``: prepare the issuer, or say why it cannot start; finish what a stopped process left."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.credentials.services import complete_intents, ensure_issuer
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError


class Command(BaseCommand):
    help = "Make the issuer with its key at the first start; refuse another address once something is signed."

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        try:
            issuer = ensure_issuer(now)
            completed = complete_intents(now)
        except ServiceError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Issuer {issuer.did}; {completed} begun credentials completed.")
