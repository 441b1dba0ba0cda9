"""The plugin as Open edX finds it. Imported while settings load: nothing heavy here."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GradebookConfig(AppConfig):
    name = "integra_gradebook"
    label = "integra_gradebook"
    verbose_name = _("INTEGRA: learners' facts")
    default_auto_field = "django.db.models.BigAutoField"
    # Models, migrations and admin only, in LMS and Studio alike: no address, setting or receiver of its own.
    plugin_app: dict[str, dict[str, object]] = {}
