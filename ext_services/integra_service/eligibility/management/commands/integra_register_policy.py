"""``integra_register_policy FILE --city KEY``: publish one version of a city's policy; ``--withdraw CODE`` ends one."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integra_service.eligibility.services import register_policy, withdraw_policy
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import City

EXAMPLE = Path(__file__).resolve().parents[2] / "policies" / "policy-demo.yaml"


class Command(BaseCommand):
    help = (
        "Publish a policy for a city, or withdraw one: nobody can apply to it any more, and applications already made "
        "keep their version. Repeatable; a published version never changes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="only the demonstration has one by default")
        parser.add_argument("--city", required=True, action="append", help="key of a city; repeatable")
        parser.add_argument("--withdraw", metavar="CODE", help="codigo of the policy; all of its versions")

    def handle(self, *args: Any, **options: Any) -> None:
        path, code = options["file"], options["withdraw"]
        if path is not None and code is not None:
            raise CommandError("Either a file is published or a policy withdrawn, not both.")
        raw = b"" if code is not None else read_file(path)
        try:
            for city in [find_city(key) for key in options["city"]]:  # a wrong key stops it before the first
                said = publish(city, raw, path or EXAMPLE) if code is None else withdraw(city, code)
                self.stdout.write(said)
        except RequestError as error:
            raise CommandError(error.message) from error


def publish(city: City, raw: bytes, path: Path) -> str:
    row = register_policy(city, raw, path.name, now=utc_now())
    return f"{row.code} version {row.version} is published for {city.key}."


def withdraw(city: City, code: str) -> str:
    versions = withdraw_policy(city, code, now=utc_now())
    if not versions:
        return f"{code} had been withdrawn from {city.key} before."
    numbers = ", ".join(map(str, versions))
    return f"{code} is withdrawn from {city.key} (version {numbers}); applications made to it go on."


def read_file(path: Path | None) -> bytes:
    if path is None and not settings.INTEGRA_DEMO:
        raise CommandError(f"Name the policy's file. An example to copy and change is {EXAMPLE}.")
    try:
        return (path or EXAMPLE).read_bytes()
    except FileNotFoundError as error:
        raise CommandError(f"There is no file {path}.") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def find_city(key: str) -> City:
    city = City.objects.filter(key=key).first()
    if city is None:
        raise CommandError(f"There is no city {key!r}.")
    return city
