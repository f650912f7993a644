import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image

from inference.errors import ArtifactMismatch, ModelLoading, ModelUnavailable
from inference.loader import load_predictor
from inference.pool import PredictorPool
from inference.tests.factories import lease_predictor


def test_concurrent_leases_load_a_model_once(make_spec):
    spec, loads, barrier = make_spec(), [], threading.Barrier(8)

    def load(requested):
        loads.append(requested)
        return load_predictor(requested)

    pool = PredictorPool(load)

    def get(_):
        barrier.wait(10)
        return lease_predictor(pool, spec)

    with ThreadPoolExecutor(8) as threads:
        predictors = set(threads.map(get, range(8)))
    assert (len(predictors), loads) == (1, [spec])
    pool.close()
    assert not pool.is_loaded(spec)


def test_failed_load_is_retried(make_spec):
    spec, pool = make_spec(), PredictorPool(retry_after=0)
    content = spec.path.read_bytes()
    spec.path.write_bytes(b"{}")
    with pytest.raises(ArtifactMismatch):
        lease_predictor(pool, spec)
    spec.path.write_bytes(content)
    assert lease_predictor(pool, spec).predict(Image.new("L", (8, 8)), timeout=10).label == "dark"
    pool.close()


def test_failed_load_is_not_retried_immediately(make_spec):
    spec, loads = make_spec(), []

    def load(requested):
        loads.append(requested)
        raise ModelUnavailable("gone")

    pool = PredictorPool(load, retry_after=60)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="gone"):
            lease_predictor(pool, spec)
    assert len(loads) == 1


def test_no_caller_waits_longer_than_its_timeout_for_a_load_which_continues(make_spec):
    spec, entered, release, loads = make_spec(), threading.Event(), threading.Event(), []

    def load(requested):
        loads.append(requested)
        entered.set()
        assert release.wait(30)
        return load_predictor(requested)

    pool = PredictorPool(load, max_predictors=1)
    with pytest.raises(ModelLoading, match="still loading"):
        lease_predictor(pool, spec, timeout=0.05)  # the first caller, which has started the load
    assert entered.wait(10)
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(lease_predictor, pool, spec)
        with pytest.raises(ModelLoading, match="still loading"):
            lease_predictor(pool, spec, timeout=0.05)
        release.set()
        assert other.result(10) is lease_predictor(pool, spec, timeout=0.05)
    assert loads == [spec]
    lease_predictor(pool, replace(spec, number=2), timeout=10)  # the callers that gave up do not keep the first one
    assert not pool.is_loaded(spec)
    pool.close()


def test_all_callers_get_the_error_of_a_load(make_spec):
    spec, release = make_spec(), threading.Event()

    def load(requested):
        assert release.wait(30)
        raise MemoryError

    pool = PredictorPool(load)
    with ThreadPoolExecutor(2) as threads:
        callers = [threads.submit(lease_predictor, pool, spec) for _ in range(2)]
        assert not pool.start_load(spec, seconds=0.05)
        release.set()
        assert [type(caller.exception(10)) for caller in callers] == [MemoryError] * 2
