"""``integra_register_source``: an LMS, what it may speak of, its secrets (from a file), and whether it is on."""

import base64
import json
import secrets
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.models import SecretKind, SourceSecret
from integra_service.people.places import ensure_city, ensure_zone
from integra_service.people.registering import (
    Difference,
    Registered,
    register_source,
    switch_source,
)
from integra_service.people.sources import SourceSecrets

SECRET_BYTES = 32
LMS_SETTINGS = {
    SecretKind.WEBHOOK: "INTEGRA_WEBHOOK_SECRET",
    SecretKind.HANDOVER: "INTEGRA_HANDOVER_SECRET",
    SecretKind.PULL: "INTEGRA_PULL_SECRET",
}
CHANGES = (
    "name",
    "url",
    "city",
    "zone",
    "course",
    "remove_city",
    "remove_course",
    "secrets",
    "retire_old_secrets",
    "deactivate",
    "activate",
)
FINGERPRINT_SHOWN = 8  # as on the console's page


class Command(BaseCommand):
    help = (
        "Register a source or change one; what is left out stays as it is, and with KEY alone nothing changes and "
        "everything is printed. Secrets come from a JSON file with the members webhook, handover and pull, never from "
        "the command line, where others could read them. A new secret is added beside the old one; "
        "--retire-old-secrets ends the overlap, also in the same call."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--name", default="")
        parser.add_argument("--url", default="")
        parser.add_argument(
            "--city", action="append", default=[], metavar="KEY=NAME", help="add a city; repeatable"
        )
        parser.add_argument(
            "--zone", action="append", default=[], metavar="CITY:KEY=NAME", help="repeatable; zones of a city"
        )
        parser.add_argument(
            "--course", action="append", default=[], metavar="COURSE_KEY", help="add a course; repeatable"
        )
        parser.add_argument("--remove-city", action="append", default=[], metavar="KEY", help="repeatable")
        parser.add_argument(
            "--remove-course", action="append", default=[], metavar="COURSE_KEY", help="repeatable"
        )
        parser.add_argument("--secrets", type=Path, metavar="FILE.json")
        parser.add_argument("--retire-old-secrets", action="store_true")
        parser.add_argument(
            "--make-secrets", type=Path, metavar="FILE.json", help="write three new secrets, and nothing else"
        )
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument(
            "--deactivate",
            action="store_true",
            help="refuse its events, leave it out of alarms and nightly commands",
        )
        switch.add_argument("--activate", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make_secrets"] is not None:
            if any(options[name] for name in CHANGES):
                raise CommandError("--make-secrets only writes the file: register it in a second call.")
            self.make_secrets(options["key"], options["make_secrets"])
            return
        now = utc_now()
        shared = read_secrets(options["secrets"]) if options["secrets"] is not None else None
        try:
            with transaction.atomic():
                city_keys = [ensure_city(*read_place(text)).key for text in options["city"]]
                for text in options["zone"]:
                    ensure_zone(*read_zone(text))
                registered = register_source(
                    key=options["key"],
                    name=options["name"],
                    url=options["url"],
                    city_keys=city_keys,
                    course_keys=options["course"],
                    removed_city_keys=options["remove_city"],
                    removed_course_keys=options["remove_course"],
                    secrets=shared,
                    retires_old_secrets=options["retire_old_secrets"],
                    now=now,
                )
                if options["activate"] or options["deactivate"]:
                    switch_source(options["key"], is_active=options["activate"], now=now)
        except RequestError as error:
            raise CommandError(error.message) from error
        for line in describe(registered, now):
            self.stdout.write(line)

    def make_secrets(self, key: str, path: Path) -> None:
        made = {
            SecretKind.WEBHOOK: "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
            SecretKind.HANDOVER: secrets.token_urlsafe(SECRET_BYTES),
            SecretKind.PULL: secrets.token_urlsafe(SECRET_BYTES),
        }
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        except FileExistsError as error:
            raise CommandError(f"{path} exists; it is not written over.") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(
            f"{path} holds three new secrets, for your account alone to read. In the LMS's settings:"
        )
        for kind, setting in LMS_SETTINGS.items():
            self.stdout.write(f"  {setting:24} the member {kind.value}")
        self.stdout.write(f"Here: integra_register_source {key} --secrets {path}")


def describe(registered: Registered, now: datetime) -> Iterator[str]:
    """Yield what the operator should know of the source as it is now, and what changed."""
    source = registered.source
    source.refresh_from_db()
    yield f"Source {source.key} is {'registered' if registered.is_new else 'as follows'}."
    for field in ("name", "url"):
        is_changed = field in registered.changed_fields
        yield f"{field}: {getattr(source, field)}{' (changed)' if is_changed else ''}"
    yield f"cities: {describe_difference(registered.cities)}"
    yield f"courses: {describe_difference(registered.courses)}"
    yield "state: " + ("active" if source.is_active else "switched off; its events are refused")
    active = source.secrets.filter(retired_at=None).order_by("-created_at", "-pk")
    for kind in SecretKind:
        of_kind = [describe_secret(secret, now) for secret in active if secret.kind == kind]
        yield f"active secrets, {kind.value}: {len(of_kind)} ({'; '.join(of_kind)})"
    if registered.retired_secret_count:
        yield f"{registered.retired_secret_count} old secrets retired: they are refused from now on."


def describe_difference(difference: Difference) -> str:
    changes = [f"+{key}" for key in difference.added] + [f"-{key}" for key in difference.removed]
    return f"{' '.join(changes) or 'unchanged'}; now {', '.join(difference.keys)}"


def describe_secret(secret: SourceSecret, now: datetime) -> str:
    days = (now - secret.created_at).days
    age = "new" if secret.created_at == now else f"{days} days old" if days > 0 else "less than a day old"
    return f"{secret.fingerprint[:FINGERPRINT_SHOWN]}…, {age}"


def read_place(text: str) -> tuple[str, str]:
    """Return key and name; without a name it is empty."""
    key, _, name = text.partition("=")
    return key, name


def read_zone(text: str) -> tuple[str, str, str]:
    """Return the city's key, the zone's key and its name."""
    city_key, colon, rest = text.partition(":")
    key, _, name = rest.partition("=")
    if not colon or not city_key or not key:
        raise CommandError(f"--zone {text!r}: the form is CITY:KEY=NAME.")
    return city_key, key, name


def read_secrets(path: Path) -> SourceSecrets:
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(text, str) for text in members.values()):
            raise TypeError("a secret is a text")
        return SourceSecrets(**members)
    except FileNotFoundError as error:
        raise CommandError(f"There is no file {path}; --make-secrets {path} makes one.") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise CommandError(
            f"{path}: members webhook, handover and pull are expected, each a text."
        ) from error
