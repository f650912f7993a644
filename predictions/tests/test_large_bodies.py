"""Large bodies of batches and of V2: few at once, and freed with the response."""

import gc

import pytest

from core.api import large_bodies
from core.tests.problems import assert_problem
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


def test_a_large_body_waits_for_others_and_small_ones_do_not(flowers, api, settings, monkeypatch):
    settings.PREDICT_TIMEOUT = 0.05
    monkeypatch.setattr(large_bodies, "_large_requests", large_bodies.threading.BoundedSemaphore(1))
    for _ in range(2):
        assert post(api, URLS[0]).status_code == 400
    large_bodies._large_requests.acquire()
    assert_problem(post(api, URLS[0]), 503, "overloaded")
    assert post(api, URLS[1]).status_code == 503
    assert api.post(URLS[0], b"{}", content_type="application/json").status_code == 400
