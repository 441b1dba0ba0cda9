"""Same label as the platform's app, so that foreign keys and table names read alike."""

from django.apps import AppConfig


class StudentConfig(AppConfig):
    name = "common.djangoapps.student"
    label = "student"
    default_auto_field = "django.db.models.AutoField"
