"""Settings, read from environment variables and `.env`. docs/operate.md describes the environment variables."""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from mlsite.account_settings import *  # noqa: F403
from mlsite.database_settings import build_database
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
    VERSION,
    build_rest_framework,
    build_spectacular,
)
from mlsite.logging_config import build_logging_config
from mlsite.path_settings import build_path_settings

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if env_file := os.environ.get("ENV_FILE", str(BASE_DIR / ".env")):
    env.read_env(env_file)

from mlsite.event_settings import *  # noqa: E402, F403  after .env is read
from mlsite.identity_settings import *  # noqa: E402, F403
from mlsite.storage_settings import *  # noqa: E402, F403

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))  # contains every file that the site writes

# --- security -------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="only-for-debug" * 4 if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY in the environment or in .env. `make env` creates a .env with a new key.")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # previous keys, during a rotation
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="").rstrip("/")  # for links in emails; if empty, see core.urls.find_public_url

# The path of the site on its host, if the site is not at the root. The proxy removes it from the URLs of requests.
SCRIPT_PATH = env.str("FORCE_SCRIPT_NAME", default="").rstrip("/")
vars().update(build_path_settings(SCRIPT_PATH))

COMMIT = env.str("COMMIT", default="")  # of the running source; if empty, it is read from .git

# Set HTTPS=true if a proxy terminates HTTPS. The settings below depend on it.
HTTPS = env.bool("HTTPS", default=False)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=30 * 24 * 3600 if HTTPS else 0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "mlsite.errors.csrf_failure"

# --- applications ---------------------------------------------------------------------------------------------------
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", cast=str.strip, default=[])
MIDDLEWARE = [
    "mlsite.middleware.RequestLogMiddleware",
    "mlsite.language_middleware.LanguageMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "mlsite.security_middleware.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "mlsite.security_middleware.PrivateResponseMiddleware",
    "mlsite.security_middleware.RepeatedParameterMiddleware",
    "mlsite.page_middleware.PageCSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
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
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W005", "security.W021"]
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
DATABASE_TIMEOUT = env.float("DATABASE_TIMEOUT", default=4.0)
DATABASE_JOB_TIMEOUT = env.float("DATABASE_JOB_TIMEOUT", default=3600.0)  # per statement of other work; 0 for no limit
DATABASE = build_database(
    env.db_url("DATABASE_URL")
    if env.str("DATABASE_URL", default="")
    else {"ENGINE": "sqlite3", "NAME": str(VAR_DIR / "db.sqlite3")}
)
DATABASES = {"default": DATABASE}

# --- accounts -------------------------------------------------------------------------------------------------------
# Number of proxies that append to X-Forwarded-For. With 0, the header is ignored, because clients can set it.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
# The default writes emails to files: a reset link in the log would let everyone who reads the log take over accounts.
vars().update(env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "filemail://"))
EMAIL_FILE_PATH = vars().get("EMAIL_FILE_PATH") or str(VAR_DIR / "mail")
EMAIL_TIMEOUT = 30  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="mlsite@localhost")

DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")  # of the superuser `demo`; if empty, `bootstrap` does not create it
TOUR = env.bool("TOUR", default=bool(DEMO_PASSWORD))  # show the public tour

# --- files ----------------------------------------------------------------------------------------------------------
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(VAR_DIR / "media"))()
MODEL_ROOT = env.path("MODEL_ROOT", default=str(VAR_DIR / "models"))()
STATIC_ROOT = env.path("STATIC_ROOT", default=str(VAR_DIR / "static"))()  # `collectstatic` writes it
STATICFILES_DIRS = [BASE_DIR / "static"]

# nginx sends the images from this internal location, after a view has checked the permissions. Empty: the view sends them.
X_ACCEL_LOCATION = env.str("X_ACCEL_LOCATION", default="")
FILE_UPLOAD_PERMISSIONS = 0o640

