"""``python -m integra_service <command>``: Django's management entry with this service's settings."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integra_service.settings")
    execute_from_command_line(["integra_service", *sys.argv[1:]])


if __name__ == "__main__":
    main()
