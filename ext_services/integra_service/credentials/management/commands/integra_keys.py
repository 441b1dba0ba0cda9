"""``integra_keys list | rotate ALGORITHM | compromise FRAGMENT``: the issuer's keys, and what follows a loss."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.audit.services import SYSTEM
from integra_service.credentials.issuer import compromise_key, get_issuer
from integra_service.credentials.keys import rotate_key
from integra_service.credentials.models import CredentialDocument, KeyAlgorithm, Run, RunKind
from integra_service.credentials.runs import Progress, start_run, work
from integra_service.credentials.signing import complete_forms
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import ServiceError


class Command(BaseCommand):
    help = (
        "rotate: a new key signs, what the old one signed stays good. compromise: what the key signed counts no more, "
        "and every certificate in force is signed anew; stopped on the way, it goes on when called again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        goals = parser.add_subparsers(dest="goal", required=True)
        goals.add_parser("list")
        goals.add_parser("rotate").add_argument("algorithm", choices=[each.value for each in KeyAlgorithm])
        goals.add_parser("compromise").add_argument(
            "fragment", help="as list shows it, for example key-2026-11"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["goal"]:
                case "list":
                    self.list_keys()
                case "rotate":
                    algorithm = KeyAlgorithm(options["algorithm"])
                    key = rotate_key(get_issuer(), algorithm, now=utc_now(), by=SYSTEM)
                    self.stdout.write(f"{key.fragment} signs from now on.")
                case "compromise":
                    self.compromise(options["fragment"])
        except ServiceError as error:
            raise CommandError(error.message) from error

    def list_keys(self) -> None:
        for key in get_issuer().keys.order_by("created_at", "pk"):
            signed = CredentialDocument.objects.for_system().filter(signing_key=key).count()
            signed += CredentialDocument.objects.for_system().filter(jose_key=key).count()
            self.stdout.write(f"{key.fragment:24} {key.algorithm:8} {key.state:12} {signed} documents")

    def compromise(self, fragment: str) -> None:
        key = get_issuer().keys.filter(fragment=fragment).first()
        if key is None:
            raise CommandError(f"There is no key {fragment!r}.")
        compromise_key(key, utc_now(), SYSTEM)
        made = failed = 0
        # Until nothing is left: a run that was open before may have passed by what this key signed.
        while made_now := self.sign_anew():
            made += made_now.made_count
            failed = made_now.failed_count
        made += complete_forms(get_issuer(), utc_now())
        self.stdout.write(
            f"{fragment} counts no more. {made} certificates were signed anew, {failed} failed."
        )

    def sign_anew(self) -> Run | None:
        """Work a run off and return it; None when it found nothing to do."""
        run = start_run(RunKind.RESIGN, by=SYSTEM, now=utc_now())
        while (progress := work(run, utc_now())) is not Progress.FINISHED:
            if progress is Progress.ELSEWHERE:
                time.sleep(1)
            self.stdout.write(f"{run.done_count} of {run.total_count} signed anew")
        return run if run.made_count else None
