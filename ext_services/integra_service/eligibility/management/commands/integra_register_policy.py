"""``integra_register_policy FILE --city KEY``: publish one version of a city's policy."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.eligibility.services import register_policy
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import City

DEMO_POLICY = Path(__file__).resolve().parents[2] / "policies" / "policy-demo.yaml"


class Command(BaseCommand):
    help = "Publish a policy for a city. Repeatable; a published version never changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", default=DEMO_POLICY, help="default: the demonstration's"
        )
        parser.add_argument("--city", required=True, action="append", help="key of a city; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        for key in options["city"]:
            city = City.objects.filter(key=key).first()
            if city is None:
                raise CommandError(f"There is no city {key!r}.")
            try:
                raw = options["file"].read_bytes()
                row = register_policy(city, raw, options["file"].name, now=utc_now())
            except (OSError, RequestError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{row.code} version {row.version} is published for {city.key}.")