# --- predictions ----------------------------------------------------------------------------------------------------
DEFAULT_MODEL = env.str("DEFAULT_MODEL", default="")  # for requests without a model; if empty, the first registered
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=10 * 2**20)  # per image
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", default=25_000_000)
MAX_DECODE_SECONDS = env.float("MAX_DECODE_SECONDS", default=1.5)  # CPU time per image
MAX_DECODES_PER_USER = env.int("MAX_DECODES_PER_USER", default=4)  # of more than a megapixel at the same time, per process
MAX_JSON_BYTES = 2**20  # without the image
MAX_IMAGE_JSON_BYTES = MAX_UPLOAD_BYTES * 3 // 2 + MAX_JSON_BYTES  # base64 takes 4/3, and more with line breaks
MAX_FORM_BYTES = 3 * MAX_UPLOAD_BYTES  # without JavaScript, the upload page sends several images in one request
FORM_OVERHEAD_BYTES = 64 * 2**10  # other parts of a multipart body
MAX_BATCH_FILE_BYTES = env.int("MAX_BATCH_FILE_BYTES", default=2 * 2**30)  # of the file of a batch job
MAX_BATCH_JOB_ITEMS = env.int("MAX_BATCH_JOB_ITEMS", default=1_000_000)  # rows or images of a batch job
# Routes whose uploads are written to disk while they are received.
LARGE_UPLOAD_ROUTES = ["api:batch-job-list", "api:batch-job-images", "predictions:batch-job-new"]
BATCH_JOB_LEASE_SECONDS = env.int("BATCH_JOB_LEASE_SECONDS", default=60)  # then a job without progress is started again
MAX_BATCH_IMAGES = env.int("MAX_BATCH_IMAGES", default=256)  # per batch request
MAX_BATCH_ROWS = env.int("MAX_BATCH_ROWS", default=10_000)  # rows or texts per batch request
MAX_BATCH_BYTES = env.int("MAX_BATCH_BYTES", default=64 * 2**20)  # per batch request
PREDICT_TIMEOUT = env.float("PREDICT_TIMEOUT", default=10.0)  # seconds that a request waits, including the queue
MAX_BATCH = env.int("MAX_BATCH", default=32)  # inputs per batch
MAX_QUEUE = env.int("MAX_QUEUE", default=128)  # inputs that can wait per model and process; further requests get a 503
MAX_LOADED_MODELS = env.int("MAX_LOADED_MODELS", default=16)  # per process; the least recently used one is unloaded
MAX_LOADED_BYTES = env.int("MAX_LOADED_BYTES", default=4 * 2**30)  # total size of their artifacts, per process
HOST = env.str("HOST", default="127.0.0.1")  # address to listen on
PORT = env.int("PORT", default=8000)
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=2)  # processes
WEB_THREADS = env.int("WEB_THREADS", default=8)  # threads per process
INFERENCE_THREADS = env.int("INFERENCE_THREADS", default=max(1, (os.cpu_count() or 1) // WEB_CONCURRENCY))
MAX_WAIT = env.float("MAX_WAIT", default=5.0)  # seconds that a request waits for a free thread before it gets a 503
METRICS_PUBLIC = env.bool("METRICS_PUBLIC", default=False)

FILE_UPLOAD_HANDLERS = ["core.uploadhandler.WholeBodyUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = max(MAX_FORM_BYTES, MAX_BATCH_BYTES) + FORM_OVERHEAD_BYTES  # no temporary files
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_JSON_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = max(250, MAX_BATCH_IMAGES + 50)
DATA_UPLOAD_MAX_NUMBER_FILES = max(20, MAX_BATCH_IMAGES)

# --- events ---------------------------------------------------------------------------------------------------------
EVENT_SOURCE = env.str("EVENT_SOURCE", default=SITE_URL or "mlsite")  # the `source` of all CloudEvents
EVENT_JSONL_PATH = env.str("EVENT_JSONL_PATH", default=str(VAR_DIR / "events" / "events.jsonl"))

# --- background work ------------------------------------------------------------------------------------------------
# The broker of the Celery workers: amqp://… (RabbitMQ) or redis://…. If empty, tasks run in threads of the web processes.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
BACKGROUND_THREADS = env.int("BACKGROUND_THREADS", default=2)  # of a Celery worker, or of each web process without a broker
# With a broker, one thread of each web process sends the tasks, so that no request waits for the broker.
TASK_HANDLER, TASK_THREADS = (
    ("mlsite.celery.send_task", 1) if CELERY_BROKER_URL else ("core.tasks.run_task", BACKGROUND_THREADS)
)
# Seconds after which a worker that is running a prediction is considered lost. Loading the slowest model must take less.
BACKGROUND_LEASE_SECONDS = env.float("BACKGROUND_LEASE_SECONDS", default=max(120.0, 6 * PREDICT_TIMEOUT))
MAX_PREFER_WAIT = env.int("MAX_PREFER_WAIT", default=10)  # seconds that a request with `Prefer: wait` can wait
MAX_EXPIRES_IN = env.int("MAX_EXPIRES_IN", default=7 * 24 * 3600)  # seconds, the limit of `expires_in`
IDEMPOTENCY_HOURS = env.int("IDEMPOTENCY_HOURS", default=24)  # for which a repeated request gets the first response
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=10)  # between two searches for work whose task or worker is lost
# Seconds after which work that has not started is enqueued again. Without a broker, all tasks are lost when the server
# stops, and a task that is waiting already is not enqueued twice. With a broker, each repetition is a message.
TASK_REPEAT_SECONDS = env.float("TASK_REPEAT_SECONDS", default=60 if CELERY_BROKER_URL else 10)
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
DAILY_QUOTA = env.int("DAILY_QUOTA", default=0)  # predictions per user and day (UTC); 0 for no limit
REST_FRAMEWORK = build_rest_framework(rate=env.str("API_RATE", default="") or None, proxy_count=TRUSTED_PROXIES)
SPECTACULAR_SETTINGS = build_spectacular(script_name=SCRIPT_PATH)

# --- language, time, logging ----------------------------------------------------------------------------------------
TIME_ZONE, LANGUAGE_CODE, LOCALE_PATHS = "UTC", "en", [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["mlsite.formats"]

LOG_FORMAT = env.str("LOG_FORMAT", default="auto")
LOGGING = build_logging_config(level=env.str("LOG_LEVEL", default="INFO"), log_format=LOG_FORMAT)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow logs its instruction sets and the search for GPUs
