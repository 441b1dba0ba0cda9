"""Settings of the embedded classroom. Everything variable comes from the environment (environment.py)."""

from __future__ import annotations

from pathlib import Path

from integra_aula.environment import read_environment

HERE = Path(__file__).parent
ENVIRONMENT = read_environment()

SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = False
# Loopback only: the demonstration must not be reachable from other machines.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "integra_aula.urls"
WSGI_APPLICATION = "integra_aula.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    # Before the workbench, whose 404.html is empty.
    "integra_aula",
    "workbench",
    "integra_gradebook",
    "integra_bridge",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crum.CurrentRequestUserMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(ENVIRONMENT.home / "aula.sqlite3"),
        # Writers queue instead of failing: IMMEDIATE takes the write lock at BEGIN, WAL lets readers go on.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
        # A file in tests as well: in memory, SQLite's threads share one cache and refuse instead of queueing.
        "TEST": {"NAME": str(ENVIRONMENT.home / "aula-test.sqlite3")},
    }
}

LANGUAGE_CODE = "es"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "America/Guayaquil"

# Not "/static/": there an author's text names the course's pictures, in the LMS as well.
STATIC_URL = "/aula-static/"
STATIC_ROOT = str(ENVIRONMENT.home / "aula-static")
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "/entrar/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_NAME = "aula_session"
# The LMS's own name: the blocks' scripts read it.
CSRF_COOKIE_NAME = "csrftoken"

# The workbench asks for these at import time.
WORKBENCH = {"reset_state_on_restart": False, "services": {}}
EXCLUDED_XBLOCKS: set[str] = set()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
