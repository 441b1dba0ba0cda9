"""``integra_check [SOURCE …]``: recompute what was decided and report what does not agree; nightly, and on demand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.credentials.checking import check_evidence
from integra_service.lib.errors import RequestError
from integra_service.people.models import Source
from integra_service.people.sources import get_source
from integra_service.records.checking import check_standings

# Each takes a source, keeps a report and returns it.
CHECKS = (check_standings, check_evidence)


class Command(BaseCommand):
    help = (
        "Recompute standings, and what certificates rest on. Keeps a report and findings, changes nothing else; fails "
        "on a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "sources", nargs="*", metavar="SOURCE", help="all active ones by default, but for invented ones"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            named = [get_source(key) for key in options["sources"]]
        except RequestError as error:
            raise CommandError(error.message) from error
        sources = named or Source.objects.filter(is_active=True, is_demo=False).order_by("key")
        if not sources:
            self.stdout.write("There is no active source to check.")
        reports = [check(source) for source in sources for check in CHECKS]
        for report in reports:
            self.stdout.write(
                f"{report.source.key}, {report.kind}: {report.checked_count} checked, "
                f"{report.skipped_count} left out, {report.difference_count} differ"
            )
        if any(report.difference_count for report in reports):
            raise CommandError("What was decided and what is stored do not agree; the console names what.")
