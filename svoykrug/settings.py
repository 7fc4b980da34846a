"""All settings of the project. The environment decides; one file, no star imports.

A value in the real environment wins. Outside production what is missing there is read from
`.run/dev.env`, which `make run` writes. A missing secret stops the start with a sentence.
"""

import base64
import hashlib
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _
from kombu import Queue

from svoykrug import reporting
from svoykrug.logging import logging_config
from svoykrug.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from svoykrug.schedule import SCHEDULE
from svoykrug.sidebar import SIDEBAR

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if os.environ.get("ENVIRONMENT") != "production" and "DATABASE_URL" not in os.environ:
    environ.Env.read_env(BASE_DIR / ".run" / "dev.env")

# A secret may lie in a file, as containers hand it over: NAME_FILE says where.
SECRETS = (
    "DATABASE_URL",
    "REDIS_URL",
    "CLICKHOUSE_URL",
    "SECRET_KEY",
    "FIELD_KEYS",
    "INDEX_KEY",
    "CODE_PEPPER",
    "ANALYTICS_KEY",
    "TICKET_KEYS",
    "SMSRU_API_ID",
    "SMSC_API_KEY",
    "SENDGRID_API_KEY",
    "METRICS_TOKEN",
    "SENTRY_DSN",
)
for _name in SECRETS:
    if f"{_name}_FILE" in os.environ:
        os.environ.setdefault(_name, Path(os.environ[f"{_name}_FILE"]).read_text().strip())


