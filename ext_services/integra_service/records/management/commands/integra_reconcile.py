"""``integra_reconcile [SOURCE …]``: compare with the sources' outboxes; nightly, and on demand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.audit.services import SYSTEM
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import Source
from integra_service.people.sources import get_source
from integra_service.records.reconcile import carry_out, request_comparison


class Command(BaseCommand):
    help = "Read the outbox of each source, store what never arrived, report what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sources", nargs="*", metavar="SOURCE", help="all active ones by default")
        parser.add_argument("--after", type=int, default=0, metavar="POSITION")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            named = [get_source(key) for key in options["sources"]]
        except RequestError as error:
            raise CommandError(error.message) from error
        sources = named or Source.objects.filter(is_active=True).order_by("key")
        if not sources:
            self.stdout.write("There is no active source to compare with.")
        failed = [source.key for source in sources if not self.compare(source, options["after"])]
        if failed:
            raise CommandError(f"Not compared: {', '.join(failed)}.")

    def compare(self, source: Source, after: int) -> bool:
        report = carry_out(request_comparison(source, actor=SYSTEM, now=utc_now(), after=after))
        if report.error:
            self.stderr.write(f"{source.key}: broke off with {report.error} after {report.read_count} events")
            return False
        self.stdout.write(
            f"{source.key}: {report.read_count} read, {report.missing_count} were missing, "
            f"{report.different_count} differ, {report.refused_count} refused"
        )
        return True
