"""Django's settings, read from the environment and `.env`; README.md tells of every variable.

Nothing else reads the environment, and only `tasks/conf.py` reads these `TASKRUNNER_…` settings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from taskrunner.environment import Environment
from taskrunner.logs import logging_config
from tasks.vocabulary import (
    REAL_PROVIDERS,
    AutoRouting,
    LogFormat,
    LogLevel,
    MockMode,
    Provider,
    Scope,
    Stage,
    Status,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# --- The process ------------------------------------------------------------------------------
ENVIRONMENT = env.choice("ENVIRONMENT", Stage.DEVELOPMENT)
IS_PRODUCTION = ENVIRONMENT == Stage.PRODUCTION
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
if IS_PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG=true is refused while ENVIRONMENT=production: remove DEBUG.")
if IS_PRODUCTION and (len(SECRET_KEY) < 50 or SECRET_KEY.startswith("insecure-")):
    raise ImproperlyConfigured(
        "SECRET_KEY must be one of your own, 50 characters or more, while ENVIRONMENT=production."
    )
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set: `./run` generates one into .env.")
_LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]  # always: health checks ask from beside us
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), *_LOOPBACK]
if IS_PRODUCTION and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS=* is refused in production: name your hosts.")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
LOGGING = logging_config(
    env.choice("LOG_LEVEL", LogLevel.INFO), env.choice("LOG_FORMAT", LogFormat.TEXT)
)
LOGGING_CONFIG = "taskrunner.logs.configure"

# --- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "tasks.apps.TasksConfig",  # before django_q: its `qcluster` command wraps theirs
    "mcp_bridge.apps.McpBridgeConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "tasks.middleware.RequestIdMiddleware",
    "tasks.middleware.ActorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "tasks.middleware.ContentSecurityPolicyMiddleware",
    "tasks.middleware.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "taskrunner.urls"
ASGI_APPLICATION = "taskrunner.asgi.application"
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
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator",
                 "CommonPasswordValidator", "NumericPasswordValidator")
]  # fmt: skip
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True  # one command starts everything: no collectstatic to forget
LOGIN_URL = "admin:login"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- The database -----------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL", "sqlite:///db.sqlite3")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["NAME"] = str(BASE_DIR / str(_database["NAME"]))
    _database["OPTIONS"] = {
        # IMMEDIATE: a transaction that reads first cannot be refused its lock later.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = {
        "connect_timeout": 5,
        "application_name": "taskrunner",
        # A host that is cut off gets no answer at all, not even a refusal: without these it waits
        # a quarter of an hour for one, its finished answers unsettled.
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
    } | _database.get("OPTIONS", {})  # those in DATABASE_URL, such as sslmode, have the last word
    # Set by asgi.py alone: under ASGI persistent connections are off, so a web process pools.
    # Workers hold one connection each; a pool's threads would not survive their fork.
    if os.environ.get("TASKRUNNER_PROCESS") == "web":
        _database["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 16, "timeout": 5}

REDIS_URL = env.redis("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "taskrunner.cache.FallbackRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 1.0},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Security ---------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
if IS_PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- django-q2: tickets only, see tasks/engine/broker.py --------------------------------------
TASKRUNNER_WORKERS = env.integer(
    "TASKRUNNER_WORKERS", min(os.cpu_count() or 1, 4), least=1, most=64
)
Q_CLUSTER = {
    "name": "taskrunner",
    "broker_class": "tasks.engine.broker.TicketBroker",
    "workers": TASKRUNNER_WORKERS,
    # Never full: a pusher that blocks on a full queue would not hear the order to stop.
    "queue_limit": 0,
    "bulk": 1,
    "recycle": 1,
    # Of no meaning for tickets, which carry their own; the sentinel waits so long for its monitor
    # at a stop, and a monitor may be stuck for ever on a lock that a killed one took along.
    "timeout": 1,
    "retry": 2,
    "save_limit": -1,
    "max_attempts": 1,
    "ack_failures": True,
    "scheduler": False,
    "guard_cycle": 0.5,
    "log_level": "INFO",
}

# --- DRF --------------------------------------------------------------------------------------
API_CALLS_A_MINUTE = 1200  # for each API key, and for each user's sessions
API_REFUSALS_A_MINUTE = 60  # calls without valid credentials, for each address
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tasks.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "tasks.api.permissions.HasScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["tasks.api.throttles.CallerThrottle"],
    "DEFAULT_PARSER_CLASSES": ["tasks.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "tasks.api.renderers.BrowsableRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tasks.api.errors.handle_exception",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Async AI Task Runner",
    "DESCRIPTION": "Submit AI prompts as tasks, follow them, collect honest answers.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tasks.api.schema.close_requests",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ProviderName": [(name.value, name.value) for name in Provider],
        "Status": [(status.value, status.value) for status in Status],
        "Scope": [(scope.value, scope.value) for scope in Scope],
        "EventType": "tasks.api.webhooks.EVENT_TYPES",
        "DeliveryState": "tasks.api.webhooks.DELIVERY_STATES",
        "BreakerForce": "tasks.api.provider_state.FORCES",
    },
}

# --- The task runner --------------------------------------------------------------------------
TASKRUNNER_DEFAULT_PROVIDER = env.word("TASKRUNNER_DEFAULT_PROVIDER", tuple(Provider))
TASKRUNNER_AUTO = env.choice("TASKRUNNER_AUTO", AutoRouting.HEALTHY)
TASKRUNNER_CONCURRENCY = env.integer("TASKRUNNER_CONCURRENCY", 256, least=1, most=10_000)
TASKRUNNER_CALL_TIMEOUT = env.number("TASKRUNNER_CALL_TIMEOUT", 60, least=0.1, most=3600)
TASKRUNNER_MAX_ATTEMPTS = env.integer("TASKRUNNER_MAX_ATTEMPTS", 5, least=1, most=100)
TASKRUNNER_RETRY_BASE = env.number("TASKRUNNER_RETRY_BASE", 1, least=0, most=3600)
TASKRUNNER_RETRY_CAP = env.number("TASKRUNNER_RETRY_CAP", 60, least=0, most=86_400)
TASKRUNNER_LEASE = env.number("TASKRUNNER_LEASE", 30, least=1, most=3600)
TASKRUNNER_AGING = env.number("TASKRUNNER_AGING", 600, least=0, most=86_400)
TASKRUNNER_FAILOVER = env.known_words(
    "TASKRUNNER_FAILOVER", REAL_PROVIDERS, "deepseek,openai,anthropic"
)
TASKRUNNER_MOCK = env.choice("TASKRUNNER_MOCK", MockMode.AUTO)
TASKRUNNER_PROMPT_MAX_CHARS = env.integer(
    "TASKRUNNER_PROMPT_MAX_CHARS", 1000, least=1, most=1_000_000
)
TASKRUNNER_JOURNAL_DIR = env.text("TASKRUNNER_JOURNAL_DIR") or str(BASE_DIR / "var" / "journal")
TASKRUNNER_PRICE_FILE = env.text("TASKRUNNER_PRICE_FILE") or str(BASE_DIR / "var" / "prices.toml")
TASKRUNNER_RETENTION_DAYS = env.optional_integer("TASKRUNNER_RETENTION_DAYS", least=1, most=36_500)
TASKRUNNER_CACHE_TTL = env.number("TASKRUNNER_CACHE_TTL", 0, least=0, most=31_536_000)
TASKRUNNER_STREAM = env.flag("TASKRUNNER_STREAM", False)
TASKRUNNER_DAILY_BUDGET_USD = env.optional_money(
    "TASKRUNNER_DAILY_BUDGET_USD", least="0.0001", most="1000000"
)
TASKRUNNER_MCP_USER = env.text("TASKRUNNER_MCP_USER", "admin")
TASKRUNNER_MCP_ALLOWED_HOSTS = env.words("TASKRUNNER_MCP_ALLOWED_HOSTS")
TASKRUNNER_MCP_ALLOWED_ORIGINS = env.words("TASKRUNNER_MCP_ALLOWED_ORIGINS")
# --- Alerts -----------------------------------------------------------------------------------
vars().update(env.email("EMAIL_URL"))  # EMAIL_BACKEND, EMAIL_HOST and so on
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL") or "taskrunner@localhost"
TASKRUNNER_ALERT_EMAIL = env.words("TASKRUNNER_ALERT_EMAIL")
TASKRUNNER_ALERT_WEBHOOK = env.exact_url("TASKRUNNER_ALERT_WEBHOOK")
TASKRUNNER_ALERT_FOR = env.number("TASKRUNNER_ALERT_FOR", 60, least=0, most=86_400)
TASKRUNNER_ALERT_QUEUE_AGE = env.number("TASKRUNNER_ALERT_QUEUE_AGE", 300, least=0, most=864_000)
TASKRUNNER_ALERT_FAILED_PERCENT = env.number(
    "TASKRUNNER_ALERT_FAILED_PERCENT", 25, least=0, most=100
)
TASKRUNNER_ALERT_BUDGET_PERCENT = env.number(
    "TASKRUNNER_ALERT_BUDGET_PERCENT", 80, least=0, most=100
)

# --- Webhooks ---------------------------------------------------------------------------------
TASKRUNNER_WEBHOOK_ALLOWED_HOSTS = env.words("TASKRUNNER_WEBHOOK_ALLOWED_HOSTS")

# --- Providers --------------------------------------------------------------------------------
TASKRUNNER_PROVIDERS = {
    name.value: {
        "api_keys": env.words(f"{name.upper()}_API_KEY"),
        "base_url": env.url(f"{name.upper()}_BASE_URL"),
        "default_model": env.text(f"TASKRUNNER_DEFAULT_MODEL_{name.upper()}"),
        "models": env.words(f"TASKRUNNER_MODELS_{name.upper()}"),
        "rpm": env.optional_integer(f"TASKRUNNER_RPM_{name.upper()}"),
        "tpm": env.optional_integer(f"TASKRUNNER_TPM_{name.upper()}"),
    }
    for name in REAL_PROVIDERS
}
