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
from inference.errors import ArtifactMismatch, InferenceTimeout, InvalidArtifact, ModelError, ModelUnavailable, Overloaded
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
        import numpy as np

        return lambda batch: np.tile(np.float32([0.25, 0.75]), (len(batch), 1))


def test_a_foreign_runtime_is_served_by_its_dotted_path(make_spec):
    spec = make_spec(runtime=f"{__name__}.ForeignRuntime")
    with pytest.raises(ModelUnavailable, match="--trusted"):
        load_predictor(spec)
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


@pytest.fixture
def specs(make_spec):
    """Return four specs of one artifact, as four models."""
    spec = make_spec()
    return [replace(spec, name=name, size=100) for name in "abcd"]


def loaded(pool, specs):
    return "".join(spec.name for spec in specs if pool.is_loaded(spec))


@pytest.mark.parametrize("limits", [{"max_predictors": 2}, {"max_bytes": 250}])
def test_the_least_recently_used_makes_room(specs, limits):
    pool = PredictorPool(**limits)
    a, b, c, d = specs
    for spec in (a, b, a, c):
        leased(pool, spec)
    assert loaded(pool, specs) == "ac"
    leased(pool, d)
    assert loaded(pool, specs) == "cd"
    pool.close()


def test_what_makes_room_ends_its_thread(specs):
    pool = PredictorPool(max_predictors=1)
    gone = leased(pool, specs[0])
    leased(pool, specs[1])
    gone._batcher._thread.join(10)
    assert not gone._batcher._thread.is_alive()
    pool.close()


def test_one_that_is_answering_never_makes_room(specs):
    pool = PredictorPool(max_predictors=2)
    with pool.lease(specs[0]), pool.lease(specs[1]):
        with pytest.raises(Overloaded, match="no room to load c:1"):
            leased(pool, specs[2], timeout=0.05)
        assert loaded(pool, specs) == "ab"
    leased(pool, specs[2], timeout=0.05)
    assert loaded(pool, specs) == "bc"
    pool.close()


def test_one_whose_callers_gave_up_but_that_still_runs_never_makes_room(specs):
    pool, entered, let_go = PredictorPool(max_predictors=1), threading.Event(), threading.Event()

    def run(batch):
        entered.set()
        assert let_go.wait(30)
        return np.tile(np.float32([0.5, 0.5]), (len(batch), 1))

    with pool.lease(specs[0]) as predictor:
        predictor._run = run
        with pytest.raises(InferenceTimeout):
            predictor.predict(Image.new("L", (8, 8)), timeout=0.05)
    assert entered.wait(10)
    with pytest.raises(Overloaded):
        leased(pool, specs[1], timeout=0.05)
    let_go.set()
    leased(pool, specs[1], timeout=10)
    assert loaded(pool, specs) == "b"
    pool.close()


def test_a_request_waits_for_room(specs):
    pool, inside, let_go = PredictorPool(max_predictors=1), threading.Event(), threading.Event()

    def hold():
        with pool.lease(specs[0]):
            inside.set()
            assert let_go.wait(30)

    with ThreadPoolExecutor(2) as threads:
        threads.submit(hold)
        assert inside.wait(10)
        second = threads.submit(leased, pool, specs[1], timeout=10)
        let_go.set()
        assert second.result(10).spec == specs[1]
    assert loaded(pool, specs) == "b"
    pool.close()


def test_loading_beforehand_takes_no_room_from_what_must_stay(specs):
    pool = PredictorPool(max_predictors=2)
    assert pool.preload(specs[0], keep=specs[:3])
    assert pool.preload(specs[3], keep=specs[:3])
    assert pool.preload(specs[1], keep=specs[:3])
    assert not pool.preload(specs[2], keep=specs[:3])
    assert loaded(pool, specs) == "ab"
    pool.close()


def test_loading_beforehand_takes_no_room_from_what_was_asked_just_now(specs, monkeypatch):
    pool = PredictorPool(max_predictors=1)
    leased(pool, specs[3])
    assert not pool.preload(specs[0], keep=specs[:1])
    monkeypatch.setattr("inference.pool.RECENTLY", 0)
    assert pool.preload(specs[0], keep=specs[:1])
    assert loaded(pool, specs) == "a"
    leased(pool, specs[3])  # who asks gets room
    assert loaded(pool, specs) == "d"
    pool.close()


def test_looking_after_what_is_loaded_does_not_make_it_recently_used(specs):
    pool = PredictorPool(max_predictors=2)
    leased(pool, specs[0])
    leased(pool, specs[1])
    assert pool.preload(specs[0])
    leased(pool, specs[2])
    assert loaded(pool, specs) == "bc"
    pool.close()


def test_a_model_larger_than_all_room_is_refused_by_name(specs):
    pool = PredictorPool(max_bytes=99)
    with pytest.raises(ModelUnavailable, match=r"a:1 is larger than all models together may be \(99 bytes\)"):
        leased(pool, specs[0])


def test_under_load_there_are_never_more_than_allowed(specs):
    most, counted, lock = 0, 0, threading.Lock()

    def load(spec):
        nonlocal most, counted
        predictor = load_predictor(spec)
        close = predictor.close

        def closing():
            nonlocal counted
            with lock:
                counted -= 1
            close()

        with lock:
            counted += 1
            most = max(most, counted)
        predictor.close = closing
        return predictor

    pool = PredictorPool(load, max_predictors=2)

    def use(number):
        with pool.lease(specs[number % 4], timeout=30) as predictor:
            return predictor.predict(Image.new("L", (8, 8)), timeout=10).label

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(use, range(200))) == ["dark"] * 200
    assert most <= 3  # one more for the moment in which the old one is being closed
    assert len(loaded(pool, specs)) == 2
    pool.close()
