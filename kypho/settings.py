"""Every setting of Kypho, read strictly from the environment.

Importing this file starts nothing. A value that is not understood stops the start with ImproperlyConfigured, which
names the setting and what is allowed. Each variable is described in docs/operating.md (a test compares the two).
"""

import os
import zoneinfo
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from kypho import database, logs

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"


def text(name: str, default: str = "") -> str:
    """A setting as text, or the content of the file that NAME_FILE names (how secrets are mounted)."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as problem:
            raise ImproperlyConfigured(
                f"{name}_FILE names a file that cannot be read: {problem.strerror}."
            ) from None
    return os.environ.get(name, "").strip() or default


def flag(name: str) -> bool:
    """A yes/no setting; unset means no."""
    value = text(name, "0").lower()
    if value not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; allowed: 1, true, yes, on, 0, false, no, off.")
    return value in {"1", "true", "yes", "on"}


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number within limits."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise ImproperlyConfigured(f"{name} is {value!r}; allowed: a whole number from {low} to {high}.")
    return int(value)


def names(name: str) -> list[str]:
    """A list with commas between its items."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def one_of(name: str, default: str, allowed: set[str]) -> str:
    """One word out of a few."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; allowed: {', '.join(sorted(allowed))}.")
    return value


def time_zone() -> str:
    """The zone in which times are shown; they are stored in UTC."""
    value = text("TIME_ZONE", "UTC")
    if value not in zoneinfo.available_timezones():
        raise ImproperlyConfigured(f"TIME_ZONE is {value!r}; allowed: a name such as Europe/Berlin or UTC.")
    return value


def secret_key() -> str:
    """The signing key: given, or (in the demo only) made once and kept under var/."""
    key = text("SECRET_KEY")
    if not key and DEMO:
        kept = VAR_DIR / "demo-secret-key"
        if not kept.exists():
            VAR_DIR.mkdir(exist_ok=True)
            kept.touch(mode=0o600)
            kept.write_text(get_random_secret_key())
        return kept.read_text()
    if len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            "SECRET_KEY (or SECRET_KEY_FILE) is missing or weak; allowed: at least 50 random characters, for instance "
            "from `openssl rand -base64 48`."
        )
    return key


def database_settings() -> dict[str, Any]:
    """The one database: as the app's role, or as its owner for the commands that change tables and roles."""
    embedded = not text("DATABASE_URL")
    address = text("DATABASE_URL", database.url("kypho_app"))
    if AS_OWNER:
        address = text("DATABASE_OWNER_URL", database.url("kypho_owner") if embedded else address)
    try:
        found = database.as_settings(address)
    except ValueError as problem:
        name = "DATABASE_OWNER_URL" if AS_OWNER and text("DATABASE_OWNER_URL") else "DATABASE_URL"
        raise ImproperlyConfigured(
            f"{name} is not understood ({problem}); allowed: postgresql://user:password@host:5432/database."
        ) from None
    found["PASSWORD"] = found["PASSWORD"] or text("DATABASE_PASSWORD")
    # A frozen or locked database must not freeze a nurse; a migration may take its time but not hold others up.
    statement = 0 if AS_OWNER else 5000
    limits = (
        f"-c statement_timeout={statement} -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000"
    )
    found["OPTIONS"] = {"connect_timeout": 3, "options": limits, **found["OPTIONS"]}
    return {**found, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}


DEMO = flag("KYPHO_DEMO")
AS_OWNER = flag("DATABASE_AS_OWNER")
DEBUG = flag("DEBUG")
HTTPS = flag("HTTPS")
if DEBUG and not DEMO:
    raise ImproperlyConfigured(
        "DEBUG is on, which shows patient data in errors; allowed: only with KYPHO_DEMO=1."
    )

SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = names("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = names("ALLOWED_HOSTS") or (["*"] if DEMO else [])
CSRF_TRUSTED_ORIGINS = names("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXY_COUNT = number("TRUSTED_PROXY_COUNT", 0, 0, 5)
METRICS_TOKEN = text("METRICS_TOKEN")
PAGE_THREADS = number("PAGE_THREADS", 8, 1, 64)
EXPORT_THREADS = number("EXPORT_THREADS", 2, 1, 16)
LOG_FORMAT = one_of("LOG_FORMAT", "json", {"json", "text"})
LOG_LEVEL = one_of("LOG_LEVEL", "info", {"info", "warning", "error"})
LOGGING = logs.configure(LOG_FORMAT, LOG_LEVEL, with_messages=DEBUG)
LOGGING_CONFIG = "logging.config.dictConfig"

INSTALLED_APPS = [
    "procedures",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "kypho.logs.RequestLog",
    "kypho.headers.Hardening",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "procedures.middleware.NoStore",
    "procedures.middleware.Readable",
    "procedures.middleware.DatabaseAway",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "procedures.middleware.WhoIsThere",
    "django_htmx.middleware.HtmxMiddleware",
    "procedures.middleware.SignInRequired",
    "procedures.middleware.Locked",
    "procedures.middleware.RefusedAsResponse",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "kypho.urls"
ASGI_APPLICATION = "kypho.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATE_FILES = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": TEMPLATE_FILES
            if DEBUG
            else [("django.template.loaders.cached.Loader", TEMPLATE_FILES)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "procedures.context.theme",
                "procedures.context.tablet",
            ],
        },
    }
]

DATABASES = {"default": database_settings()}
CACHES = {
    # Shared between the processes: the rate limits of sign-in.
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kypho_cache"},
    # Of one process: drawn parts of forms that follow from a published protocol version alone.
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 1000}},
}

# People
AUTH_USER_MODEL = "procedures.User"
AUTHENTICATION_BACKENDS = ["procedures.signin.sessions.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "kypho.accounts.Accounts"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]

# Sessions and cookies
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_SAVE_EVERY_REQUEST = False
IDLE_MINUTES = number("IDLE_MINUTES", 5, 1, 60)  # on an enrolled tablet, until it asks for the PIN
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
TABLET_COOKIE_NAME = "__Host-tablet" if HTTPS else "tablet"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"

# Messages name patients, so they stay on the server and out of cookies.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# What the browser may do
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^readyz$", r"^metrics$"]
# Not in the demo: a self-signed localhost must not be pinned for a year.
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS and not DEMO else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and not DEMO
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# Language and time
LANGUAGE_CODE = one_of("LANGUAGE_CODE", "en-gb", {"en", "en-gb"})
LANGUAGES = [("en", _("English")), ("en-gb", _("British English"))]
# Where the interface is shown as it is written, nothing is looked up: a tick asks for several hundred texts.
USE_I18N = not LANGUAGE_CODE.startswith("en")
USE_TZ = True
TIME_ZONE = time_zone()

# Above these the statistics count a dose as above the alert level: the first notice of SIR 2009 and NCRP 168.
ALERT_FLUOROSCOPY_MINUTES = number("ALERT_FLUOROSCOPY_MINUTES", 30, 1, 240)
ALERT_DOSE_AREA_PRODUCT = number("ALERT_DOSE_AREA_PRODUCT", 300, 1, 10_000)  # Gy·cm²
ALERT_AIR_KERMA = number("ALERT_AIR_KERMA", 3000, 1, 50_000)  # mGy

# Files of the interface
STATIC_URL = "/static/"
STATIC_ROOT = Path(text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "kypho.storage.HashedFiles"
    },
}
