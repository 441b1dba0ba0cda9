"""``integra_register_manifest MANIFEST.json``: register a course's rules, then apply what waited for them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.strictjson import parse_json
from integra_service.records.apply import apply_inbox
from integra_service.records.manifests import register_manifest


class Command(BaseCommand):
    help = "Register the manifest that integra-course build wrote. Repeatable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("manifest", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rule_version = register_manifest(parse_json(options["manifest"].read_bytes()), utc_now())
        except OSError as error:
            raise CommandError(f"{options['manifest']} cannot be read: {error.strerror}.") from error
        except RequestError as error:
            raise CommandError(f"{options['manifest']}: {error.message}") from error
        apply_inbox(utc_now())
        self.stdout.write(f"Rules {rule_version} are registered.")
