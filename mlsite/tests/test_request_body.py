"""Compressed and chunked bodies, URLs without the trailing slash, and pages of other origins."""

import gzip
import json
import tracemalloc
import zlib
from io import BytesIO
from time import perf_counter

import pytest
from django.test import Client
from gunicorn.http.errors import InvalidChunkSize

from core.tests.problems import assert_problem
from inference.tests.factories import make_noise_image
from mlsite import request_body
from mlsite.tests.routes import list_routes
from predictions.models import Prediction
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from predictions.tests.request_builders import FORM_TYPE, build_form, image_part

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ROW = json.dumps({"features": {"petals": 5, "length": 4, "colour": "white"}, "model": "flowers"}).encode()
ORIGIN = "https://app.example"


def compress(data):
    return gzip.compress(data, compresslevel=1, mtime=0)


def post(api, body, encoding, content_type="application/json"):
    return api.generic("POST", PREDICTIONS_URL, body, content_type, headers={"content-encoding": encoding})


def test_compressed_bodies_are_read(shades, flowers, api):
    assert post(api, compress(ROW), "gzip").json()["value"] is not None
    assert post(api, compress(ROW), "X-GZIP").status_code == 201
    assert post(api, zlib.compress(ROW), " deflate").status_code == 201
    assert post(api, ROW, "identity").status_code == 201
    image = make_noise_image(1)
    form = build_form(image_part(image))
    bodies = [post(api, compress(form), "gzip", FORM_TYPE), post(api, compress(image), "gzip", "image/png")]
    assert len({response.json()["input"]["sha256"] for response in bodies}) == 1
    ground_truth = compress(b'{"items": [{"client_reference": "x", "true_label": "white"}]}')
    response = api.generic(
        "POST", "/api/v1/ground-truth/", ground_truth, "application/json", headers={"content-encoding": "gzip"}
    )
    assert response.json()["refused"] == 1


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (compress(ROW)[:-1], "gzip", 400, "malformed-request"),
        (compress(ROW)[:20], "gzip", 400, "malformed-request"),
        (compress(ROW) + b"x", "gzip", 400, "malformed-request"),
        (compress(ROW) * 2, "gzip", 400, "malformed-request"),
        (compress(ROW)[:-8] + b"\0" * 8, "gzip", 400, "malformed-request"),
        (zlib.compress(ROW), "gzip", 400, "malformed-request"),
        (compress(ROW), "deflate", 400, "malformed-request"),
        (ROW, "gzip", 400, "malformed-request"),
        (b"", "gzip", 400, "malformed-request"),
        (compress(b""), "gzip", 400, "required"),
        (compress(compress(ROW)), "gzip", 400, "malformed-json"),
        (compress(compress(ROW)), "gzip, gzip", 415, "unsupported-content-encoding"),
        (ROW, "identity, identity", 415, "unsupported-content-encoding"),
        (ROW, "br", 415, "unsupported-content-encoding"),
        (ROW, "zstd", 415, "unsupported-content-encoding"),
        (ROW, "x" * 5000, 415, "unsupported-content-encoding"),
        (ROW, "'\xe9<b>", 415, "unsupported-content-encoding"),
    ],
    ids=range(17),
)
def test_invalid_compressed_bodies_are_rejected(shades, flowers, api, body, encoding, status, code):
    response = post(api, body, encoding)
    problem = assert_problem(response, status, code)
    assert len(problem["detail"]) < 300
    assert response.get("Accept-Encoding") == ("gzip, deflate" if status == 415 else None)
    assert not Prediction.objects.exists()


@pytest.mark.django_db
def test_the_encoding_of_a_request_without_a_body_does_not_matter(api):
    for url in ("/api/v1/models/", "/v2", "/healthz", "/accounts/login/"):
        assert api.get(url, headers={"content-encoding": "deflate"}).status_code == 200, url


@pytest.mark.parametrize("content_type", ["application/json", FORM_TYPE, "image/png", "text/plain"])
def test_a_bomb_is_rejected_quickly_and_does_not_fill_memory(api, settings, content_type):
    bomb = compress(bytes(100_000_000))
    started = perf_counter()
    tracemalloc.start()
    response = post(api, bomb, "gzip", content_type)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_problem(response, 413, "request-too-large")
    assert perf_counter() - started < 2
    assert peak_bytes < 3 * settings.MAX_IMAGE_JSON_BYTES


def test_a_compressed_body_can_have_exactly_the_maximum_size(shades, api, settings):
    data = make_noise_image(1)
    data += bytes(settings.MAX_UPLOAD_BYTES - len(data))
    assert post(api, compress(data), "gzip", "image/png").status_code == 201
    assert_problem(post(api, compress(data + b"\0"), "gzip", "image/png"), 413, "file-too-large")
    too_large = compress(data + bytes(settings.FORM_OVERHEAD_BYTES + 1))
    assert_problem(post(api, too_large, "gzip", "image/png"), 413, "request-too-large")


class ChunkedInput(BytesIO):
    """The body of a chunked request, as a server that decodes the chunks passes it. An error can follow its end."""

    error: Exception | None = None

    def read(self, size=-1):
        data = super().read(size)
        if not data and self.error:
            raise self.error
        return data


def post_chunked(api, body, content_type="application/json", *, error=None, **headers):
    stream = ChunkedInput(body)
    stream.error = error
    environment = {"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_TYPE": content_type}
    headers = {"transfer-encoding": "chunked", **headers}
    return api.generic("POST", PREDICTIONS_URL, headers=headers, **environment), stream.tell()


