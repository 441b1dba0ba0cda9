"""``integra_issuer [--rename]``: prepare the issuer, or say why it cannot start; finish what is unfinished."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.credentials.services import complete_forms, complete_intents, ensure_issuer, name_issuer
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Make the issuer with its keys at the first start. Until something is signed it takes another address and "
        "another name; afterwards it refuses both, but for a name with --rename."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rename",
            action="store_true",
            help="documents signed from now on bear INTEGRA_ISSUER_NAME; those signed before keep their name",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        try:
            issuer = ensure_issuer(now)
            is_renamed = name_issuer(issuer, now, is_rename=options["rename"])
            completed = complete_intents(now)
            added = complete_forms(issuer, now)
        except ServiceError as error:
            raise CommandError(error.message) from error
        if is_renamed:
            self.stdout.write("The issuer has another name from now on.")
        self.stdout.write(
            f"Issuer {issuer.name!r}, {issuer.did}; {completed} begun credentials completed, {added} given their JWTs."
        )
