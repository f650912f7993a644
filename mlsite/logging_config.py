"""Logging configuration for Django and gunicorn: one JSON object per line, on standard error."""

from __future__ import annotations

import logging
import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

RESET_PATH = "/accounts/reset/"
RESET_LINK_PATTERN = re.compile(rf"{RESET_PATH}[^/\s\"\\]+/[^/\s\"\\]+")


def mask_reset_links(text: str) -> str:
    """Remove the tokens from the paths of links to set a new password. A token lets its reader take over an account."""
    return RESET_LINK_PATTERN.sub(f"{RESET_PATH}<uidb64>/<token>", text) if RESET_PATH in text else text


class MaskedJsonFormatter(JsonFormatter):
    """Mask reset links in everything that is logged, also in tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_reset_links(super().format(record))


class ExceptionFilter(logging.Filter):
    """Drop messages without a traceback. The line of the request already has the status of the response."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


def build_logging_config(*, level: str) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`.

    Args:
        level: minimum level of the root logger, for example `INFO`.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": MaskedJsonFormatter,
                "format": "{asctime}{levelname}{name}{message}",
                "style": "{",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            }
        },
        "filters": {"exceptions": {"()": ExceptionFilter}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would print a second, unstructured line for each request.
            "django": {"handlers": [], "level": "INFO"},
            "django.request": {"level": "ERROR", "filters": ["exceptions"]},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "axes": {"level": "WARNING"},
            "apscheduler": {"level": "WARNING"},
            # Celery would log each message twice. The tasks log what they did.
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},  # each periodic job, several times a minute
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
