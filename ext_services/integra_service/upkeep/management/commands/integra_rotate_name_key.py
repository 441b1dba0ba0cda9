"""``integra_rotate_name_key``: what is stored under an older ``INTEGRA_NAME_KEY`` is put under the first one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integra_service.lib import encryption
from integra_service.lib.clock import utc_now
from integra_service.upkeep.name_key import rotate


class Command(BaseCommand):
    help = (
        "Encrypt with the first key of INTEGRA_NAME_KEY whatever is stored under another. Repeatable, and may be "
        "killed at any moment; the service goes on."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        left = 0
        for rotated in rotate(utc_now()):
            left += rotated.left_count
            self.stdout.write(
                f"{rotated.name}: {rotated.done_count} encrypted anew, {rotated.left_count} left under an older key"
            )
        if left:
            raise CommandError(
                f"{left} left under an older key. Start every process with the new INTEGRA_NAME_KEY and finish the "
                "erasures that were begun (integra_erasures); then call this again. What still is left cannot be "
                "opened with these keys: one is missing."
            )
        if len(encryption.current_keys()) > 1:
            self.stdout.write(
                "0 left under an older key: remove it from INTEGRA_NAME_KEY, and keep it with the backups from before."
            )
        else:
            self.stdout.write("0 left under an older key: everything is under the one that is configured.")
