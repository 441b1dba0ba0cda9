"""The plugin as Open edX finds it. Imported while settings load: nothing heavy here."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GradebookConfig(AppConfig):
    name = "integra_gradebook"
    label = "integra_gradebook"
    verbose_name = _("INTEGRA: learners' facts")
    default_auto_field = "django.db.models.BigAutoField"
    # Models, migrations and admin in LMS and Studio alike. Studio alone tells when a course is published.
    plugin_app = {
        "signals_config": {
            "cms.djangoapp": {
                "relative_path": "signals",
                "receivers": [
                    {
                        "receiver_func_name": "on_course_published",
                        "signal_path": "xmodule.modulestore.django.COURSE_PUBLISHED",
                        "dispatch_uid": "integra_gradebook.on_course_published",
                    }
                ],
            }
        }
    }
