"""Large bodies of batches and of V2: few at once, and freed with the response."""

import gc
import gzip
import io

import pytest
from django.core.files.base import ContentFile
from django.http import HttpRequest

from core.api import large_bodies
from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.tests.factories import PREDICTIONS_URL

pytestmark = [pytest.mark.django_db, pytest.mark.once]
URLS = [f"{PREDICTIONS_URL}batch/", "/v2/models/flowers/infer"]
BODY = b'{"inputs":[' + b"[]," * 400_000 + b"1]}"


def post(api, url):
    return api.post(url, BODY, content_type="application/json")


@pytest.mark.parametrize("url", URLS)
def test_the_parsed_body_is_freed_without_the_garbage_collector(flowers, api, url):
    post(api, url)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        assert post(api, url).status_code == 400
        assert len(gc.get_objects()) < before + 100_000
    finally:
        gc.enable()


PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + make_image() + bytes(300_000)
FORM = b"\r\n".join([PART] * 6) + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("body", "headers"),
    [(FORM, {}), (gzip.compress(FORM), {"content-encoding": "gzip"})],
    ids=["form", "compressed form"],
)
def test_images_are_freed_without_the_garbage_collector(shades, api, body, headers):
    gc.collect()
    gc.disable()
    try:
        before = count_held_bytes()  # of other tests
        response = api.generic("POST", URLS[0], body, "multipart/form-data; boundary=x", headers=headers)
        assert (response.status_code, count_held_bytes() - before) == (200, 0)
    finally:
        gc.enable()


def count_held_bytes():
    """Return how much of bodies all requests and files hold that the garbage collector has not removed."""
    count = 0
    for item in gc.get_objects():
        kind = type(item)  # isinstance would evaluate lazy objects of other tests
        if issubclass(kind, ContentFile) and not item.file.closed:
            count += item.size
        elif issubclass(kind, HttpRequest) and type(item.__dict__.get("_stream")) is io.BytesIO:
            count += item._stream.getbuffer().nbytes
    return count


def test_a_large_body_waits_for_others_and_small_ones_do_not(flowers, api, settings, monkeypatch):
    settings.PREDICT_TIMEOUT = 0.05
    monkeypatch.setattr(large_bodies, "_large_requests", large_bodies.threading.BoundedSemaphore(1))
    for _ in range(2):
        assert post(api, URLS[0]).status_code == 400
    large_bodies._large_requests.acquire()
    assert_problem(post(api, URLS[0]), 503, "overloaded")
    assert post(api, URLS[1]).status_code == 503
    assert api.post(URLS[0], b"{}", content_type="application/json").status_code == 400
