"""``integra_forget_refused SOURCE [--code CODE]``: room for others, once a person has looked at what was refused."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.audit.services import SYSTEM
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.sources import get_source
from integra_service.records.inbox import forget_refused


class Command(BaseCommand):
    help = "Delete the refused events of a source that somebody has looked at; how many is audited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="key of the source")
        parser.add_argument("--code", help="only those refused for this reason")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = get_source(options["source"])
        except RequestError as error:
            raise CommandError(error.message) from error
        count = forget_refused(source, code=options["code"], actor=SYSTEM, now=utc_now())
        self.stdout.write(f"{count} refused events of {source.key} are gone.")
