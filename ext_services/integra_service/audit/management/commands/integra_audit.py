"""``integra_audit [--head SEQUENCE:HASH]``: read the whole chain; fails where it does not fit."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.audit.services import check_chain, get_head


class Command(BaseCommand):
    help = (
        "Check the audit chain and print its head. --head takes one kept elsewhere and finds a removed tail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", metavar="SEQUENCE:HASH")

    def handle(self, *args: Any, **options: Any) -> None:
        check = check_chain(read_head(options["head"]) if options["head"] else None)
        if not check.is_intact:
            raise CommandError(f"The chain is broken at entry {check.broken_at}.")
        sequence, digest = get_head()
        self.stdout.write(f"{check.entries_count} entries fit. Head: {sequence}:{digest}")


def read_head(text: str) -> tuple[int, str]:
    sequence, _, digest = text.partition(":")
    if not sequence.isascii() or not sequence.isdigit() or len(digest) != 64:
        raise CommandError("--head has the form SEQUENCE:HASH, as this command prints it.")
    return int(sequence), digest
