"""The Celery application: ``celery -A integra_service.celery worker``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integra_service.settings")

app = Celery("integra_service")
# Also for the threads of a web server, which start without a current app.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
for module in ("comparing", "retrying"):
    app.autodiscover_tasks(["integra_service.records"], related_name=module)
