"""Logging configuration for Django and gunicorn: one JSON object per line, on standard error."""

from __future__ import annotations

from typing import Any


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
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": "{asctime}{levelname}{name}{message}",
                "style": "{",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would print a second, unstructured line for each request.
            "django": {"handlers": [], "level": "INFO"},
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "axes": {"level": "WARNING"},
            "apscheduler": {"level": "WARNING"},
            # Celery would log each message twice. The tasks log what they did.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
