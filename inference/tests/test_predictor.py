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


def brightness(batch):
    means = batch.mean(axis=(1, 2, 3))
    return np.stack([1 - means, means], axis=1)


@pytest.fixture
def make():
    made = []

    def make_predictor(run):
        made.append(Predictor(SPEC, run))
        return made[-1]

    yield make_predictor
    for predictor in made:
        predictor.close()


def test_answers_an_image(make):
    timings = Timings()
    answer = make(brightness).predict(Image.new("RGB", (30, 20), (204, 204, 204)), timeout=10, timings=timings)
    assert (answer.label, answer.confidence) == ("light", pytest.approx(0.8, abs=1e-6))
    assert None not in (timings.preprocess_ms, timings.queue_ms, timings.inference_ms)


def test_tells_the_kind_of_an_error_but_not_its_text(make):
    def run(batch):
        raise KeyError("/secret/path")

    timings = Timings()
    with pytest.raises(ModelFailed, match="shades:2 failed: KeyError") as caught:
        make(run).predict(Image.new("L", (8, 8)), timeout=10, timings=timings)
    assert "secret" not in caught.value.message
    assert isinstance(caught.value.__cause__, KeyError)
    assert timings.preprocess_ms is not None


def test_gives_up_after_the_timeout(make):
    let_go = threading.Event()

    def run(batch):
        let_go.wait(30)
        return brightness(batch)

    with pytest.raises(InferenceTimeout, match=r"within 0\.05 seconds"):
        make(run).predict(Image.new("L", (8, 8)), timeout=0.05)
    let_go.set()


def test_a_timeout_error_of_the_model_is_a_failure_not_a_timeout(make):
    def run(batch):
        raise TimeoutError

    with pytest.raises(ModelFailed):
        make(run).predict(Image.new("L", (8, 8)), timeout=10)


def test_warm_up_finds_an_output_that_does_not_fit(make):
    with pytest.raises(InvalidOutput, match="Expected 2 numbers"):
        make(lambda batch: np.ones((len(batch), 3)) / 3).warm_up()
