"""Settings, read from environment variables and `.env`. docs/operate.md describes the environment variables."""

import os

from django.core.exceptions import ImproperlyConfigured

from mlsite.database_settings import build_database
from mlsite.environment import BASE_DIR, env, read_env_file
from mlsite.fixed_account_settings import *  # noqa: F403
from mlsite.fixed_settings import (  # noqa: F401  settings
    AUTHENTICATION_BACKENDS,
    CONTENT_SECURITY_POLICY,
    CORS_ALLOW_HEADERS,
    CORS_EXPOSE_HEADERS,
    CORS_URLS_REGEX,
    INSTALLED_APPS,
    LANGUAGES,
    MAX_ARCHIVE_MEMBERS,
    MAX_BATCH_JSON_BYTES,
    MAX_BATCH_VALUES,
    MODEL_PAGE_HOOKS,
    PERMISSIONS_POLICY,
    VERSION,
    build_rest_framework,
    build_spectacular,
)
from mlsite.logging_config import LOG_FORMATS, LOG_LEVELS, build_logging_config
from mlsite.path_settings import build_path_settings

read_env_file()

from mlsite.account_settings import *  # noqa: E402, F403  after .env is read
from mlsite.event_settings import *  # noqa: E402, F403
from mlsite.prediction_settings import *  # noqa: E402, F403
from mlsite.storage_settings import *  # noqa: E402, F403

VAR_DIR = env.get_path("VAR_DIR", default=BASE_DIR / "var")  # contains every file that the site writes

