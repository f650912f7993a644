"""Logging configuration for Django and gunicorn: on standard error, a line of text for a terminal, or else of JSON."""

from __future__ import annotations

import logging
import re
import sys
from contextvars import ContextVar
from math import inf
from time import gmtime, monotonic
from typing import Any

from pythonjsonlogger.json import JsonFormatter

TRACEBACK_SECONDS = 60.0  # between two tracebacks of errors of the database
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMATS = ("auto", "text", "json")
STANDARD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}
HIDDEN_FIELDS = {"request_id", "route", "user", "prediction"}  # long, and of little use to the reader of a terminal
RESET_PATH = "/accounts/reset/"
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")  # empty outside requests
RESET_LINK_PATTERN = re.compile(rf"{RESET_PATH}[^/\s\"\\]+/[^/\s\"\\]+")


def mask_reset_links(text: str) -> str:
    """Remove the tokens from the paths of links to set a new password. A token lets its reader take over an account."""
    return RESET_LINK_PATTERN.sub(f"{RESET_PATH}<uidb64>/<token>", text) if RESET_PATH in text else text


class LogInterval:
    """Limit how often this process logs something that clients can cause at any rate."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._last = seconds, -inf

    def is_due(self) -> bool:
        """Return whether the last time is long enough ago."""
        now = monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


class MaskedJsonFormatter(JsonFormatter):
    """Mask reset links in everything that is logged, also in tracebacks. Times are in UTC (RFC 3339)."""

    converter = staticmethod(gmtime)
    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        return mask_reset_links(super().format(record))


class MaskedTextFormatter(logging.Formatter):
    """Write the time, the level if it is not INFO, the message, and the extra fields."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  name in logging
        fields = {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS | HIDDEN_FIELDS}
        if record.name == "mlsite.request":
            parts = [f"{fields.get('method')} {fields.get('path')} {fields.get('status')}  {fields.get('ms')} ms"]
        else:
            parts = [record.message, *(f"{name}={value}" for name, value in fields.items() if value not in ("", None))]
        level = [] if record.levelno == logging.INFO else [record.levelname]
        return " ".join([self.formatTime(record, "%H:%M:%S"), *level, *parts])

    def format(self, record: logging.LogRecord) -> str:
        return mask_reset_links(super().format(record))


class RequestIdFilter(logging.Filter):
    """Add the ID of the request to everything that its thread logs, so that all lines of a request can be found."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (value := current_request_id.get()) and not hasattr(record, "request_id"):
            record.request_id = value
        return True


class ExceptionFilter(logging.Filter):
    """Drop messages without a traceback. The line of the request already has the status of the response."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


class DatabaseErrorFilter(logging.Filter):
    """Replace the traceback of an error of the database with its message, except once per minute.

    While the database is unavailable, each request and each periodic job fails with the same error.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tracebacks = LogInterval(TRACEBACK_SECONDS)

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info:
            return True
        from django.db import InterfaceError, OperationalError  # imports the settings, which import this module

        error = record.exc_info[1]
        if isinstance(error, OperationalError | InterfaceError) and not self._tracebacks.is_due():
            record.msg, record.args = f"{record.getMessage()}: {' '.join(str(error).split())}", ()
            record.exc_info = record.exc_text = None
        return True


def skip_unused_fields() -> None:
    """Omit the line of code, the thread, and the process from log records, because no format uses them.

    A message then takes 23 instead of 26 µs of CPU. See "Optimization" in the logging HOWTO of Python.
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def choose_formatter(log_format: str) -> str:
    """Return the name of the formatter.

    Raises:
        ValueError: there is no such format.
    """
    if log_format not in LOG_FORMATS:
        raise ValueError(f"LOG_FORMAT: expected one of {', '.join(LOG_FORMATS)}. Received: {log_format!r}")
    if log_format == "auto":
        return "text" if sys.stderr and sys.stderr.isatty() else "json"
    return log_format


def build_logging_config(*, level: str, log_format: str = "json") -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`.

    Args:
        level: minimum level of the root logger, for example `INFO`.
        log_format: `text`, `json`, or `auto`: text if standard error is a terminal.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": MaskedTextFormatter},
            "json": {
                "()": MaskedJsonFormatter,
                "format": "{asctime}{levelname}{name}{message}",
                "style": "{",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            },
        },
        "filters": {
            "exceptions": {"()": ExceptionFilter},
            "database": {"()": DatabaseErrorFilter},
            "request_id": {"()": RequestIdFilter},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": choose_formatter(log_format),
                "filters": ["database", "request_id"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would print a second, unstructured line for each request.
            "django": {"handlers": [], "level": "INFO"},
            "django.request": {"level": "ERROR", "filters": ["exceptions"]},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "axes": {"level": "WARNING"},
            "apscheduler": {"level": "WARNING"},
            "apscheduler.scheduler": {"level": "ERROR"},  # it warns when it skips a job that is still running
            # Celery would log each message twice. The tasks log what they did.
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},  # each periodic job, several times a minute
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
