"""Downloads whose first query fails: the response has not started, so that it can be an error."""

import pytest
from django.db import OperationalError, connection
from django.urls import reverse

from core.streaming import start_stream
from predictions.models import BatchJob
from predictions.tests.batch_jobs import make_image_zip, make_job


def fail_after_audit():
    """Return a wrapper under which all statements fail after the download is recorded in the audit log."""
    is_recorded = False

    def execute_or_fail(execute, sql, params, many, context):
        nonlocal is_recorded
        if is_recorded:
            raise OperationalError("canceling statement due to statement timeout")
        is_recorded = sql.startswith("INSERT") and "auditentry" in sql
        return execute(sql, params, many, context)

    return connection.execute_wrapper(execute_or_fail)


@pytest.mark.django_db
def test_a_download_whose_first_query_fails_is_an_error(shades, user, superuser, client):
    job = make_job(user, make_image_zip(1), model="shades")
    client.force_login(superuser)
    client.raise_request_exception = False
    export = reverse("api:prediction-export")
    for method, url in (
        ("get", f"{export}?format=csv"),
        ("get", f"{export}?format=jsonl"),
        ("get", f"{export}?format=xlsx"),
        ("get", reverse("predictions:history-export")),
        ("get", reverse("api:batch-job-results", args=[job.pk])),
        ("get", reverse("predictions:batch-job-workbook", args=[job.pk])),
        ("get", reverse("predictions:own-data")),
        ("post", reverse("admin:accounts_auditentry_export")),
    ):
        with fail_after_audit():
            response = getattr(client, method)(url)
        assert response.status_code == 503, url
        assert response["Retry-After"], url
    assert BatchJob.objects.get() == job


def test_a_started_stream_has_all_parts_and_ends_its_source():
    ended = []

    def iterate_parts():
        try:
            yield from "abc"
        finally:
            ended.append(True)

    assert list(start_stream(iterate_parts())) == ["a", "b", "c"]
    assert list(start_stream(iter(()))) == []
    stream = start_stream(iterate_parts())
    assert next(stream) == "a"
    stream.close()
    assert ended == [True, True]
