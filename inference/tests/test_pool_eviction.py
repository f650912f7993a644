"""Eviction: the least recently used predictor is unloaded, but never one that is running."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inference.errors import InferenceTimeout, ModelUnavailable, Overloaded
from inference.loader import load_predictor
from inference.pool import PredictorPool
from inference.predictor import Predictor
from inference.tests.factories import lease_predictor


@pytest.fixture
def specs(make_spec):
    """Return the specs of four models that share one artifact."""
    spec = make_spec()
    return [replace(spec, name=name, size=100) for name in "abcd"]


def get_loaded_names(pool, specs):
    return "".join(spec.name for spec in specs if pool.is_loaded(spec))


@pytest.mark.parametrize("limits", [{"max_predictors": 2}, {"max_bytes": 250}])
def test_least_recently_used_predictor_is_evicted(specs, limits):
    pool = PredictorPool(**limits)
    a, b, c, d = specs
    for spec in (a, b, a, c):
        lease_predictor(pool, spec)
    assert get_loaded_names(pool, specs) == "ac"
    lease_predictor(pool, d)
    assert get_loaded_names(pool, specs) == "cd"
    pool.close()


def test_evicted_predictor_stops_its_thread(specs):
    pool = PredictorPool(max_predictors=1)
    evicted = lease_predictor(pool, specs[0])
    lease_predictor(pool, specs[1])
    evicted._batcher._thread.join(10)
    assert not evicted._batcher._thread.is_alive()
    pool.close()


def test_all_callers_that_waited_for_a_load_keep_its_predictor(specs):
    release = threading.Event()

    def load(spec):
        assert release.wait(30)
        return load_predictor(spec)

    pool = PredictorPool(load, max_predictors=1)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(lease_predictor, pool, specs[0])
        threading.Timer(0.1, release.set).start()
        with pool.lease(specs[0]) as predictor:
            assert first.result(10) is predictor
            with pytest.raises(Overloaded):
                lease_predictor(pool, specs[1], timeout=0.05)
    pool.close()


def test_leased_predictors_are_not_evicted(specs):
    pool = PredictorPool(max_predictors=2)
    with pool.lease(specs[0]), pool.lease(specs[1]):
        with pytest.raises(Overloaded, match="no room to load c:1"):
            lease_predictor(pool, specs[2], timeout=0.05)
        assert get_loaded_names(pool, specs) == "ab"
    lease_predictor(pool, specs[2], timeout=0.05)
    assert get_loaded_names(pool, specs) == "bc"
    pool.close()


def test_running_predictor_is_not_evicted_after_its_callers_timed_out(specs):
    entered, release = threading.Event(), threading.Event()

    def run(batch):
        entered.set()
        assert release.wait(30)
        return np.tile(np.float32([0.5, 0.5]), (len(batch), 1))

    pool = PredictorPool(lambda spec: Predictor(spec, run) if spec == specs[0] else load_predictor(spec), max_predictors=1)
    with pool.lease(specs[0]) as predictor, pytest.raises(InferenceTimeout):
        predictor.predict(Image.new("L", (8, 8)), timeout=0.05)
    assert entered.wait(10)
    with pytest.raises(Overloaded):
        lease_predictor(pool, specs[1], timeout=0.05)
    release.set()
    lease_predictor(pool, specs[1], timeout=10)
    assert get_loaded_names(pool, specs) == "b"
    pool.close()


def test_lease_waits_for_room(specs):
    pool, inside, release = PredictorPool(max_predictors=1), threading.Event(), threading.Event()

    def hold():
        with pool.lease(specs[0]):
            inside.set()
            assert release.wait(30)

    with ThreadPoolExecutor(2) as threads:
        threads.submit(hold)
        assert inside.wait(10)
        second = threads.submit(lease_predictor, pool, specs[1], timeout=10)
        release.set()
        assert second.result(10).spec == specs[1]
    assert get_loaded_names(pool, specs) == "b"
    pool.close()


def test_preload_does_not_evict_versions_to_keep(specs):
    pool = PredictorPool(max_predictors=2)
    assert pool.preload(specs[0], keep=specs[:3])
    assert pool.preload(specs[3], keep=specs[:3])
    assert pool.preload(specs[1], keep=specs[:3])
    assert not pool.preload(specs[2], keep=specs[:3])
    assert get_loaded_names(pool, specs) == "ab"
    pool.close()


def test_preload_does_not_evict_recently_used_versions(specs, monkeypatch):
    pool = PredictorPool(max_predictors=1)
    lease_predictor(pool, specs[3])
    assert not pool.preload(specs[0], keep=specs[:1])
    monkeypatch.setattr("inference.pool.RECENT_USE_SECONDS", 0)
    assert pool.preload(specs[0], keep=specs[:1])
    assert get_loaded_names(pool, specs) == "a"
    lease_predictor(pool, specs[3])  # a lease evicts it anyway
    assert get_loaded_names(pool, specs) == "d"
    pool.close()


def test_preload_does_not_count_as_use(specs):
    pool = PredictorPool(max_predictors=2)
    lease_predictor(pool, specs[0])
    lease_predictor(pool, specs[1])
    assert pool.preload(specs[0])
    lease_predictor(pool, specs[2])
    assert get_loaded_names(pool, specs) == "bc"
    pool.close()


def test_model_larger_than_the_limit_is_rejected(specs):
    pool = PredictorPool(max_bytes=99)
    with pytest.raises(ModelUnavailable, match=r"a:1 is too large \(100 bytes\)\. .* together is 99 bytes\."):
        lease_predictor(pool, specs[0])


def test_concurrent_leases_respect_the_limit(specs):
    peak, count, lock = 0, 0, threading.Lock()

    def load(spec):
        nonlocal peak, count
        predictor = load_predictor(spec)
        close = predictor.close

        def close_and_count():
            nonlocal count
            with lock:
                count -= 1
            close()

        with lock:
            count += 1
            peak = max(peak, count)
        predictor.close = close_and_count
        return predictor

    pool = PredictorPool(load, max_predictors=2)

    def use(number):
        with pool.lease(specs[number % 4], timeout=30) as predictor:
            return predictor.predict(Image.new("L", (8, 8)), timeout=10).label

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(use, range(200))) == ["dark"] * 200
    assert peak <= 3  # one more while the evicted predictor is being closed
    assert len(get_loaded_names(pool, specs)) == 2
    pool.close()


def test_evicted_predictor_is_closed_even_if_there_is_still_no_room(specs):
    pool = PredictorPool(max_bytes=250)
    evicted = lease_predictor(pool, specs[0])
    large = replace(specs[2], size=240)
    with pool.lease(specs[1]), pytest.raises(Overloaded):
        lease_predictor(pool, large, timeout=0.05)
    evicted._batcher._thread.join(10)
    assert not evicted._batcher._thread.is_alive()
    pool.close()


def test_preload_evicts_nothing_if_that_does_not_make_enough_room(specs):
    pool = PredictorPool(max_bytes=250)
    lease_predictor(pool, specs[1])
    assert pool.preload(specs[0])
    assert not pool.preload(replace(specs[2], size=240), keep=[])
    assert get_loaded_names(pool, specs) == "ab"
    pool.close()


def test_failed_load_is_reported_for_a_limited_time(specs, monkeypatch):
    def load(spec):
        raise ModelUnavailable("gone")

    pool = PredictorPool(load)
    with pytest.raises(ModelUnavailable):
        lease_predictor(pool, specs[0])
    assert pool.get_failure(specs[0]).message == "gone"
    monkeypatch.setattr("inference.pool.FAILURE_REPORT_SECONDS", 0)
    assert pool.get_failure(specs[0]) is None
