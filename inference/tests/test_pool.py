import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from inference.errors import ArtifactMismatch, InferenceTimeout, ModelUnavailable
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


def test_lease_times_out_while_another_thread_loads(make_spec):
    spec, entered, release = make_spec(), threading.Event(), threading.Event()

    def load(requested):
        entered.set()
        assert release.wait(30)
        return load_predictor(requested)

    pool = PredictorPool(load)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(lease_predictor, pool, spec)
        assert entered.wait(10)
        with pytest.raises(InferenceTimeout, match="still loading"):
            lease_predictor(pool, spec, timeout=0.05)
        release.set()
        assert first.result(10) is lease_predictor(pool, spec, timeout=0.05)
    pool.close()
