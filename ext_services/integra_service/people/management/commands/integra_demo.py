"""``integra_demo ACCOUNTS.json``: two invented cities, their staff, and the demonstration's own classroom."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.demo import CITIES, StaffAccount, make_places, make_staff
from integra_service.people.models import City, Role
from integra_service.people.registering import register_source
from integra_service.people.sources import SourceSecrets


class Command(BaseCommand):
    help = "Make the demonstration's places, staff and source. Repeatable; refuses outside the demonstration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "accounts", type=Path, nargs="?", help="JSON list of accounts, as make run writes it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.INTEGRA_DEMO:
            raise CommandError("integra_demo only runs with INTEGRA_DEMO=1.")
        if City.objects.filter(is_demo=False).exists():
            raise CommandError("This database holds real cities; the demonstration does not mix with them.")
        make_places()
        if options["accounts"] is not None:
            make_staff(read_accounts(options["accounts"]), now=utc_now())
        if settings.INTEGRA_DEMO_SOURCE["key"]:
            register_classroom()
        self.stdout.write("The demonstration's places are ready.")


def read_accounts(path: Path) -> list[StaffAccount]:
    """Return the accounts of the console; those of the classroom are not ours."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [
            StaffAccount(
                row["username"],
                row["password"],
                row["name"],
                Role[row["service_role"].upper()],
                tuple(row["service_cities"]),
                row["totp_secret"],
            )
            for row in rows
            if row["service_role"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} is not a list of accounts: {error}") from error


def register_classroom() -> None:
    source = settings.INTEGRA_DEMO_SOURCE
    try:
        register_source(
            key=source["key"],
            name="Aula de la demostración",
            url=source["url"],
            city_keys=[key for key, _ in CITIES],
            course_keys=[source["course_key"]],
            secrets=SourceSecrets(source["webhook"], source["handover"], source["pull"]),
            now=utc_now(),
            is_demo=True,
        )
    except RequestError as error:
        raise CommandError(error.message) from error
