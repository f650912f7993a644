"""Settings that no environment variable changes: limits, content security policy, REST framework, CORS, OpenAPI."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF

from mlsite import __version__

PERMISSION_CLASSES = ["rest_framework.permissions.IsAuthenticated", "accounts.authentication.ScopePermission"]
MAX_ARCHIVE_MEMBERS = 100_000  # files in a ZIP archive, whose table of contents is read as a whole
MAX_BATCH_VALUES = 2_000_000  # rows times features of the model per batch request
MAX_BATCH_JSON_BYTES = 8 * 2**20  # per batch request, without images

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.PermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "corsheaders",
    "csp",
    "django_filters",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "core",
    "accounts",
    "events",
    "registry",
    "predictions",
    "evaluation",
    "monitoring",
    "demo",
]
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "blob:", "data:"],  # previews of files before the upload; icons in style sheets
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# The features of browsers that pages use, and those that no script on a page may use. Chromium knows all of these names.
USED_FEATURES = ("camera", "clipboard-write")  # photos as inputs; buttons that copy
UNUSED_FEATURES = (
    *("accelerometer", "autoplay", "browsing-topics", "clipboard-read", "display-capture", "encrypted-media", "fullscreen"),
    *("gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "local-fonts"),
    *("magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-create"),
    *("publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "sync-xhr", "usb", "window-management"),
    *("xr-spatial-tracking",),
)
PERMISSIONS_POLICY = ", ".join([*(f"{name}=(self)" for name in USED_FEATURES), *(f"{name}=()" for name in UNUSED_FEATURES)])


def build_rest_framework(*, rate: str | None, proxy_count: int) -> dict[str, Any]:
    """Return the settings of REST framework.

    Args:
        rate: requests per user, for example `100/min`; None for no limit.
        proxy_count: the number of trusted proxies.
    """
    return {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            # The first class determines the status without credentials: 401, because it sends WWW-Authenticate.
            "accounts.authentication.BearerAuthentication",
            "rest_framework.authentication.SessionAuthentication",
        ],
        "DEFAULT_PERMISSION_CLASSES": PERMISSION_CLASSES,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.JSONNegotiation",
        "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser", "rest_framework.parsers.MultiPartParser"],
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        "DEFAULT_PAGINATION_CLASS": "core.api.pagination.NewestFirstPagination",
        "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttling.SharedRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"user": rate},
        "EXCEPTION_HANDLER": "core.api.problems.handle_exception",
        "NUM_PROXIES": proxy_count,
        "PAGE_SIZE": 20,
        "TEST_REQUEST_DEFAULT_FORMAT": "json",
    }


# Pages of these origins can use the API with a token. Without any origin, there is no CORS middleware.
CORS_URLS_REGEX = r"^/(api/|v2(/|$))"
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "content-encoding", "content-disposition", "idempotency-key", "prefer"),
    *("inference-header-content-length", "x-request-id"),
]
CORS_EXPOSE_HEADERS = [
    *("Location", "Retry-After", "Idempotent-Replayed", "Preference-Applied", "Inference-Header-Content-Length"),
    *("Content-Disposition", "X-Request-ID"),
]
VERSION = __version__
_SPECTACULAR: dict[str, Any] = {
    "TITLE": "mlsite",
    "DESCRIPTION": "Send inputs to trained models and store every prediction. Errors are RFC 9457 problem details "
    "(`application/problem+json`). Create a token on the page [API tokens]({script_name}/accounts/tokens/) and send it in "
    "the header `Authorization: Bearer <token>`.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    # The order in Swagger UI.
    "TAGS": [
        {"name": "predictions", "description": "Run models, list and export predictions, and review them."},
        {"name": "batch-jobs", "description": "Process files with many inputs in the background."},
        {"name": "inputs", "description": "Stored images, rows, and texts."},
        {"name": "models", "description": "Registered models, their versions, and their metrics."},
        {"name": "ground-truth", "description": "Send the true labels or values of many predictions."},
        {"name": "webhooks", "description": "Send events to a URL, and see how the receiver responds."},
    ],
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "predictions.models.Prediction.Status",
        "KindEnum": "predictions.models.Input.Kind",
        "BatchJobStatusEnum": "predictions.models.BatchJob.Status",
        "BatchJobKindEnum": "predictions.models.BatchJob.Kind",
        "AddedImageStatusEnum": ["added", "exists", "rejected"],
        "WebhookStateEnum": "events.models.Webhook.State",
        "DeliveryStateEnum": "events.models.Delivery.State",
    },
    "SERVE_PERMISSIONS": PERMISSION_CLASSES,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.add_problem_responses",
        "predictions.api.schema.restrict_schema",
        "mlsite.api_docs.describe_operations",
    ],
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "defaultModelsExpandDepth": 0,  # the schemas are folded
        "displayRequestDuration": True,
        "filter": True,
        "persistAuthorization": False,
        "showExtensions": False,
    },
}


def build_spectacular(*, script_name: str) -> dict[str, Any]:
    """Return the settings of the API schema of a site below the path `script_name`, or at the root if that is empty."""
    settings = _SPECTACULAR | {"DESCRIPTION": _SPECTACULAR["DESCRIPTION"].format(script_name=script_name)}
    return settings | {"SERVERS": [{"url": script_name}]} if script_name else settings


# What higher apps add to the pages about models, which belong to `predictions`: the metrics of versions, and more for one
# model.
MODEL_PAGE_HOOKS = {
    "measure_versions": "evaluation.model_pages.measure_versions",
    "get_page_context": "evaluation.model_pages.get_page_context",
}
