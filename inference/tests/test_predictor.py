import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InferenceTimeout, InvalidOutput, ModelFailed
from inference.predictor import Predictor
from inference.signature import ImageInput, Signature
from inference.types import ModelSpec, Timings

SPEC = ModelSpec("shades", 2, "dummy", Path("none"), "0" * 64, Signature(ImageInput(8, 8, 1)), ("dark", "light"))


def classify_brightness(batch):
    means = batch.mean(axis=(1, 2, 3))
    return np.stack([1 - means, means], axis=1)


@pytest.fixture
def make_predictor():
    predictors = []

    def make(run):
        predictors.append(Predictor(SPEC, run))
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