def required(name: str) -> str:
    """The value of a setting that has no sensible default; stops the start when it is missing."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Start with `make run` (it writes .run/dev.env), "
            f"or set {name} in the environment: docs/operations.md lists every variable."
        )
    return value


def secret_bytes(name: str, encoded: str | None = None) -> bytes:
    """A 32-byte key from its base64 form."""
    raw = base64.b64decode(encoded or required(name))
    if len(raw) != 32:
        raise ImproperlyConfigured(f"{name} must be base64 of exactly 32 bytes.")
    return raw


ENVIRONMENT = env.str("ENVIRONMENT", "production")
if ENVIRONMENT not in ("development", "test", "production"):
    raise ImproperlyConfigured("ENVIRONMENT must be development, test or production.")
DEVELOPMENT = ENVIRONMENT == "development"
DEBUG = env.bool("DEBUG", DEVELOPMENT)
SECRET_KEY = required("SECRET_KEY")
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- keys (security.md part 7; docs/operations.md says how each one is rotated) -----------------
# Field keys encrypt personal data. The first one encrypts, all of them decrypt.
FIELD_KEYS = {
    name: secret_bytes("FIELD_KEYS", key)
    for name, _colon, key in (pair.partition(":") for pair in required("FIELD_KEYS").split(","))
}
INDEX_KEY = secret_bytes("INDEX_KEY")  # blind index of phones and e-mails
# Set while INDEX_KEY is being changed: look-ups try both, `rotate_index_key` refills.
INDEX_KEY_PREVIOUS = (
    secret_bytes("INDEX_KEY_PREVIOUS") if os.environ.get("INDEX_KEY_PREVIOUS") else b""
)
CODE_PEPPER = secret_bytes("CODE_PEPPER")  # one-time codes are stored hashed with it
ANALYTICS_KEY = secret_bytes("ANALYTICS_KEY")  # surrogate ids of members in ClickHouse
JWT_KEYS_DIR = Path(required("JWT_KEYS_DIR"))  # one PEM per key, the last by name signs

INSTALLED_APPS = [
    # unfold stands before the admin: its templates win
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.guardian",
    "unfold.contrib.import_export",
    "apps.backoffice.apps.AdminSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_htmx",
    "django_celery_beat",
    "import_export",
    "pgtrigger",
    "csp",
    "apps.core",
    "apps.accounts",
    "apps.businesses",
    "apps.notifications",
    "apps.analytics",
    "apps.loyalty",
    "apps.coupons",
    "apps.crosspromo",
    "apps.events",
    "apps.transactions",
    "apps.crm",
    "apps.backoffice",
]

MIDDLEWARE = [
    "apps.core.http.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "apps.core.http.middleware.ApiGuardMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.WebSessionMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "apps.core.http.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ADMIN_PATH = env.str("ADMIN_PATH", "admin/")  # production sets a path nobody guesses
ROOT_URLCONF = "svoykrug.urls"
WSGI_APPLICATION = "svoykrug.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.backoffice.context.place",
            ],
        },
    },
]

# Tickets of events are signed (Ed25519) with keys of 32 bytes, "kid:base64" with a comma between;
# the first one signs, all of them verify. Without a key of its own it is drawn from SECRET_KEY.
TICKET_KEYS = {
    kid.upper(): secret_bytes("TICKET_KEYS", value)
    for kid, _colon, value in (pair.partition(":") for pair in env.list("TICKET_KEYS", default=[]))
} or {"T0": hashlib.sha256(f"tickets:{SECRET_KEY}".encode()).digest()}

# --- data stores ---------------------------------------------------------------------------------
TEST_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:8]
# What PostgreSQL allows one connection. A client that died without a word (no power, a cut cable)
# must not keep a wallet locked until TCP gives up after two hours.
_limits = {
    "statement_timeout": "15s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}
DATABASES = {"default": env.db_url_config(required("DATABASE_URL"))}
DATABASES["default"] |= {
    "ENGINE": "apps.core.postgres",
    "CONN_MAX_AGE": 600,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        # Prepared statements on hot paths: measured x0.79 of the CPU on reads. Not from the first
        # use: a migration of several commands in one string cannot be prepared.
        "server_side_binding": True,
        "prepare_threshold": 2,
        "options": " ".join(f"-c {name}={value}" for name, value in _limits.items()),
        "application_name": "svoykrug",
        # the same from our side: a server that is gone is noticed within a minute
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    },
    # Each test run has databases of its own, so that two runs can work side by side.
    "TEST": {"NAME": f"test_{TEST_RUN}"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required("REDIS_URL").rstrip("/")
# xdist workers share one server: each takes its own database, or one would flush another's cache.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) * 2
_patience = 10 if ENVIRONMENT == "test" else 1  # seconds
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"{REDIS_URL}/{_worker}",
        "KEY_PREFIX": "sk",
        # A cache that is down makes the product slower, never wrong. Tests on a busy machine wait
        # longer than a person would: for them it counts.
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": _patience,
            "SOCKET_TIMEOUT": _patience,
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

_clickhouse = urlsplit(required("CLICKHOUSE_URL"))
CLICKHOUSE: dict[str, Any] = {
    "embedded": _clickhouse.scheme == "chdb",
    "url": required("CLICKHOUSE_URL"),
    "path": _clickhouse.path if _clickhouse.scheme == "chdb" else "",
    "database": parse_qs(_clickhouse.query).get("database", [""])[0]
    or (_clickhouse.path.strip("/") if _clickhouse.scheme != "chdb" else "")
    or "svoykrug",
}

# --- people and sessions -------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "apps.accounts.auth.LoginBackend",
    "apps.accounts.auth.JobBackend",
    "apps.accounts.auth.MembershipBackend",
]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "backoffice:signin"
SESSION_COOKIE_AGE = 12 * 3600  # absolute limit of a web session
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if ENVIRONMENT == "production":
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
OTP_TOTP_ISSUER = "Свой Круг"

# Strict for our pages; looser only under the admin, whose theme evaluates expressions (ADR 9).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    }
}

# --- language, time, money -----------------------------------------------------------------------
LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", "Русский"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "unfold"]  # the theme ships no Russian
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Moscow"
# Off on purpose: with it on Django groups digits inside links and styles (backoffice.md part 9).
USE_THOUSAND_SEPARATOR = False

# --- files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / ".run" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENVIRONMENT == "production"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = ENVIRONMENT != "production"
WHITENOISE_AUTOREFRESH = ENVIRONMENT != "production"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # the contract: a body over 1 MiB is TOO_LARGE

# --- the API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # Proxies of ours before the application: limits by address count the client, not the proxy.
    "NUM_PROXIES": env.int("NUM_PROXIES", 0),
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.accounts.api.authentication.BearerAuthentication"],
    # Default is deny: a view that forgets to declare its permission serves nobody.
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.http.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.http.renderers.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.http.parsers.CamelCaseParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.core.http.negotiation.AlwaysJson",
    "DEFAULT_PAGINATION_CLASS": "apps.core.http.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["apps.core.http.filters.CamelCaseFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.http.schema.EnvelopeSchema",
    "DEFAULT_THROTTLE_CLASSES": ["apps.core.http.throttles.Together"],
    "EXCEPTION_HANDLER": "apps.core.http.errors.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
}
SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    # Keys come from the ring in apps/accounts/tokens.py; this one is never used to sign.
    "SIGNING_KEY": "",
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "type",
}

# --- background work -----------------------------------------------------------------------------
IMPORT_EXPORT_TMP_STORAGE_CLASS = "import_export.tmp_storages.CacheStorage"  # any server confirms
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
IMPORT_EXPORT_IMPORT_IGNORE_BLANK_LINES = True  # Excel keeps rows that were emptied
CELERY_IMPORTS = ["svoykrug.metrics"]  # counts tasks
CELERY_BROKER_URL = f"{REDIS_URL}/{_worker + 1}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_ALWAYS_EAGER = ENVIRONMENT == "test"
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,  # a code must not wait for a broker that is down
}
# One-time codes have a queue of their own, beside critical messages: neither a long queue of reports
# nor a broadcast must hold a sign-in up.
CELERY_TASK_QUEUES = [Queue("celery"), Queue("critical"), Queue("high"), Queue("medium")]
CELERY_TASK_ROUTES = {"apps.core.tasks.send_sms": {"queue": "critical"}}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 100  # exactly this name: keeps connections between small tasks
CELERY_TIMEZONE = "Europe/Moscow"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = SCHEDULE
# Who hears which fact; the dictionary itself lives in svoykrug/outbox.py.
OUTBOX_LISTENERS = "svoykrug.outbox.LISTENERS"
# Who knows the segments of a member: each is called with her id and answers codes.
SEGMENT_SOURCES = ["apps.loyalty.offer_queries.named_segments"]
OFFER_REVIEW_LIMIT = env.int("OFFER_REVIEW_LIMIT", 100_000)  # ₽; more wants a second person

# Bonuses that an owner may spend for guests without their confirmation, a day at one business.
OWNER_SPEND_DAILY = env.int("OWNER_SPEND_DAILY", 3000)

# --- privacy and the audit log ----------------------------------------------------------------
# Two files outside of the database, so that a restore or a rewrite of it does not touch them: on
# production they lie on storage of their own that only appends (docs/operations.md).
ERASURE_JOURNAL = Path(env.str("ERASURE_JOURNAL", str(BASE_DIR / ".run" / "erasures.jsonl")))
AUDIT_ANCHOR_FILE = Path(
    env.str("AUDIT_ANCHOR_FILE", str(BASE_DIR / ".run" / "audit-anchors.jsonl"))
)
# A folder of the disk that must not run full: at 90 % no files are made.
STATE_DISK = Path(env.str("STATE_DISK", str(BASE_DIR)))
# Columns sealed with the field keys, and the composition of a person's own data: dotted names,
# because they know every app.
SEALED_COLUMNS = "svoykrug.sealed_columns.COLUMNS"
MEMBER_EXPORT = "svoykrug.member_export.compose"
# What apps above analytics give it: feeds of facts, and books to reconcile them by.
FACT_SOURCES = "svoykrug.fact_sources.SOURCES"
MEMBER_OVERVIEW = "svoykrug.overview.compose"

# --- outside services ----------------------------------------------------------------------------
# Who carries codes, in this order, and who reads one to her by phone when none of them can.
SMSC_API_KEY = env.str("SMSC_API_KEY", "")
SMSC_URL = env.str("SMSC_URL", "https://smsc.ru")
_sms = "apps.core.gateways.sms"
SMS_GATEWAYS = env.list(
    "SMS_GATEWAY",
    default=[f"{_sms}.ConsoleSms"]
    if ENVIRONMENT != "production"
    else [f"{_sms}.SmsRu"] + [f"{_sms}.Smsc"] * bool(SMSC_API_KEY),
)
CALL_GATEWAY = env.str("CALL_GATEWAY", f"{_sms}.Smsc" if SMSC_API_KEY else "")
SMSRU_API_ID = env.str("SMSRU_API_ID", "")
SMSRU_URL = env.str("SMSRU_URL", "https://sms.ru")
DEV_SMS_FILE = env.str("DEV_SMS_FILE", "")
# Who carries messages to members, one class a channel; an empty name switches a channel off.
_gateways = "apps.core.gateways.messages"
_real = ENVIRONMENT == "production"
MESSAGE_PROVIDERS = {
    "push": env.str(
        "PUSH_PROVIDER", f"{_gateways}.{'fcm.Fcm' if _real else 'console.ConsolePush'}"
    ),
    "sms": env.str(
        "SMS_PROVIDER", f"{_gateways}.{'smsru.SmsRu' if _real else 'console.ConsoleSms'}"
    ),
    "email": env.str(
        "MAIL_PROVIDER", f"{_gateways}.{'sendgrid.SendGrid' if _real else 'console.ConsoleMail'}"
    ),
}
QUIET_HOURS = env.str("QUIET_HOURS", "22:00-09:00")  # in Moscow; empty: none
# Words of a broadcast's segment that need apps above notifications.
MESSAGE_SEGMENTS = "svoykrug.segments.SEGMENTS"
SMSRU_FROM = env.str("SMSRU_FROM", "")
FCM_SERVICE_ACCOUNT = env.str("FCM_SERVICE_ACCOUNT", "")
FCM_URL = env.str("FCM_URL", "https://fcm.googleapis.com")
FCM_TOKEN_URL = env.str("FCM_TOKEN_URL", "")
SENDGRID_API_KEY = env.str("SENDGRID_API_KEY", "")
SENDGRID_URL = env.str("SENDGRID_URL", "https://api.sendgrid.com")
SENDGRID_WEBHOOK_KEY = env.str("SENDGRID_WEBHOOK_KEY", "")
MAIL_FROM = env.str("MAIL_FROM", "noreply@svoykrug.example")
MAIL_FROM_NAME = env.str("MAIL_FROM_NAME", "Свой Круг")
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))

# The CRM simulator lies on loopback, where a real system never does: open to it only where people
# and money are made up. CRM_PACE keeps to the limits of the systems; tests do not wait for them.
CRM_SIMULATOR_ALLOWED = ENVIRONMENT != "production"
CRM_PACE = env.bool("CRM_PACE", ENVIRONMENT != "test")

LOGGING = logging_config(json=ENVIRONMENT == "production", level=env.str("LOG_LEVEL", "INFO"))
LOGGING_CONFIG = "svoykrug.logging.configure"

# --- admin theme ---------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": _("Own Circle"),
    "SITE_HEADER": _("Own Circle"),
    "SITE_SYMBOL": "join_inner",
    "SITE_LOGO": lambda request: static("img/logo.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("img/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "apps.backoffice.context.environment_label",
    "STYLES": [lambda request: static("css/admin.css")],
    "SCRIPTS": [lambda request: static("js/admin.js")],
    "DASHBOARD_CALLBACK": "apps.backoffice.dashboard.facts",
    "BORDER_RADIUS": "10px",
    "COLORS": {
        "font": {"subtle-light": "var(--color-base-600)"},  # the theme's own is below 4.5:1
        "base": {
            "50": "#FBF8F5",
            "100": "#F3EDE8",
            "200": "#E7DED8",
            "300": "#D3C7C0",
            "400": "#A79AA1",
            "500": "#857681",
            "600": "#6A5C66",
            "700": "#4B3F48",
            "800": "#3A313A",
            "900": "#211B21",
            "950": "#171317",
        },
        "primary": {
            "50": "#FAF3F8",
            "100": "#F3E2EE",
            "200": "#E8C8DE",
            "300": "#D79BC4",
            "400": "#B865A0",
            "500": "#8F437C",
            "600": "#6B2D5C",
            "700": "#5A254D",
            "800": "#4A1F40",
            "900": "#3B1933",
            "950": "#260F21",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": SIDEBAR,
    },
}

SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # its backend is hooked by a subclass, which the check does not see
    "security.W005",
    "security.W021",  # subdomains and preload: decided per host, docs/operations.md
]

# --- watching ------------------------------------------------------------------------------------
# Figures are counted only where somebody reads them. The outermost and the innermost middleware
# take the time, the database wrapper counts statements.
PG_BIN = env.str("PG_BIN", "")  # folder of pg_dump and pg_restore where they are not in PATH
BACKUP_RECIPIENT = env.str("BACKUP_RECIPIENT", "")
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
if METRICS_TOKEN:
    INSTALLED_APPS.append("django_prometheus")
    MIDDLEWARE = [
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        *MIDDLEWARE,
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ]
    PROMETHEUS_EXPORT_MIGRATIONS = False
reporting.start(env.str("SENTRY_DSN", ""), environment=ENVIRONMENT, release=env.str("VERSION", ""))

TESTING = "pytest" in sys.modules
if ENVIRONMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
