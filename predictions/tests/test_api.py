import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inference.tests.pictures import noise, picture
from predictions.models import Input, Prediction
from predictions.tests.test_services_predict import ask

pytestmark = pytest.mark.django_db
LIST = "/api/v1/predictions/"
KEYS = {
    *("id", "url", "status", "source", "model", "model_version", "input", "label", "confidence", "value", "output", "error"),
    *("client_reference", "timings", "created_at", "completed_at", "review"),
}
INPUT_KEYS = {
    *("id", "kind", "url", "image_url", "sha256", "content_type", "width", "height", "original_name", "features"),
}


@pytest.fixture
def api(client, user, token_of):
    """A client that sends the token of `user` with each request."""
    return Client(headers=token_of(user))


def upload(data=None, name="seven.png"):
    return SimpleUploadedFile(name, picture(255) if data is None else data, "text/html")


def problem(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["detail"]
    assert {"title", "errors"} <= body.keys()
    return body


def test_an_image_in_a_stored_prediction_out(shades, api, user):
    data = noise(5)
    response = api.post(LIST, {"image": upload(data), "client_reference": "job-1"})
    body = response.json()
    assert response.status_code == 201
    assert response["Location"] == body["url"] == f"http://testserver{LIST}{body['id']}/"
    assert set(body) == KEYS
    assert set(body["input"]) == INPUT_KEYS
    assert (body["status"], body["source"], body["model"], body["model_version"]) == ("succeeded", "api", "shades", 1)
    assert set(body["output"]["scores"]) == {"black", "grey", "white"}
    assert (body["label"], body["confidence"]) == next(iter(body["output"]["scores"].items()))
    assert body["input"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert body["input"]["content_type"] == "image/png"
    assert set(body["timings"]) == {"queue_ms", "preprocess_ms", "inference_ms"}
    assert (body["error"], body["review"], body["value"]) == (None, None, None)
    row = Prediction.objects.get()
    assert (str(row.id), row.user, row.source) == (body["id"], user, "api")
    assert api.get(body["url"]).json() == body
    assert api.get(LIST).json()["results"] == [body]
    image = api.get(body["input"]["image_url"])
    assert image.content == data


def test_the_image_goes_out_with_headers_that_disarm_it(shades, api):
    body = api.post(LIST, {"image": upload(noise(1) + b"<script>alert(1)</script>", "x.html")}).json()
    image = api.get(body["input"]["image_url"])
    assert image["Content-Type"] == "image/png"
    assert image["X-Content-Type-Options"] == "nosniff"
    assert image["Cache-Control"] == "private, no-store"
    assert image["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert image["Content-Disposition"] == f'inline; filename="{body["input"]["id"]}.png"'
    assert api.get(body["input"]["image_url"], headers={"range": "bytes=5-2", "accept": "image/png"}).status_code == 200


def test_a_damaged_or_missing_file_is_never_given_out(shades, api):
    body = api.post(LIST, {"image": upload()}).json()
    row = Input.objects.get()
    with open(row.image.path, "r+b") as file:
        file.write(b"\0")
    problem(api.get(body["input"]["image_url"]), 500, "stored-file-damaged")
    problem(api.get(body["url"] + "?include=image"), 500, "stored-file-damaged")
    row.image.storage.delete(row.image.name)
    problem(api.get(body["input"]["image_url"]), 500, "stored-file-missing")
    assert api.get(LIST).status_code == 200


def test_the_image_can_be_included(shades, api):
    body = api.post(LIST, {"image": upload()}).json()
    included = api.get(body["url"], {"include": "image"}).json()["input"]["image"]
    assert included == "data:image/png;base64," + base64.b64encode(picture(255)).decode()
    assert problem(api.get(body["url"], {"include": "user"}), 400, "unknown-include")


def test_an_input_has_a_page_of_its_own(shades, api):
    body = api.post(LIST, {"image": upload()}).json()
    assert api.get(body["input"]["url"]).json() == body["input"]


def test_a_failed_model_is_a_problem_that_names_the_kept_prediction(register_failing, api):
    register_failing(nan=True)
    body = problem(api.post(LIST, {"image": upload()}), 500, "model-output-invalid")
    kept = api.get(body["prediction"]).json()
    assert kept["status"] == "failed"
    assert kept["error"]["code"] == "model-output-invalid"
    assert (kept["output"], kept["label"], kept["confidence"]) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({}, 400, "required"),
        ({"image": "/etc/passwd"}, 400, "not-a-file"),
        ({"image": "http://169.254.169.254/"}, 400, "not-a-file"),
        ({"image": b""}, 400, "empty-file"),
        ({"image": b"text"}, 400, "invalid-image"),
        ({"image": b"GIF89a" + b"\0" * 50}, 415, "unsupported-image-format"),
        ({"image": noise(1)[:90]}, 400, "truncated-image"),
        ({"image": [noise(1), noise(2)]}, 400, "one-file-only"),
        ({"image": noise(1), "model": "nope"}, 404, "unknown-model"),
        ({"image": noise(1), "model": "shades:7"}, 404, "unknown-model"),
        ({"image": noise(1), "model": "x" * 121}, 400, "max-length"),
        ({"image": noise(1), "client_reference": "x" * 256}, 400, "max-length"),
        ({"image": noise(1), "client_reference": "a\0b"}, 400, "null-characters-not-allowed"),
        ({"image": noise(1), "features": "{}"}, 400, "wrong-input"),
        ({"image": noise(1), "features": "{"}, 400, "invalid"),
        ({"image": noise(1), "confidence": "1", "user": "root"}, 400, "invalid"),
        ({"image": noise(1), "id": "1"}, 400, "unknown-field"),
        ({"picture": noise(1)}, 400, "unknown-field"),
    ],
)
def test_bad_multipart_is_named_and_stores_nothing(shades, api, settings, fields, status, code):
    as_file = {bytes: upload, list: lambda many: [upload(data) for data in many], str: lambda text: text}
    response = api.post(LIST, {name: as_file[type(value)](value) for name, value in fields.items()})
    problem(response, status, code)
    assert not Input.objects.exists()


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed-json"),
        (b"\xef\xbb\xbf{}", 400, "malformed-json"),
        (b'{"model": "\xff"}', 400, "malformed-json"),
        (b'{"features": NaN}', 400, "malformed-json"),
        (b'{"features": -Infinity}', 400, "malformed-json"),
        (b'{"features": 1e400}', 400, "out-of-range"),
        (b'{"features": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
        (b'{"features": {"a": "\\u0000"}}', 400, "malformed-json"),
        (b'{"features": {"\\u0000": 1}}', 400, "malformed-json"),
        (b'{"model": "\\ud800"}', 400, "malformed-json"),
        (f'{{"features": {nested(32)}}}'.encode(), 400, "too-deep"),
        (nested(5_000).encode(), 400, "too-deep"),
        (nested(100_000).encode(), 400, "too-deep"),
        (b"[]", 400, "not-an-object"),
        (b'"x"', 400, "not-an-object"),
        (b"5", 400, "not-an-object"),
        (b"null", 400, "not-an-object"),
        (b"{}", 400, "required"),
        (b"", 400, "required"),
        (b'{"image": "aGVsbG8="}', 400, "not-a-file"),
        (b'{"image": null}', 400, "null"),
        (b'{"features": {"a": 1}}', 400, "wrong-input"),
        (b'{"model": true}', 400, "invalid"),
        (b'{"model": {"$ne": 1}}', 400, "invalid"),
        (b'{"confidence": 1}', 400, "unknown-field"),
        (b'{"model": "' + b"x" * 2**20 + b'"}', 413, "request-too-large"),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_bad_json_is_named_and_stores_nothing(shades, api, body, status, code):
    problem(api.post(LIST, body, content_type="application/json"), status, code)
    assert not Input.objects.exists()


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-yaml", "application/msgpack", ""])
def test_other_media_types_are_refused(shades, api, content_type):
    problem(api.generic("POST", LIST, b"{}", content_type=content_type), 415, "unsupported-media-type")


def multipart(*parts, closed=True):
    body = b"".join(b"--limit\r\n" + part for part in parts) + (b"--limit--\r\n" if closed else b"")
    return {"data": body, "content_type": "multipart/form-data; boundary=limit"}


PART = b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + noise(1) + b"\r\n"


def test_a_multipart_body_without_its_end_is_refused(shades, api):
    assert api.post(LIST, **multipart(PART)).status_code == 201
    problem(api.post(LIST, **multipart(PART, closed=False)), 400, "malformed-request")
    assert Input.objects.count() == 1


def test_a_multipart_body_without_its_end_is_refused_in_a_session_too(shades, user):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    strict.get("/accounts/")
    strict.get("/")
    headers = {"x-csrftoken": strict.cookies["csrftoken"].value}
    assert strict.post(LIST, **multipart(PART), headers=headers).status_code == 201
    assert strict.post(LIST, **multipart(PART, closed=False), headers=headers).status_code in (400, 403)
    assert Input.objects.count() == 1


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 5000, "multipart/form-data; boundary=é"]
)
def test_a_strange_boundary_is_refused(shades, api, content_type):
    response = api.generic("POST", LIST, b"--limit--", content_type=content_type)
    assert response.status_code in (400, 415)
    assert response["Content-Type"] == "application/problem+json"
    assert not Input.objects.exists()


