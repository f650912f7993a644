import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InferenceTimeout, InvalidOutput, ModelError, ModelFailed
from inference.predictor import MAX_DIRECT_MILLISECONDS, Predictor
from inference.signature import ImageInput, Signature
from inference.types import ModelSpec, Timings

SPEC = ModelSpec("shades", 2, "dummy", Path("none"), "0" * 64, Signature(ImageInput(8, 8, 1)), ("dark", "light"))


def classify_brightness(batch):
    means = batch.mean(axis=(1, 2, 3))
    return np.stack([1 - means, means], axis=1)


@pytest.fixture
def make_predictor():
    predictors = []

    def make(run, **options):
        predictors.append(Predictor(SPEC, run, **options))
        return predictors[-1]

    yield make
    for predictor in predictors:
        predictor.close()


def test_image_is_predicted(make_predictor):
    timings = Timings()
    result = make_predictor(classify_brightness).predict(
        Image.new("RGB", (30, 20), (204, 204, 204)), timeout=10, timings=timings
    )
    assert (result.label, result.confidence) == ("light", pytest.approx(0.8, abs=1e-6))
    assert None not in (timings.preprocess_ms, timings.queue_ms, timings.inference_ms)


def test_model_error_has_the_type_but_not_the_text_of_the_cause(make_predictor):
    def run(batch):
        raise KeyError("/secret/path")

    timings = Timings()
    with pytest.raises(ModelFailed, match="shades:2 failed: KeyError") as caught:
        make_predictor(run).predict(Image.new("L", (8, 8)), timeout=10, timings=timings)
    assert "secret" not in caught.value.message
    assert isinstance(caught.value.__cause__, KeyError)
    assert timings.preprocess_ms is not None


def test_slow_model_times_out(make_predictor):
    release = threading.Event()

    def run(batch):
        release.wait(30)
        return classify_brightness(batch)

    with pytest.raises(InferenceTimeout, match=r"within 0\.05 seconds"):
        make_predictor(run).predict(Image.new("L", (8, 8)), timeout=0.05)
    release.set()


def test_timeout_error_of_the_model_is_a_failure(make_predictor):
    def run(batch):
        raise TimeoutError

    with pytest.raises(ModelFailed):
        make_predictor(run).predict(Image.new("L", (8, 8)), timeout=10)


def test_warm_up_rejects_an_invalid_output(make_predictor):
    with pytest.raises(InvalidOutput, match="Expected 2 numbers"):
        make_predictor(lambda batch: np.ones((len(batch), 3)) / 3).warm_up()


def test_warm_up_tries_other_samples_if_the_model_fails_on_the_first(make_predictor):
    def run(batch):
        if not batch.any():
            raise ZeroDivisionError
        return classify_brightness(batch)

    make_predictor(run).warm_up()


def test_warm_up_requires_a_batch_axis_in_each_output(make_predictor):
    with pytest.raises(InvalidOutput, match=r"Received: 0\. The first axis .* boxes\[None\]"):
        make_predictor(lambda batch: {"boxes": np.ones((0, 4))}).warm_up()


def record_threads(threads, seconds=0.0):
    """Return a model that records the threads in which it runs."""

    def run(batch):
        threads.append(threading.current_thread())
        time.sleep(seconds)
        return classify_brightness(batch)

    return run


@pytest.mark.parametrize(
    ("is_reentrant", "seconds", "runs_directly"),
    [(True, 0, True), (False, 0, False), (True, 2 * MAX_DIRECT_MILLISECONDS / 1000, False)],
    ids=["fast and reentrant", "not reentrant", "slow"],
)
def test_only_a_fast_reentrant_model_runs_in_the_thread_of_its_caller(make_predictor, is_reentrant, seconds, runs_directly):
    threads = []
    predictor = make_predictor(record_threads(threads, seconds), is_reentrant=is_reentrant)
    predictor.warm_up()
    timings = Timings()
    result = predictor.predict(Image.new("L", (8, 8), 255), timeout=10, timings=timings)
    assert result.label == "light"
    assert (threads[-1] is threading.current_thread()) == runs_directly
    assert timings.inference_ms > 0
    assert (timings.queue_ms == 0) == runs_directly


def test_callers_do_not_wait_for_the_caller_that_runs_the_model(make_predictor):
    threads, release, is_running = [], threading.Event(), threading.Event()

    def run(batch):
        threads.append(threading.current_thread())
        if threads[-1] is waiting:
            is_running.set()
            release.wait(30)
        return classify_brightness(batch)

    waiting = threading.Thread(target=lambda: predictor.predict(Image.new("L", (8, 8)), timeout=10))
    predictor = make_predictor(run, is_reentrant=True)
    predictor.warm_up()
    waiting.start()
    assert is_running.wait(10)
    assert predictor.get_running_seconds() > 0
    assert predictor.predict(Image.new("L", (8, 8)), timeout=10)
    assert threads[-1] not in (waiting, threading.current_thread())
    release.set()
    waiting.join()
    assert predictor.get_running_seconds() == 0
    predictor.predict(Image.new("L", (8, 8)), timeout=10)
    assert threads[-1] is threading.current_thread()


def test_errors_of_a_model_that_runs_directly_are_those_of_the_batcher(make_predictor):
    errors = []

    def run(batch):
        if errors:
            raise errors[0]
        return classify_brightness(batch)

    predictor = make_predictor(run, is_reentrant=True)
    predictor.warm_up()
    for error, expected in ((KeyError("/secret/path"), "shades:2 failed: KeyError"), (InvalidOutput("rows"), "rows")):
        errors[:] = [error]
        with pytest.raises(ModelError, match=expected) as caught:
            predictor.predict(Image.new("L", (8, 8)), timeout=10)
        assert error in (caught.value, caught.value.__cause__)
    errors.clear()
    assert predictor.predict(Image.new("L", (8, 8)), timeout=10)
