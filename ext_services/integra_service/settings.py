"""Settings of the service. Every value comes from the environment, is read here and nowhere else, and a
wrong one stops the start."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from .lib import env, providers

PACKAGE = Path(__file__).resolve().parent

INTEGRA_DEMO = env.read_switch(os.environ, "INTEGRA_DEMO")
INTEGRA_HOME = Path(env.read_text(os.environ, "INTEGRA_HOME"))
# Who was forgotten, outside of the database and its backups (people/erasures.py).
INTEGRA_ERASURES = Path(env.read_text(os.environ, "INTEGRA_ERASURES", str(INTEGRA_HOME / "erasures")))
INTEGRA_ISSUER_URL = env.read_issuer_url(os.environ, "INTEGRA_ISSUER_URL", is_demo=INTEGRA_DEMO)
# How credentials name who signs them. It stays in every one that was signed, so nobody should find it by surprise.
INTEGRA_ISSUER_NAME = env.read_text(
    os.environ, "INTEGRA_ISSUER_NAME", "INTEGRA (demostración)" if INTEGRA_DEMO else None
)
# Who answers for people's data, and how to reach them: the law wants it in the notice (LOPDP, article 12).
INTEGRA_DATA_CONTROLLER = env.read_text(
    os.environ,
    "INTEGRA_DATA_CONTROLLER",
    "La demostración de INTEGRA, que solo tiene personas inventadas" if INTEGRA_DEMO else None,
)
# What certificates ask for and say; a programme with a course of its own has a folder of its own.
INTEGRA_ACHIEVEMENTS = env.read_folder(
    os.environ, "INTEGRA_ACHIEVEMENTS", PACKAGE / "credentials" / "achievements"
)
INTEGRA_NAME_KEYS = env.read_encryption_keys(os.environ, "INTEGRA_NAME_KEY")
SECRET_KEY = env.read_secret_key(os.environ, "INTEGRA_SECRET_KEY")
DATABASES = {
    "default": env.read_database(os.environ, "INTEGRA_DATABASE_URL", INTEGRA_HOME / "service.sqlite3")
}
ISSUER_HOST = str(urlsplit(INTEGRA_ISSUER_URL).hostname)
ALLOWED_HOSTS = env.read_text(os.environ, "INTEGRA_ALLOWED_HOSTS", ISSUER_HOST).split(",")
# Whose X-Forwarded-For is believed (lib/visitors.py).
INTEGRA_TRUSTED_PROXIES = env.read_networks(os.environ, "INTEGRA_TRUSTED_PROXIES")
# Who besides this database says who a member of the staff is; None: local accounts only.
INTEGRA_OIDC = providers.read_provider(os.environ, is_demo=INTEGRA_DEMO)
# Whom staff ask when they cannot enter: a sentence's end, for example "Soporte, ext. 204".
INTEGRA_STAFF_CONTACT = env.read_text(os.environ, "INTEGRA_STAFF_CONTACT", "")
if INTEGRA_DEMO:
    # The demonstration speaks http on loopback; oauthlib refuses that unless told otherwise here.
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
INTEGRA_DEMO_SOURCE = env.read_demo_source(os.environ) if INTEGRA_DEMO else {}
# Without a broker, tasks run in the process that asks for them (the embedded assembly).
CELERY_BROKER_URL = env.read_text(os.environ, "INTEGRA_BROKER_URL", "memory://localhost")
CELERY_TASK_ALWAYS_EAGER = CELERY_BROKER_URL == "memory://localhost"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TIMEZONE = "UTC"
# Whoever stores an event does not wait for a broker that is away: the event is safe, integra_apply catches up.
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_connect_timeout": 1, "socket_timeout": 5}
# Beyond these, senders are asked to come back later (records/pressure.py).
INTEGRA_INBOX_MAX_WAITING = env.read_count(os.environ, "INTEGRA_INBOX_MAX_WAITING", 500_000)
INTEGRA_INBOX_MAX_AGE_HOURS = env.read_count(os.environ, "INTEGRA_INBOX_MAX_AGE_HOURS", 48)
INTEGRA_SOURCE_EVENTS_PER_MINUTE = env.read_count(os.environ, "INTEGRA_SOURCE_EVENTS_PER_MINUTE", 300_000)
# So many different refused events are kept for one source until a person looks (records/inbox.py).
INTEGRA_REFUSED_MAX_PER_SOURCE = env.read_count(os.environ, "INTEGRA_REFUSED_MAX_PER_SOURCE", 5_000)

DEBUG = False
USES_HTTPS = INTEGRA_ISSUER_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "integra_service.lib",
    "integra_service.audit",
    "integra_service.people",
    "integra_service.records",
    "integra_service.credentials",
    "integra_service.eligibility",
    "integra_service.privacy",
    "integra_service.upkeep",
    "integra_service.web",
]

MIDDLEWARE = [
    "integra_service.lib.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "integra_service.lib.middleware.ErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "integra_service.lib.middleware.MethodMiddleware",
]

ROOT_URLCONF = "integra_service.urls"
WSGI_APPLICATION = "integra_service.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "integra_service.lib.context.assembly",
                "integra_service.web.console.context.console",
            ],
        },
    }
]

LANGUAGE_CODE = "es"
TIME_ZONE = "America/Guayaquil"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
# Files are served from the packages themselves, so that the embedded service needs no collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# A link to set the password of a new account.
PASSWORD_RESET_TIMEOUT = 24 * 3600
LOGIN_URL = "web:sign-in"
# With this prefix no other host under the same domain, as the classroom is, can set them.
COOKIE_PREFIX = "__Host-" if USES_HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}integra_session"
SESSION_COOKIE_SECURE = USES_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}integra_service_csrf"
CSRF_COOKIE_SECURE = USES_HTTPS
CSRF_COOKIE_HTTPONLY = True
# A proxy ends TLS: Django sees http, the browser says https.
CSRF_TRUSTED_ORIGINS = [INTEGRA_ISSUER_URL]
CSRF_FAILURE_VIEW = "integra_service.web.failures.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": with it browsers send "Origin: null" with every form, which the CSRF check must refuse.
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "integra_service.lib.negotiation.JsonOnly",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "INTEGRA: certificates and eligibility",
    "DESCRIPTION": "Intake of learning events, certificate states, verification.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # Whose schemas are those of the events: JSON Schema 2020-12.
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "integra_service.web.api.description.add_documents",
    ],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"route_only": {"()": "integra_service.lib.logs.RouteOnly"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["route_only"]}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        # One certificate would write dozens of lines.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
    },
}
