"""What an operator sees in the terminal: no false warnings, and no line that repeats another one."""

import io
import json
import logging
import sys
import time

import pytest
from django.core.checks import run_checks
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse

from mlsite.logging_config import (
    DatabaseErrorFilter,
    MaskedJsonFormatter,
    MaskedTextFormatter,
    RequestIdFilter,
    choose_formatter,
    skip_unused_fields,
)
from mlsite.middleware import RequestLogMiddleware

pytestmark = pytest.mark.once


def make_record(logger, exc_info):
    return logger.makeRecord(logger.name, logging.ERROR, "", 0, "Service Unavailable: /readyz", (), exc_info)


def test_only_exceptions_are_logged_next_to_the_line_of_the_request():
    logger = logging.getLogger("django.request")
    assert not logger.filter(make_record(logger, None))
    try:
        raise ValueError
    except ValueError:
        assert logger.filter(make_record(logger, sys.exc_info()))


def test_scheduler_logs_failed_jobs_but_not_skipped_ones():
    assert not logging.getLogger("apscheduler.scheduler").isEnabledFor(logging.WARNING)
    assert logging.getLogger("apscheduler.executors.default").isEnabledFor(logging.ERROR)


def test_beat_does_not_log_each_periodic_job():
    logger = logging.getLogger("celery.beat")
    assert not logger.isEnabledFor(logging.INFO)
    assert logger.isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    "path", ["/accounts/reset/MQ/abc-123/", "/accounts/reset/MQ/abc-123", "/accounts/reset/MQ/abc-123/x"]
)
def test_no_line_of_the_log_contains_the_token_of_a_reset_link(path):
    try:
        raise ValueError(path)
    except ValueError:
        record = make_record(logging.getLogger("django.request"), sys.exc_info())
    record.msg, record.path = f"Internal Server Error: {path}", path
    line = MaskedJsonFormatter().format(record)
    assert "abc-123" not in line
    assert line.count("/accounts/reset/<uidb64>/<token>") == 3


@pytest.mark.django_db
def test_deployment_check_has_no_false_warning_about_csrf():
    reported = [message.id for message in run_checks(include_deployment_checks=True) if not message.is_silenced()]
    assert "security.W003" not in reported


def test_errors_of_the_database_have_one_traceback_per_minute():
    shown = DatabaseErrorFilter()
    records = []
    for error in (OperationalError("down\nfor now"), InterfaceError("down"), ValueError("other")):
        try:
            raise error
        except Exception:
            records.append(make_record(logging.getLogger("any"), sys.exc_info()))
        records[-1].exc_text = "Traceback"  # of another handler
        assert shown.filter(records[-1])
    first, second, other = records
    assert (bool(first.exc_info), bool(second.exc_info), bool(other.exc_info)) == (True, False, True)
    assert (first.exc_text, second.exc_text, other.exc_text) == ("Traceback", None, "Traceback")
    assert second.getMessage() == "Service Unavailable: /readyz: down"


def test_records_lose_only_fields_that_no_format_uses(monkeypatch):
    fields = ("logThreads", "logProcesses", "logMultiprocessing")
    for name in ("_srcfile", "raiseExceptions", *fields):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    stream, logger = io.StringIO(), logging.Logger("any")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(MaskedJsonFormatter("{asctime}{levelname}{name}{message}", style="{"))
    logger.addHandler(handler)
    for skip in (lambda: None, skip_unused_fields):
        skip()
        logger.error("no %s", "disk", extra={"path": "/x"})
    first, second = ({**json.loads(line), "asctime": ""} for line in stream.getvalue().splitlines())
    assert first == second == {"asctime": "", "levelname": "ERROR", "name": "any", "message": "no disk", "path": "/x"}
    assert logging._srcfile is None and not any(getattr(logging, name) for name in fields)
    assert logging.raiseExceptions


def test_times_are_in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        record = logging.makeLogRecord({"created": 1_790_000_000, "msecs": 45})
        line = json.loads(MaskedJsonFormatter("{asctime}{message}", style="{").format(record))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert line["asctime"] == "2026-09-21T14:13:20.045Z"


def test_lines_for_a_terminal_are_short():
    formatter = MaskedTextFormatter()
    fields = {"method": "GET", "path": "/", "status": 200, "ms": 3.1, "request_id": "x", "name": "mlsite.request"}
    line = formatter.format(logging.makeLogRecord({"msg": "request", "levelno": 20, "levelname": "INFO", **fields}))
    assert line[8:] == " GET / 200  3.1 ms"
    line = formatter.format(
        logging.makeLogRecord({"msg": "no %s", "args": ("disk",), "levelno": 40, "levelname": "ERROR", "a": 1})
    )
    assert line[8:] == " ERROR no disk a=1"


def test_only_known_log_formats_are_accepted(monkeypatch):
    with pytest.raises(ValueError, match="LOG_FORMAT: expected one of auto, text, json"):
        choose_formatter("xml")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert (choose_formatter("auto"), choose_formatter("text")) == ("json", "text")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert choose_formatter("auto") == "text"


def test_all_lines_of_a_request_have_its_id(rf):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(MaskedJsonFormatter("{message}", style="{"))
    handler.addFilter(RequestIdFilter())
    logger = logging.getLogger("mlsite")
    logger.addHandler(handler)

    def respond(request):
        logger.warning("in the view")
        request.resolver_match, request.user = None, None
        return HttpResponse()

    try:
        response = RequestLogMiddleware(respond)(rf.get("/", headers={"X-Request-ID": "abc-1"}))
        logger.warning("afterwards")
    finally:
        logger.removeHandler(handler)
    assert response["X-Request-ID"] == "abc-1"
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line.get("request_id")) for line in lines] == [
        ("in the view", "abc-1"),
        ("request", "abc-1"),
        ("afterwards", None),
    ]
