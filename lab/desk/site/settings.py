"""Settings of the lab's help desk: django-helpdesk as it is, one variant of its form, its own directory."""

import os
from pathlib import Path

HERE = Path(os.environ["IWXDESK_PLACE"])
VARIANT = os.environ["IWXDESK_VARIANT"]

SECRET_KEY = "not-a-real-secret-1"
DEBUG = True  # serves the static files, and shows a defect of the desk as what it is
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "desk.outside.invalid"]
CSRF_TRUSTED_ORIGINS = ["https://desk.outside.invalid"]  # behind gate.py
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sites",
    "django.contrib.humanize",
    "django.contrib.admin",
    "rest_framework",
    "helpdesk",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE / "desk.sqlite3",
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = HERE / "media"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
# A quick hash: the accounts are the lab's own, and a test logs in often.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/tickets/submit/"

HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_VIEW_A_TICKET_PUBLIC = True
HELPDESK_SUBMIT_A_TICKET_PUBLIC = True
HELPDESK_REDIRECT_TO_LOGIN_BY_DEFAULT = VARIANT == "login"
HELPDESK_PUBLIC_TICKET_FORM_CLASS = "forms.RenamedForm" if VARIANT == "renamed" else "forms.GuideForm"
if VARIANT != "login":  # which keeps django-helpdesk's own list, without archives
    HELPDESK_VALID_EXTENSIONS = [".txt", ".json", ".gz", ".zip", ".html", ".png"]