# --- security -------------------------------------------------------------------------------------------------------
DEBUG = env.get_flag("DEBUG", default=False)
SECRET_KEY = env.get_text("SECRET_KEY", default="only-for-debug" * 4 if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY in the environment or in .env. `make env` creates a .env with a new key.")
SECRET_KEY_FALLBACKS = env.get_list("SECRET_KEY_FALLBACKS")  # previous keys, during a rotation
ALLOWED_HOSTS = env.get_hosts("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.get_list("CSRF_TRUSTED_ORIGINS")
SITE_URL = env.get_text("SITE_URL").rstrip("/")  # for links in emails; if empty, see core.urls.find_public_url

# The path of the site on its host, if the site is not at the root. The proxy removes it from the URLs of requests.
SCRIPT_PATH = env.get_text("FORCE_SCRIPT_NAME").rstrip("/")
vars().update(build_path_settings(SCRIPT_PATH))

COMMIT = env.get_text("COMMIT")  # of the running source; if empty, it is read from .git

# Set HTTPS=true if a proxy terminates HTTPS. The settings below depend on it.
HTTPS = env.get_flag("HTTPS", default=False)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.get_integer("HSTS_SECONDS", default=30 * 24 * 3600 if HTTPS else 0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "mlsite.errors.csrf_failure"

# --- applications ---------------------------------------------------------------------------------------------------
CORS_ALLOWED_ORIGINS = env.get_list("CORS_ALLOWED_ORIGINS")
MIDDLEWARE = [
    "mlsite.page_middleware.FrameSpaceMiddleware",
    "mlsite.head_middleware.HeadMiddleware",
    "mlsite.middleware.RequestLogMiddleware",
    "mlsite.language_middleware.LanguageMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "mlsite.security_middleware.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "mlsite.security_middleware.PrivateResponseMiddleware",
    "mlsite.security_middleware.RepeatedParameterMiddleware",
    "mlsite.page_middleware.PageCSPMiddleware",
    "mlsite.page_middleware.PermissionsPolicyMiddleware",
    "mlsite.static_middleware.StaticFilesMiddleware",
    "mlsite.middleware.RequestSizeMiddleware",
    "mlsite.page_middleware.PageSessionMiddleware",
    "mlsite.middleware.AppendSlashMiddleware",
    "mlsite.page_middleware.PageCsrfViewMiddleware",
    "mlsite.page_middleware.PageAuthenticationMiddleware",
    "mlsite.language_middleware.PreferencesMiddleware",
    "mlsite.page_middleware.PageMessageMiddleware",
    "mlsite.page_middleware.RefusedMethodMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.CurrentRequestMiddleware",
    "accounts.middleware.DeviceMiddleware",
    "axes.middleware.AxesMiddleware",
    "mlsite.security_middleware.SessionEndMiddleware",
    *(["mlsite.second_factor_middleware.SecondFactorMiddleware"] if REQUIRE_SECOND_FACTOR else []),  # noqa: F405
]
# W003 does not know PageCsrfViewMiddleware, a subclass of Django's. W005 and W021 would extend HSTS to other sites.
# SQLite ignores the additional columns of covering indexes (W040).
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W005", "security.W021", "models.W040"]
ROOT_URLCONF = "mlsite.urls"
WSGI_APPLICATION = "mlsite.wsgi.application"
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
                "accounts.context_processors.sign_in",
                "accounts.context_processors.preferences",
                "demo.context_processors.tour",
                "mlsite.context_processors.version",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- database -------------------------------------------------------------------------------------------------------
# Seconds within which a request gets an error if the database does not respond. See core/database_limits.py.
DATABASE_TIMEOUT = env.get_seconds("DATABASE_TIMEOUT", default=4.0, minimum=0)
# Seconds per statement of other work; 0 for no limit
DATABASE_JOB_TIMEOUT = env.get_seconds("DATABASE_JOB_TIMEOUT", default=3600.0, minimum=0)
DATABASE = build_database(
    env.get_database("DATABASE_URL", default={"ENGINE": "sqlite3", "NAME": str(VAR_DIR / "db.sqlite3")}), folder=BASE_DIR
)
DATABASES = {"default": DATABASE}

# --- accounts -------------------------------------------------------------------------------------------------------
# Number of proxies that append to X-Forwarded-For. With 0, the header is ignored, because clients can set it.
TRUSTED_PROXIES = env.get_integer("TRUSTED_PROXIES", default=0)
# The default writes emails to files: a reset link in the log would let everyone who reads the log take over accounts.
vars().update(env.get_email("EMAIL_URL", default="consolemail://" if DEBUG else "filemail://"))
EMAIL_FILE_PATH = vars().get("EMAIL_FILE_PATH") or str(VAR_DIR / "mail")
EMAIL_TIMEOUT = 30  # seconds
DEFAULT_FROM_EMAIL = env.get_sender("DEFAULT_FROM_EMAIL", default="mlsite@localhost")

DEMO_PASSWORD = env.get_text("DEMO_PASSWORD")  # of the superuser `demo`; if empty, `bootstrap` does not create it
TOUR = env.get_flag("TOUR", default=bool(DEMO_PASSWORD))  # show the public tour

# --- files ----------------------------------------------------------------------------------------------------------
MEDIA_ROOT = str(env.get_path("MEDIA_ROOT", default=VAR_DIR / "media"))
MODEL_ROOT = str(env.get_path("MODEL_ROOT", default=VAR_DIR / "models"))
STATIC_ROOT = str(env.get_path("STATIC_ROOT", default=VAR_DIR / "static"))  # `collectstatic` writes it
STATICFILES_DIRS = [BASE_DIR / "static"]

# nginx sends the images from this internal location, after a view has checked the permissions. Empty: the view sends them.
X_ACCEL_LOCATION = env.get_text("X_ACCEL_LOCATION")
FILE_UPLOAD_PERMISSIONS = 0o640

# --- events ---------------------------------------------------------------------------------------------------------
EVENT_SOURCE = env.get_text("EVENT_SOURCE", default=SITE_URL or "mlsite")  # the `source` of all CloudEvents
EVENT_JSONL_PATH = str(env.get_path("EVENT_JSONL_PATH", default=VAR_DIR / "events" / "events.jsonl"))

# --- background work ------------------------------------------------------------------------------------------------
# The broker of the Celery workers: amqp://… (RabbitMQ) or redis://…. If empty, tasks run in threads of the web processes.
CELERY_BROKER_URL = env.get_text("CELERY_BROKER_URL")
# Threads of a Celery worker, or of each web process without a broker
BACKGROUND_THREADS = env.get_integer("BACKGROUND_THREADS", default=2, minimum=1)
# With a broker, one thread of each web process sends the tasks, so that no request waits for the broker.
TASK_HANDLER, TASK_THREADS = (
    ("mlsite.celery.send_task", 1) if CELERY_BROKER_URL else ("core.tasks.run_task", BACKGROUND_THREADS)
)
# Seconds after which a worker that is running a prediction is considered lost. Loading the slowest model must take less.
BACKGROUND_LEASE_SECONDS = env.get_seconds(
    "BACKGROUND_LEASE_SECONDS",
    default=max(120.0, 6 * PREDICT_TIMEOUT),  # noqa: F405
    minimum=0.1,
)
MAX_PREFER_WAIT = env.get_integer("MAX_PREFER_WAIT", default=10)  # seconds that a request with `Prefer: wait` can wait
# Seconds, the limit of `expires_in`
MAX_EXPIRES_IN = env.get_integer("MAX_EXPIRES_IN", default=7 * 24 * 3600, minimum=1, maximum=31_622_400)
# Hours for which a repeated request gets the first response
IDEMPOTENCY_HOURS = env.get_integer("IDEMPOTENCY_HOURS", default=24, minimum=1, maximum=8_784)
# Seconds between two searches for work whose task or worker is lost
SWEEP_SECONDS = env.get_seconds("SWEEP_SECONDS", default=10, minimum=0.1)
# Seconds after which work that has not started is enqueued again. Without a broker, all tasks are lost when the server
# stops, and a task that is waiting already is not enqueued twice. With a broker, each repetition is a message.
TASK_REPEAT_SECONDS = env.get_seconds("TASK_REPEAT_SECONDS", default=60 if CELERY_BROKER_URL else 10, minimum=0.1)
MAX_TASK_REPEAT_SECONDS = max(TASK_REPEAT_SECONDS, 600 if CELERY_BROKER_URL else 0)  # it grows with the age of the work
# Functions that the web server calls in the background, or Celery beat if there is a broker, with the interval in seconds.
# See mlsite/scheduler.py and mlsite/celery.py.
SCHEDULED_JOBS = {
    "accounts.services.cleanup.delete_expired": 6 * 3600,
    "accounts.services.erasure.resume_erasures": 60,
    "monitoring.services.deployments.record_deployment": 3600,
    "monitoring.services.rollup.roll_up_pending": 300,
    "monitoring.services.alerts.evaluate_alerts": 60,
    "monitoring.services.notifications.send_notifications": 60,
    "monitoring.services.notifications.delete_old_alerts": 24 * 3600,
    "predictions.services.summaries.update_summaries": 300,
    "predictions.services.background.expire_queued": SWEEP_SECONDS,
    "predictions.services.background.requeue_lost": SWEEP_SECONDS,
    "predictions.services.batch_jobs.requeue_lost_jobs": SWEEP_SECONDS,
    "predictions.services.batch_jobs.delete_old_drafts": 3600,
    "evaluation.services.replays.requeue_lost_replays": SWEEP_SECONDS,
    "accounts.services.idempotency.delete_expired_keys": 3600,
    "events.services.cleanup.remove_old_events": 3600,
    "events.services.webhook_emails.send_disabled_emails": 300,
    **({"events.services.relay.relay_pending": EVENT_RELAY_SECONDS} if EVENT_RELAY_SECONDS else {}),  # noqa: F405
    "predictions.services.retention.apply_policies": 24 * 3600,
    "predictions.services.sweep.delete_unfinished_files": 3600,
    "predictions.services.removed_files.delete_removed_files": 3600,
}

# --- API ------------------------------------------------------------------------------------------------------------
DAILY_QUOTA = env.get_integer("DAILY_QUOTA", default=0)  # predictions per user and day (UTC); 0 for no limit
REST_FRAMEWORK = build_rest_framework(rate=env.get_rate("API_RATE"), proxy_count=TRUSTED_PROXIES)
SPECTACULAR_SETTINGS = build_spectacular(script_name=SCRIPT_PATH)

# --- language, time, logging ----------------------------------------------------------------------------------------
TIME_ZONE, LANGUAGE_CODE, LOCALE_PATHS = "UTC", "en", [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["mlsite.formats"]

LOG_FORMAT = env.get_choice("LOG_FORMAT", LOG_FORMATS, default="auto")
LOGGING = build_logging_config(level=env.get_choice("LOG_LEVEL", LOG_LEVELS, default="INFO"), log_format=LOG_FORMAT)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow logs its instruction sets and the search for GPUs
