"""Settings of the stand-in LMS: what of the platform's own settings our code could notice.

Plugins are found through their entry points, as the platform finds them. The database comes from
INTEGRA_DATABASE_URL (``postgresql://``, ``mysql://`` or ``sqlite:///path``); without it SQLite is used.
"""

import os
import sys
from pathlib import Path

from edx_django_utils.plugins import add_plugins, get_plugin_apps

from standin.databases import parse_database_url

HERE = Path(__file__).resolve().parent
# Modules of edx-platform itself which no published package holds, under their real dotted names.
sys.path.insert(0, str(HERE / "platform_modules"))

PROJECT_TYPE = "lms.djangoapp"

SECRET_KEY = "standin"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "es-419"
LANGUAGES = [("en", "English"), ("es-419", "Español (Latinoamérica)")]
ROOT_URLCONF = "standin.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
LMS_BASE = "testserver"
LMS_ROOT_URL = "http://testserver"

DATABASES = {"default": parse_database_url(os.environ.get("INTEGRA_DATABASE_URL"))}

if DATABASES["default"]["ENGINE"].endswith("mysql"):
    # One migration of edx-submissions cannot run on MariaDB; the platform itself runs MySQL.
    MIGRATION_MODULES = {"submissions": "standin.submissions.migrations"}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "waffle",
    # Completion tells its changes to the default tracker, which the platform always has.
    "eventtracking.django.apps.EventTrackingConfig",
    "submissions",
    "common.djangoapps.student",
    "lms.djangoapps.courseware",
    "openedx.core.djangoapps.content.course_overviews",
    "standin.apps.StandinConfig",
]
INSTALLED_APPS += [app for app in get_plugin_apps(PROJECT_TYPE) if app not in INSTALLED_APPS]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crum.CurrentRequestUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SILENCED_SYSTEM_CHECKS: list[str] = []

XBLOCK_SETTINGS: dict[str, dict[str, object]] = {}
EVENT_TRACKING_ENABLED = True
FEATURES: dict[str, bool] = {}

# Values a partner would give in Tutor's patches; they are set before the plugins' own defaults could.
INTEGRA_SOURCE = "standin"
INTEGRA_SERVICE_URL = "https://servicio.example.org"
INTEGRA_WEBHOOK_SECRET = "whsec_c3RhbmRpbi13ZWJob29rLXNlY3JldC0wMDAx"
INTEGRA_HANDOVER_SECRET = "standin-handover-secret-of-32-bytes-or-more"
INTEGRA_PULL_SECRET = "standin-pull-secret-of-32-bytes-or-even-more"
INTEGRA_DEFAULT_COHORT = "quito-2026-1"
INTEGRA_DEFAULT_CITY = "quito"

add_plugins(__name__, PROJECT_TYPE, "common")
add_plugins(__name__, PROJECT_TYPE, "test")
