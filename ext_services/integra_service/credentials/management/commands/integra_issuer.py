"""``integra_issuer``: prepare the issuer, or say why it cannot start; finish what is unfinished."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.credentials.services import complete_forms, complete_intents, ensure_issuer
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Make the issuer with its keys at the first start; refuse another address once something is signed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        try:
            issuer = ensure_issuer(now)
            completed = complete_intents(now)
            added = complete_forms(issuer, now)
        except ServiceError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"Issuer {issuer.did}; {completed} begun credentials completed, {added} given their JWTs."
        )