@pytest.mark.parametrize("charset", ["idna", "utf-16", "nope"])
def test_a_strange_charset_is_no_error_of_ours(shades, api, charset):
    body = multipart(PART)["data"]
    response = api.generic("POST", LIST, body, content_type=f"multipart/form-data; boundary=limit; charset={charset}")
    assert response.status_code in (201, 400)


def test_a_post_without_the_slash_is_not_turned_into_a_get(shades, api):
    problem(api.post(LIST.rstrip("/"), {"image": upload()}), 404, "not-found")
    assert api.get(LIST.rstrip("/")).status_code == 301


def test_too_many_parts_are_a_problem_not_a_page(shades, api):
    many = {f"file{n}": upload() for n in range(21)}
    problem(api.post(LIST, many), 400, "malformed-request")
    problem(api.post(LIST, {f"field{n}": "x" for n in range(101)}), 400, "malformed-request")


def test_ten_mebibytes_pass_and_one_byte_more_does_not(shades, api, settings):
    base = noise(1)
    limit = settings.MAX_UPLOAD_BYTES
    assert api.post(LIST, {"image": upload(base + b"\0" * (limit - len(base)))}).status_code == 201
    problem(api.post(LIST, {"image": upload(base + b"\0" * (limit - len(base) + 1))}), 413, "file-too-large")


