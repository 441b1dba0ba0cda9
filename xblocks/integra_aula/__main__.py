"""``python -m integra_aula COMMAND``: Django's command line with the classroom's settings."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integra_aula.settings")
    execute_from_command_line(["python -m integra_aula", *sys.argv[1:]])
