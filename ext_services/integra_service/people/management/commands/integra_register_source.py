"""``integra_register_source``: an LMS, what it may speak of, and its three secrets (from a file)."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import City, Zone
from integra_service.people.sources import SourceSecrets, find_source, register_source, retire_old_secrets


class Command(BaseCommand):
    help = (
        "Register or update a source. Secrets come from a JSON file with the members webhook, handover and pull, "
        "never from the command line, where others could read them. A new secret is added beside the old one; "
        "--retire-old-secrets ends the overlap."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--name", default="")
        parser.add_argument("--url", default="")
        parser.add_argument("--city", action="append", default=[], metavar="KEY=NAME", help="repeatable")
        parser.add_argument(
            "--zone", action="append", default=[], metavar="CITY:KEY=NAME", help="repeatable; zones of a city"
        )
        parser.add_argument("--course", action="append", default=[], metavar="COURSE_KEY", help="repeatable")
        parser.add_argument("--secrets", type=Path, metavar="FILE.json")
        parser.add_argument("--retire-old-secrets", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retire_old_secrets"]:
            source = find_source(options["key"])
            if source is None:
                raise CommandError(f"There is no source {options['key']!r}.")
            count = retire_old_secrets(source, utc_now())
            self.stdout.write(f"{count} old secrets retired.")
            return
        if not options["secrets"] or not options["url"] or not options["city"] or not options["course"]:
            raise CommandError("--url, --city, --course and --secrets are needed.")
        city_keys = [make_city(text) for text in options["city"]]
        for text in options["zone"]:
            make_zone(text)
        try:
            register_source(
                key=options["key"],
                name=options["name"] or options["key"],
                url=options["url"],
                city_keys=city_keys,
                course_keys=options["course"],
                secrets=read_secrets(options["secrets"]),
                now=utc_now(),
            )
        except RequestError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Source {options['key']} is registered.")


def make_city(text: str) -> str:
    key, _, name = text.partition("=")
    city, _ = City.objects.get_or_create(key=key, defaults={"name": name or key})
    return city.key


def make_zone(text: str) -> None:
    city_key, _, rest = text.partition(":")
    key, _, name = rest.partition("=")
    city = City.objects.filter(key=city_key).first()
    if city is None or not key:
        raise CommandError(f"--zone {text!r}: the form is CITY:KEY=NAME, with a city named by --city.")
    Zone.objects.get_or_create(city=city, key=key, defaults={"name": name or key})


def read_secrets(path: Path) -> SourceSecrets:
    try:
        return SourceSecrets(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"{path}: members webhook, handover and pull are expected.") from error