def test_a_huge_body_is_refused_by_its_length_alone(shades, api):
    response = api.generic(
        "POST", LIST, b"", content_type="multipart/form-data; boundary=x", headers={"content-length": "104857600"}
    )
    problem(response, 413, "request-too-large")


def test_a_chunked_body_is_refused(shades, api):
    response = api.generic("POST", LIST, b"", content_type="application/json", headers={"transfer-encoding": "chunked"})
    problem(response, 411, "length-required")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/x.png", "x.png"),
        ("C:\\x\\y.png", "y.png"),
        ("a" * 300 + ".png", ("a" * 300 + ".png")[:255]),
        ("a\u202eb.png", "ab.png"),
        ('<img src=x onerror="alert(1)">.png', '<img src=x onerror="alert(1)">.png'),
        ("…é🙂.png", "…é🙂.png"),
        ("CON.png", "CON.png"),
        ("x.php", "x.php"),
    ],
)
def test_a_strange_file_name_is_kept_harmless(shades, user, name, kept):
    prediction = ask(user, name=name)
    assert prediction.input.original_name == kept
    assert prediction.input.image.name.startswith("inputs/")
    assert prediction.input.image.name.endswith(f"{prediction.input.id}.png")


# --- list and filters


@pytest.fixture
def three(shades, user):
    return [ask(user, picture(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [255, 127, 0]),
        ({"label": "white"}, [255]),
        ({"label": "' OR 1=1--"}, []),
        ({"label": "%"}, []),
        ({"model": "shades"}, [255, 127, 0]),
        ({"model": "shades", "version": "1"}, [255, 127, 0]),
        ({"model": "other"}, []),
        ({"version": "2"}, []),
        ({"status": "succeeded"}, [255, 127, 0]),
        ({"status": "failed"}, []),
        ({"source": "api"}, [255, 127, 0]),
        ({"source": "web"}, []),
        ({"min_confidence": "0"}, [255, 127, 0]),
        ({"min_confidence": "1"}, []),
        ({"max_confidence": "0.1"}, []),
        ({"client_reference": "ref-127"}, [127]),
        ({"client_reference": "ref-"}, []),
        ({"created_after": "2000-01-01T00:00:00Z"}, [255, 127, 0]),
        ({"created_after": "2000-01-01"}, [255, 127, 0]),
        ({"created_before": "2000-01-01T00:00:00+02:00"}, []),
        ({"format": "json"}, [255, 127, 0]),
    ],
)
def test_filters_select(three, api, query, expected):
    found = [row["client_reference"] for row in api.get(LIST, query).json()["results"]]
    assert found == [f"ref-{shade}" for shade in expected]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("user=ada", "unknown-filter"),
        ("user__password__startswith=a", "unknown-filter"),
        ("_connector=OR", "unknown-filter"),
        ("output__scores=1", "unknown-filter"),
        ("ordering=password", "unknown-filter"),
        ("lable=7", "unknown-filter"),
        ("status=done", "invalid-choice"),
        ("source=magic", "invalid-choice"),
        ("version=x", "invalid"),
        ("version=0", "min-value"),
        ("version=99999999999999999999", "max-value"),
        ("min_confidence=NaN", "invalid"),
        ("min_confidence=1e400", "invalid"),
        ("max_confidence=2", "max-value"),
        ("created_after=0000-00-00", "invalid"),
        ("created_after=10000-01-01", "invalid"),
        ("created_after=9999-12-31T23:59:59-23:00", "invalid"),
        ("created_before=yesterday", "invalid"),
        ("created_before=2026-01-01T00:00:00 02:00", "invalid"),
        ("label=%00", "null-characters-not-allowed"),
        ("page_size=0", "invalid"),
        ("page_size=101", "invalid"),
        ("page_size=-1", "invalid"),
        ("page_size=abc", "invalid"),
        ("page_size=" + "9" * 5000, "invalid"),
    ],
)
def test_a_wrong_filter_is_refused_and_never_ignored(three, api, query, code):
    problem(api.get(f"{LIST}?{query}"), 400, code)