def test_chunks_that_cost_too_much_time_are_rejected(flowers, api, monkeypatch):
    monkeypatch.setattr(request_body, "MAX_CHUNK_SECONDS", -1)
    assert_problem(post_chunked(api, ROW)[0], 400, "malformed-request")
    assert not Prediction.objects.exists()


def test_chunked_bodies_are_read_up_to_the_limit(shades, flowers, api, settings):
    assert post_chunked(api, ROW)[0].status_code == 201
    assert post_chunked(api, compress(ROW), **{"content-encoding": "gzip"})[0].status_code == 201
    assert post_chunked(api, build_form(image_part()), FORM_TYPE)[0].status_code == 201
    assert post_chunked(api, make_noise_image(1), "image/png")[0].status_code == 201
    assert_problem(post_chunked(api, b"")[0], 400, "required")
    response, read_bytes = post_chunked(api, b" " * (2 * settings.MAX_IMAGE_JSON_BYTES))
    assert_problem(response, 413, "request-too-large")
    assert read_bytes <= settings.MAX_IMAGE_JSON_BYTES + 2**16
    for error in (InvalidChunkSize(b"x"), OSError("closed"), TimeoutError()):
        assert_problem(post_chunked(api, ROW, error=error)[0], 400, "malformed-request")


def test_unsafe_requests_work_without_the_trailing_slash(shades, user, api):
    paths = [route for route, _ in list_routes() if route.startswith("api/v1/") and route.endswith("/")]
    paths = [f"/{path}".replace("<uuid:pk>", str(user.pk)).replace("<slug:name>", "shades") for path in paths]
    assert len(paths) >= 8
    for path in paths:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            expected, actual = (
                api.generic(method, url, b"[]", "application/json") for url in (f"{path}?x=1", f"{path[:-1]}?x=1")
            )
            assert (actual.status_code, actual.content) == (expected.status_code, expected.content), (method, path)
    created = api.post(PREDICTIONS_URL.rstrip("/"), {"image": make_upload()})
    assert created.status_code == 201
    assert created["Location"].endswith("/")
    review = api.post(f"{PREDICTIONS_URL}{created.json()['id']}/reviews", {"verdict": "correct"}, "application/json")
    assert review.status_code == 201
    for url in (PREDICTIONS_URL.rstrip("/"), f"{PREDICTIONS_URL}{created.json()['id']}"):
        assert api.get(url).status_code == 301
    assert_problem(api.post("/api/v1/nothing", {}), 404, "not-found")
    assert_problem(Client().post(PREDICTIONS_URL.rstrip("/"), {"image": make_upload()}), 401, "not-authenticated")


@pytest.fixture
def listed_origin(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.MIDDLEWARE = [
        settings.MIDDLEWARE[0], "corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE[1:]
    ]  # fmt: skip


def get_cors_headers(response):
    return {name.lower(): value for name, value in response.items() if name.lower().startswith("access-control-")}


def preflight(url=PREDICTIONS_URL, origin=ORIGIN):
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key,prefer",
    }
    return Client().options(url, headers=headers)


@pytest.mark.parametrize("url", [PREDICTIONS_URL, PREDICTIONS_URL.rstrip("/"), "/api/v1/ground-truth/"])
def test_listed_origins_can_use_the_api(listed_origin, shades, api, url):
    response = preflight(url)
    headers = get_cors_headers(response)
    assert response.status_code == 200
    assert headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in headers["access-control-allow-methods"]
    allowed = {name.strip() for name in headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "idempotency-key", "prefer"} <= allowed
    assert "access-control-allow-credentials" not in headers
    created = Client().post(
        PREDICTIONS_URL,
        {"image": make_upload()},
        headers={"origin": ORIGIN, "authorization": api.defaults["HTTP_AUTHORIZATION"]},
    )
    assert created.status_code == 201
    exposed = get_cors_headers(created)["access-control-expose-headers"].split(", ")
    assert {"Location", "Retry-After", "Idempotent-Replayed", "Preference-Applied"} <= set(exposed)
    rejected = Client().post(PREDICTIONS_URL, {}, headers={"origin": ORIGIN})
    assert (rejected.status_code, get_cors_headers(rejected)["access-control-allow-origin"]) == (401, ORIGIN)
    too_large = Client().generic("POST", PREDICTIONS_URL, headers={"origin": ORIGIN, "content-length": "1" * 12})
    assert (too_large.status_code, get_cors_headers(too_large)["access-control-allow-origin"]) == (413, ORIGIN)


@pytest.mark.parametrize(
    "origin", ["https://other.example", "http://app.example", "https://app.example:444", "null", "[", ""]
)
def test_other_origins_get_no_permission(listed_origin, shades, origin):
    assert get_cors_headers(preflight(origin=origin)) == {}


def test_only_the_api_is_shared(listed_origin, client):
    for url in ("/", "/accounts/login/", "/admin/", "/readyz", "/metrics", "/apis/"):
        assert get_cors_headers(preflight(url)) == {}
        assert get_cors_headers(client.get(url, headers={"origin": ORIGIN})) == {}


def test_without_listed_origins_nothing_is_added(shades, api, settings):
    assert not any("cors" in name for name in settings.MIDDLEWARE)
    response = api.post(PREDICTIONS_URL, {"image": make_upload()}, headers={"origin": ORIGIN})
    assert get_cors_headers(response) == get_cors_headers(preflight()) == {}
    assert "origin" not in response.get("Vary", "").lower()
