"""``integra_register_manifest MANIFEST.json``: register a course's rules, then apply what waited for them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.lib.strictjson import parse_json
from integra_service.records.apply import apply_inbox
from integra_service.records.manifests import register_manifest
from integra_service.records.services import find_manifest


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
        public = list_public_banks(rule_version)
        if public and not settings.INTEGRA_DEMO:
            self.stdout.write(
                f"Warning: answer keys of {', '.join(public)} are public. No certificate is issued over tests from "
                "these banks. Compile the course with banks of your own (INTEGRA_BANKS) and register it again."
            )


def list_public_banks(rule_version: str) -> list[str]:
    manifest = find_manifest(rule_version)
    return [bank.id for bank in manifest.banks if bank.is_public] if manifest is not None else []