def test_reviewers_filter_by_user(three, reviewer, token_of, other):
    client = Client(headers=token_of(reviewer))
    ask(other)
    assert len(client.get(LIST).json()["results"]) == 4
    assert len(client.get(LIST, {"user": "ada"}).json()["results"]) == 3
    assert client.get(LIST, {"user": "nobody"}).json()["results"] == []


def test_pages_show_each_row_once_while_rows_are_added(shades, user, api):
    first = [str(ask(user).id) for _ in range(7)]
    seen, address = [], f"{LIST}?page_size=3"
    while address:
        body = api.get(address).json()
        seen += [row["id"] for row in body["results"]]
        ask(user)
        address = body["next"]
    assert seen == first[::-1]
    assert "count" not in body


@pytest.mark.parametrize("cursor", ["zz", "%00", "cD0x", "cD1hYmM=", "9" * 5000])
def test_a_wrong_cursor_is_not_found(three, api, cursor):
    assert api.get(f"{LIST}?cursor={cursor}").status_code in (404, 400)


def test_dates_filter_by_the_moment(three, api):
    Prediction.objects.filter(client_reference="ref-0").update(created_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    inside = {"created_after": "2026-03-01T13:00:00+01:00", "created_before": "2026-03-01T12:00:01Z"}
    assert [row["client_reference"] for row in api.get(LIST, inside).json()["results"]] == ["ref-0"]
    assert api.get(LIST, {"created_before": "2026-03-01T12:00:00Z"}).json()["results"] == []
    now = datetime.now(UTC) - timedelta(hours=1)
    assert len(api.get(LIST, {"created_after": now.isoformat()}).json()["results"]) == 2


# --- around


def test_models_are_listed_with_versions_and_aliases(shades, api):
    body = api.get("/api/v1/models/").json()["results"]
    assert len(body) == 1
    assert body[0]["aliases"] == {"production": 1}
    assert body[0]["versions"][0]["labels"] == ["black", "grey", "white"]
    assert api.get("/api/v1/models/shades/").json() == body[0]
    assert "artifact" not in json.dumps(body)
    problem(api.get("/api/v1/models/nope/"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["predictions/x/", "predictions/-1/", "inputs/1%00/", "nothing/", "predictions/" + "9" * 5000 + "/"]
)
def test_unknown_addresses_are_problems(api, path):
    problem(api.get("/api/v1/" + path), 404, "not-found")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_refused(three, api, method):
    for address in (LIST, f"{LIST}{three[0].id}/"):
        problem(getattr(api, method)(address), 405, "method-not-allowed")
    assert Prediction.objects.count() == 3


def test_a_method_override_is_ignored(three, api):
    response = api.get(f"{LIST}{three[0].id}/", headers={"x-http-method-override": "DELETE"})
    assert response.status_code == 200
    assert Prediction.objects.count() == 3


@pytest.mark.parametrize(("accept", "status"), [("text/html", 406), ("a/b," * 5000, 406), ("*/*", 200)])
def test_only_json_is_served(three, api, accept, status):
    response = api.get(LIST, headers={"accept": accept})
    assert response.status_code == status
    if status == 406:
        problem(response, 406, "not-acceptable")


def test_a_foreign_host_is_a_problem(api):
    problem(api.get(LIST, headers={"host": "evil.example"}), 400, "malformed-request")


def test_a_session_needs_the_csrf_token(shades, user):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    problem(strict.post(LIST, {"image": upload()}), 403, "csrf-failed")
    assert not Input.objects.exists()


def test_a_database_that_is_away_is_a_503_in_json(shades, api, monkeypatch):
    def gone(*arguments, **options):
        raise OperationalError("gone")

    monkeypatch.setattr("predictions.models.Input.save", gone)
    response = api.post(LIST, {"image": upload()})
    problem(response, 503, "database-unavailable")
    assert response["Retry-After"]


def test_an_error_nobody_expected_is_a_problem_without_a_traceback(shades, api, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr("predictions.api.views.predict", broken)
    api.raise_request_exception = False
    response = api.post(LIST, {"image": upload()})
    problem(response, 500, "internal-error")
    assert b"secret" not in response.content


@pytest.mark.django_db(transaction=True)
def test_a_prediction_takes_four_statements(shades, user, api):
    api.post(LIST, {"image": upload()})  # notes the token's use and loads the model
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert api.post(LIST, {"image": upload()}).status_code == 201
    statements = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(statements) == 4, statements
    session = Client()
    session.force_login(user)
    with CaptureQueriesContext(connection) as captured:
        assert session.post(LIST, {"image": upload()}).status_code == 201
    statements = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(statements) == 4, statements


@pytest.mark.parametrize("count", [1, 20])
def test_a_list_takes_as_many_queries_for_one_row_as_for_twenty(shades, user, api, count, django_assert_num_queries):
    for _ in range(count):
        ask(user)
    api.get(LIST)
    with django_assert_num_queries(2):  # the token with its user; the rows
        assert len(api.get(LIST).json()["results"]) == count


def test_throttling_answers_429_with_a_time(shades, api, monkeypatch):
    from django.core.cache import cache
    from rest_framework.throttling import UserRateThrottle

    cache.clear()
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/minute"})
    assert [api.get(LIST).status_code for _ in range(2)] == [200, 200]
    response = api.get(LIST)
    problem(response, 429, "throttled")
    assert 0 < int(response["Retry-After"]) <= 61
