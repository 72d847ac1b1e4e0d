"""Every setting, read from the environment. A missing or bad one is named at start-up, all of them at once."""

from __future__ import annotations

import os
import re
import secrets
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from config.crossings import in_the_clear
from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
environment = Environment(Path(os.environ.get("ENV_FILE", BASE_DIR / ".env")))


def kept_secret(path: Path) -> str:
    """The embedded installation's own key: made at the first start and kept beside its database."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


# --- where things live ------------------------------------------------------------------------------------------

VAR_DIR = Path(environment.text("VAR_DIR", "var"))
if not VAR_DIR.is_absolute():
    VAR_DIR = BASE_DIR / VAR_DIR
PRODUCTION = environment.boolean("PRODUCTION", default=False)
DEBUG = environment.boolean("DEBUG", default=False)
PORT = environment.number("PORT", 8000, least=1, most=65535)
HOST = environment.text("HOST", "127.0.0.1")
PROCESSES = environment.number("PROCESSES", 2, least=1, most=64)
REQUESTS_AT_ONCE = environment.number("REQUESTS_AT_ONCE", 4, least=1, most=64)
REQUESTS_QUEUED = environment.number("REQUESTS_QUEUED", 64, least=0, most=1000)
REQUESTS_WAIT_SECONDS = environment.number("REQUESTS_WAIT_SECONDS", 3, least=0, most=60)
BODY_WAIT_SECONDS = environment.number("BODY_WAIT_SECONDS", 30, least=2, most=600)
PUBLIC_URL = environment.text("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")

SECRET_KEY = environment.text("SECRET_KEY")
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = kept_secret(VAR_DIR / "secret_key")
if PRODUCTION and len(SECRET_KEY) < 50:
    environment.refuse("SECRET_KEY: production needs one of at least 50 characters")
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS")
PHOTO_ROOT_KEYS = environment.words("PHOTO_ROOT_KEY")
if any(len(_key) < 40 or _key == SECRET_KEY for _key in PHOTO_ROOT_KEYS):
    environment.refuse("PHOTO_ROOT_KEY: needs at least 40 characters, and is not SECRET_KEY")
if PRODUCTION and DEBUG:
    environment.refuse("DEBUG: must be false in production")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "" if PRODUCTION else "*")
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    environment.refuse("ALLOWED_HOSTS: production needs the host names, comma separated, without '*'")
SSL_REDIRECT = environment.boolean("SSL_REDIRECT", default=True)
if PRODUCTION and SSL_REDIRECT and not PUBLIC_URL.startswith("https://"):
    environment.refuse("PUBLIC_URL: production needs the https:// address that people use")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
BEHIND_PROXY = environment.boolean("BEHIND_PROXY", default=PRODUCTION)

# --- database ---------------------------------------------------------------------------------------------------

DATABASE: dict[str, Any] = dict(environment.database("DATABASE_URL", f"sqlite:///{VAR_DIR}/sanyuantong.sqlite3"))
POOL = environment.number("DATABASE_POOL", 4, least=0, most=100)
if DATABASE.get("ENGINE") == "django.db.backends.sqlite3":
    Path(str(DATABASE["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;",
    }
    DATABASE["CONN_MAX_AGE"] = None
else:
    DATABASE["OPTIONS"] = DATABASE.get("OPTIONS", {}) | (
        {"pool": {"min_size": 1, "max_size": POOL, "timeout": 5}} if POOL else {}
    )
    DATABASE["CONN_MAX_AGE"] = 0 if POOL else 60
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- files ------------------------------------------------------------------------------------------------------

MEDIA_STORAGE = environment.choice("MEDIA_STORAGE", "disk", ("disk", "s3"))
MEDIA_ROOT = str(VAR_DIR / environment.text("MEDIA_ROOT", "media"))
S3 = {
    "endpoint_url": environment.text("S3_ENDPOINT_URL"),
    "bucket_name": environment.text("S3_BUCKET"),
    "access_key": environment.text("S3_ACCESS_KEY"),
    "secret_key": environment.text("S3_SECRET_KEY"),
    "region_name": environment.text("S3_REGION", "us-east-1"),
}
if MEDIA_STORAGE == "s3":
    for _key, _value in zip(
        ("S3_ENDPOINT_URL", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY"), S3.values(), strict=False
    ):
        if not _value:
            environment.refuse(f"{_key}: needed when MEDIA_STORAGE=s3")
SPOOL_DIR = VAR_DIR / "spool"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200  # ODK Collect sends 101 parts at most

# --- applications -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "config.console.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "journal",
    "organizations",
    *[
        room
        for room in ("surveys", "media", "inspections", "sync", "reports", "notifications", "privacy")
        if (BASE_DIR / room / "models.py").exists()
    ],
    "api",
    "config",
]
MIDDLEWARE = [
    "config.requests.Named",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.Headers",
    "config.middleware.SoundAddresses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.PageSessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.PageAuthentication",
    "config.middleware.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
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
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns of a missing one; a warning fails the tests
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- people and sessions ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "organizations.Person"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
BREACHED_PASSWORDS = environment.text("BREACHED_PASSWORDS")
if BREACHED_PASSWORDS and not os.access(BREACHED_PASSWORDS, os.R_OK):
    environment.refuse(f"BREACHED_PASSWORDS: {BREACHED_PASSWORDS} cannot be read")
SESSION_COOKIE_AGE = 30 * 60
CONSOLE_SECOND_FACTOR = environment.boolean("CONSOLE_SECOND_FACTOR", default=PRODUCTION)
ENROLLED_PHONES = environment.boolean("ENROLLED_PHONES", default=False)
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = "Lax"  # a link in a mail opens the console for whoever is signed in
CSRF_COOKIE_SAMESITE = "Strict"
if PRODUCTION:  # a browser takes these names from this host alone, by TLS alone
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-console", "__Host-csrf"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # and so in no cookie
SECURE_SSL_REDIRECT = SSL_REDIRECT and PRODUCTION
SECURE_REDIRECT_EXEMPT = [
    r"^(healthz|readyz|metrics)$",  # asked inside the network, without a proxy in between
    r"^api/",  # refused, not led: programs are to notice
]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=environment.number("ACCESS_TOKEN_MINUTES", 30, least=1, most=1440)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=environment.number("REFRESH_TOKEN_DAYS", 60, least=1, most=365)),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "AUDIENCE": "sanyuantong",
    "ISSUER": "sanyuantong",
    "USER_ID_FIELD": "id",
    "UPDATE_LAST_LOGIN": False,
}
UNFOLD = {
    "SITE_TITLE": "三员通管理台",
    "SITE_HEADER": "三员通管理台",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
}
DEMO_PASSWORD = environment.text("DEMO_PASSWORD")

# --- telling people and systems ----------------------------------------------------------------------------------

EMAIL_HOST = environment.text("EMAIL_HOST")
EMAIL_PORT = environment.number("EMAIL_PORT", 587, least=1, most=65535)
EMAIL_HOST_USER = environment.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_PASSWORD")
EMAIL_USE_TLS = environment.boolean("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", "sanyuantong@localhost")
TRUSTED_NETWORK = environment.boolean("TRUSTED_NETWORK", default=False)
if PRODUCTION and not TRUSTED_NETWORK:
    _storage = S3["endpoint_url"] if MEDIA_STORAGE == "s3" else ""
    for _fault in in_the_clear(DATABASE, storage=_storage, mail=EMAIL_HOST, mail_tls=EMAIL_USE_TLS):
        environment.refuse(_fault)
CLAMD = environment.text("CLAMD")
if CLAMD and not re.fullmatch(r"unix:/.+|[\w.:\[\]-]+:\d{1,5}", CLAMD):
    environment.refuse("CLAMD: needs host:port, or unix:/path of its socket")
WEBHOOK_NETWORKS = environment.words("WEBHOOK_NETWORKS")
for _word in WEBHOOK_NETWORKS:
    try:
        ip_network(_word)
    except ValueError:
        environment.refuse(f"WEBHOOK_NETWORKS: {_word!r} is not a network such as 10.20.0.0/16")

# --- the HTTP floor ---------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.DeviceJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.policy.DeclaredPolicy"],
    "DEFAULT_RENDERER_CLASSES": ["api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "三员通 Sanyuantong API",
    "DESCRIPTION": "Field visits, questionnaires, photos, issues and reports of the reform office.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "api.schema.complete"],
    "ENUM_NAME_OVERRIDES": {
        "Role": "organizations.roles.Role",
        "PilotTier": "organizations.roles.PilotTier",
        "Designation": "organizations.roles.Designation",
        "Ownership": "organizations.roles.Ownership",
        "Size": "organizations.roles.Size",
        "RegionKind": "organizations.roles.RegionKind",
        "Language": ["zh-Hans", "en"],
        "IssueState": "inspections.workflow.State",
        "PlanState": "inspections.models.PlanState",
        "VisitStatus": "inspections.models.VisitStatus",
        "VisitStage": ["draft", "submitted"],
        "PrivacyKind": "privacy.models.Kind",
        "PrivacyState": "privacy.models.RequestState",
    },
}

# --- language and time ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]  # what the console's toolkit brings no Chinese for
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

# --- logs -------------------------------------------------------------------------------------------------------

LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = environment.choice("LOG_FORMAT", "json" if PRODUCTION else "line", ("line", "json"))
LOG_REQUESTS = environment.boolean("LOG_REQUESTS", default=PRODUCTION)
METRICS_TOKEN = environment.text("METRICS_TOKEN")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "config.logs.JSONLines"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "stream": sys.stderr}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # a refusal is the caller's, and the request's own line has its status without its address
    # what signs links to the bucket tells their signatures at DEBUG
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        # the other half of a request's line
        "security": {"level": "INFO" if LOG_REQUESTS else "WARNING"},  # who came to which door, by pseudonym
        "media.renditions": {"level": "INFO" if LOG_REQUESTS else "WARNING"},
        "notifications.deliveries": {"level": "INFO" if LOG_REQUESTS else "WARNING"},
        "reports.commissions": {"level": "INFO" if LOG_REQUESTS else "WARNING"},
        "botocore": {"level": "INFO"},
        "boto3": {"level": "INFO"},
        "urllib3": {"level": "INFO"},
    },
}

environment.stop_on_faults()
