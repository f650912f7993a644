"""Requests that the API of batch jobs rejects, and large uploads."""

import gzip
import io
import tracemalloc

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.tests.problems import assert_problem
from predictions.models import BatchJob
from predictions.tests.batch_jobs import HEADER, JOBS_URL, make_rows
from predictions.tests.factories import list_stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def upload(client, data, name="rows.csv", **fields):
    data = data.encode() if isinstance(data, str) else data
    return client.post(JOBS_URL, {"file": SimpleUploadedFile(name, data), "model": "flowers", **fields})


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "nothing"}, 404, "unknown-model"),
        ({"model": "shades"}, 400, "wrong-input"),
        ({"kind": "archive"}, 400, "wrong-input"),
        ({"kind": "images"}, 400, "wrong-input"),
        ({"kind": "x"}, 400, "invalid-choice"),
        ({"mapping": "{"}, 400, "malformed-json"),
        ({"mapping": '{"length": 5}'}, 400, "wrong-type"),
        ({"mapping": "[]"}, 400, "wrong-type"),
        ({"mapping": '{"length": "petals"}'}, 400, "missing-columns"),
        ({"user": "1"}, 400, "unknown-field"),
        ({"start": "x"}, 400, "invalid"),
        ({"file": "text"}, 400, "not-a-file"),
        ({"file": [SimpleUploadedFile("a", b"x"), SimpleUploadedFile("b", b"x")]}, 400, "one-file-only"),
        ({"file": SimpleUploadedFile("a.csv", b"length\n1\n")}, 400, "missing-columns"),
        ({"file": SimpleUploadedFile("a.csv", b"length,petals\n")}, 400, "no-rows"),
        ({"file": SimpleUploadedFile("a.zip", b"PK\x03\x04")}, 400, "wrong-input"),
    ],
)
def test_an_invalid_request_stores_nothing(flowers, shades, api, settings, fields, status, code):
    response = upload(api, make_rows(2), **fields)
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert not BatchJob.objects.exists()
    assert list_stored_files(settings) == []


def test_an_excel_workbook_is_called_by_its_name(flowers, api):
    response = upload(api, make_rows(1), file=SimpleUploadedFile("a.xlsx", b"PK\x03\x04"))
    assert "Excel workbook" in assert_problem(response, 400, "wrong-input")["detail"]
    response = upload(api, make_rows(1), kind="archive")
    assert "Excel workbook" not in assert_problem(response, 400, "wrong-input")["detail"]


def test_a_misspelled_query_parameter_stores_nothing(flowers, api):
    response = api.post(f"{JOBS_URL}?stroe=false", {"file": SimpleUploadedFile("a.csv", make_rows(1).encode())})
    assert_problem(response, 400, "unknown-parameter")
    assert not BatchJob.objects.exists()


def test_files_beyond_the_limits_are_rejected(flowers, api, settings):
    settings.MAX_BATCH_JOB_ITEMS = 2
    assert upload(api, make_rows(3)).json()["code"] == "too-many-items"
    assert upload(api, make_rows(2)).status_code == 201
    settings.MAX_BATCH_FILE_BYTES = 1000
    assert upload(api, HEADER + "x" * 1000).json()["code"] == "file-too-large"
    response = upload(api, HEADER + "x" * 70_000)
    assert (response.status_code, response.json()["code"]) == (413, "request-too-large")
    assert len(list_stored_files(settings)) == 1


def post_body(client, body, length=None, path=JOBS_URL, **headers):
    """Send a multipart body with a certain Content-Length, without another copy of it in memory."""
    length = len(body) if length is None else length
    stream = {"CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(body)}
    return client.generic("POST", path, b"x", content_type="multipart/form-data; boundary=x", **stream, **headers)


START = b"""--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nflowers\r\n"""
START += b"""--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n"""


def test_a_body_that_is_read_into_memory_has_a_lower_limit(flowers, api, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    body = START + make_rows(20_000).encode() + b"\r\n--x--\r\n"
    assert post_body(api, body).status_code == 201
    assert post_body(api, body, path=JOBS_URL.rstrip("/")).status_code == 201
    response = post_body(api, gzip.compress(body), HTTP_CONTENT_ENCODING="gzip")
    assert (response.status_code, response.json()["code"]) == (413, "request-too-large")
    response = post_body(api, body, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True})
    assert (response.status_code, response.json()["code"]) == (413, "request-too-large")


def test_an_incomplete_body_stores_nothing(flowers, api, settings):
    body = START + make_rows(50_000).encode()
    for data, length in ((body, len(body)), (body, len(body) + 500), (body + b"\r\n--x\r\n", len(body) + 7)):
        response = post_body(api, data, length)
        assert (response.status_code, response.json()["code"]) == (400, "malformed-request")
    assert not BatchJob.objects.exists()
    assert list_stored_files(settings) == []


@pytest.mark.parametrize(
    "part",
    [b'name="x"; filename="Gr\xf6\xdfe.csv"', b'filename="x.csv"', b'name="kind"\r\n\r\nta\xffble', b'name="k"\r\n\r\n--xy'],
)
def test_a_body_with_an_unreadable_part_stores_nothing(flowers, api, settings, part):
    body = START + make_rows(50_000).encode() + b"\r\n--x\r\nContent-Disposition: form-data; " + part + b"\r\n\r\n--x--\r\n"
    assert_problem(post_body(api, body), 400, "malformed-request")
    assert not BatchJob.objects.exists()
    assert list_stored_files(settings) == []


def test_nothing_is_written_for_callers_without_access(flowers, client, user, settings, monkeypatch):
    from core.storage import DurableFileSystemStorage

    def fail(self):
        raise AssertionError("a file was written")

    monkeypatch.setattr(DurableFileSystemStorage, "open_temporary_file", fail)
    assert upload(client, make_rows(2)).status_code == 401
    assert upload(Client(headers={"authorization": "Bearer x"}), make_rows(2)).status_code == 401
    strict = Client(enforce_csrf_checks=True)
    assert upload(strict, make_rows(2)).status_code == 401


def test_a_session_needs_a_csrf_token(flowers, user, settings):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert upload(strict, make_rows(2)).status_code == 403
    assert list_stored_files(settings) == []
    strict.get("/")
    token = strict.cookies["csrftoken"].value
    response = strict.post(
        JOBS_URL,
        {"file": SimpleUploadedFile("a.csv", make_rows(2).encode()), "model": "flowers"},
        headers={"x-csrftoken": token},
    )
    assert response.status_code == 201
    assert len(list_stored_files(settings)) == 1


def test_an_upload_does_not_fill_memory(flowers, api):
    body = START + HEADER.encode() + b"1,2,white\n" * 3_000_000 + b"\r\n--x--\r\n"  # 30 MB
    tracemalloc.start()
    response = post_body(api, body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (response.status_code, response.json()["progress"]["total"]) == (201, None)
    assert peak < 8 * 2**20
