"""Shows the outbox; recreates missing rows from the journal; queues dead letters again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integra_bridge import outbox
from integra_bridge.conf import BridgeSettingsError, read_source
from integra_bridge.models import OutboxEvent, OutboxState

SHOWN = 50


class Command(BaseCommand):
    help = "Show, rebuild or resend the outbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--backfill",
            action="store_true",
            help="Recreate rows missing from the outbox, with the same ids.",
        )
        what.add_argument(
            "--resend", action="store_true", help="Queue dead letters again and go on after a 410."
        )

    def handle(self, *args: Any, backfill: bool, resend: bool, **options: Any) -> None:
        if backfill:
            self.stdout.write(f"recreated {self._backfill()}")
        elif resend:
            self.stdout.write(f"queued again {outbox.resend(now=timezone.now())}")
        else:
            self._show()

    def _backfill(self) -> int:
        try:
            return outbox.backfill(source=read_source(), now=timezone.now())
        except BridgeSettingsError as error:
            raise CommandError(str(error)) from error

    def _show(self) -> None:
        summary = outbox.summarise()
        for state in OutboxState:
            self.stdout.write(f"{state.value}: {summary.by_state.get(state.value, 0)}")
        if summary.oldest_pending_at is not None:
            self.stdout.write(f"oldest pending: {summary.oldest_pending_at.isoformat()}")
        dead = OutboxEvent.objects.filter(state=OutboxState.DEAD).order_by("pk")[:SHOWN]
        for row in dead:
            self.stdout.write(f"dead: {row.error_code} {row.event_type} {row.event_id}")
