"""``integra_distrust SOURCE --since MOMENT``: suspend what rests on a source that is no longer believed."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.audit.services import SYSTEM
from integra_service.credentials.distrust import distrust_source, lift_distrust
from integra_service.credentials.states import get_page_url
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.sources import get_source


def read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no moment such as 2026-11-01T00:00:00Z") from error
    if moment.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} does not say its time zone; Z at the end means UTC")
    return moment


class Command(BaseCommand):
    help = (
        "Suspend every credential that rests on something the source sent since the moment, list them, and issue "
        "nothing over its events until --lift. Repeatable."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--since", type=read_moment, metavar="MOMENT")
        what.add_argument("--lift", action="store_true", help="believe the source again")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = get_source(options["source"])
            if options["lift"]:
                count = lift_distrust(source, by=SYSTEM, now=utc_now())
                self.stdout.write(f"{count} credentials count again.")
                return
            resting = distrust_source(source, options["since"], by=SYSTEM, now=utc_now())
        except RequestError as error:
            raise CommandError(error.message) from error
        for credential in resting:
            self.stdout.write(
                f"{credential.state:10} {credential.achievement_key:16} {get_page_url(credential)}"
            )
        self.stdout.write(f"{len(resting)} credentials rest on what {source.key} sent since then.")
