"""WSGI entry of the classroom. One process, threads only: the workbench keeps its ids in memory."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integra_aula.settings")
application = get_wsgi_application()
