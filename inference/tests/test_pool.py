import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.base import BaseRuntime
from inference.errors import ArtifactMismatch, InferenceTimeout, InvalidArtifact, ModelError, ModelUnavailable
from inference.pool import PredictorPool, load_predictor
from inference.runtimes import get_runtime, runtime_for
from inference.signature import ImageInput, Signature
from inference.types import ModelSpec


@pytest.fixture
def make_spec(tmp_path):
    def make(*, runtime: str = "dummy", **behaviour: object) -> ModelSpec:
        path = tmp_path / "model.dummy.json"
        path.write_text(json.dumps({"classes": 2, **behaviour}))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return ModelSpec("shades", 1, runtime, path, digest, Signature(ImageInput(8, 8, 1)), ("dark", "light"))

    return make


def leased(pool, spec, **options):
    with pool.lease(spec, **options) as predictor:
        return predictor


def test_threads_that_ask_for_a_cold_model_load_it_once(make_spec):
    spec, loads, together = make_spec(), [], threading.Barrier(8)

    def load(asked):
        loads.append(asked)
        return load_predictor(asked)

    pool = PredictorPool(load)

    def get(_):
        together.wait(10)
        return leased(pool, spec)

    with ThreadPoolExecutor(8) as threads:
        predictors = set(threads.map(get, range(8)))
    assert (len(predictors), loads) == (1, [spec])
    pool.close()
    assert not pool.is_loaded(spec)


def test_a_changed_artifact_is_refused_before_it_is_parsed(make_spec):
    spec = make_spec()
    spec.path.write_text("{ this would not even parse")
    with pytest.raises(ArtifactMismatch, match="not the registered file"):
        load_predictor(spec)


def test_a_missing_artifact_is_named(make_spec):
    spec = make_spec()
    spec.path.unlink()
    with pytest.raises(ModelUnavailable, match="shades:1 cannot be read"):
        load_predictor(spec)


def test_a_model_that_fails_its_warm_up_leaves_no_thread_behind(make_spec):
    spec = make_spec(fail="broken")
    with pytest.raises(ModelError):
        load_predictor(spec)
    for thread in threading.enumerate():
        if thread.name == "batch-shades:1":
            thread.join(10)
            assert not thread.is_alive()


def test_a_failed_load_is_tried_again(make_spec):
    spec, pool = make_spec(), PredictorPool(retry_after=0)
    kept = spec.path.read_bytes()
    spec.path.write_bytes(b"{}")
    with pytest.raises(ArtifactMismatch):
        leased(pool, spec)
    spec.path.write_bytes(kept)
    assert leased(pool, spec).predict(Image.new("L", (8, 8)), timeout=10).label == "dark"
    pool.close()


def test_a_failed_load_is_remembered_for_a_while(make_spec):
    spec, loads = make_spec(), []

    def load(asked):
        loads.append(asked)
        raise ModelUnavailable("gone")

    pool = PredictorPool(load, retry_after=60)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="gone"):
            leased(pool, spec)
    assert len(loads) == 1


def test_nobody_waits_for_ever_while_another_thread_loads(make_spec):
    spec, entered, let_go = make_spec(), threading.Event(), threading.Event()

    def load(asked):
        entered.set()
        assert let_go.wait(30)
        return load_predictor(asked)

    pool = PredictorPool(load)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(leased, pool, spec)
        assert entered.wait(10)
        with pytest.raises(InferenceTimeout, match="still being loaded"):
            leased(pool, spec, timeout=0.05)
        let_go.set()
        assert first.result(10) is leased(pool, spec, timeout=0.05)
    pool.close()


class ForeignRuntime(BaseRuntime):
    """A runtime that this project does not know, as a user would write it."""

    def load(self):

        return lambda batch: np.tile(np.float32([0.25, 0.75]), (len(batch), 1))


def test_a_foreign_runtime_is_served_by_its_dotted_path(make_spec):
    spec = make_spec(runtime=f"{__name__}.ForeignRuntime")
    with pytest.raises(ModelUnavailable, match="cannot be loaded") as caught:
        load_predictor(spec)
    assert "--trusted" in str(caught.value.__cause__)
    predictor = load_predictor(replace(spec, trusted=True))
    assert predictor.predict(Image.new("L", (8, 8)), timeout=10).output == {"scores": {"dark": 0.25, "light": 0.75}}
    predictor.close()


@pytest.mark.parametrize("name", ["nothing", "os.path", "os.path.join", "inference.types.ModelSpec", ""])
def test_what_is_no_runtime_is_refused(name):
    with pytest.raises(InvalidArtifact):
        get_runtime(name)


def test_the_runtime_follows_from_the_ending():
    assert (runtime_for(Path("a.keras")), runtime_for(Path("b.dummy.json"))) == ("keras", "dummy")
    with pytest.raises(InvalidArtifact, match=r"ends in \.keras or .*\.skops.* Received: c\.txt"):
        runtime_for(Path("c.txt"))


def test_a_runtime_without_load_says_what_is_missing():
    class Empty(BaseRuntime):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must override load\(\)"):
        Empty(Path("none")).load()
