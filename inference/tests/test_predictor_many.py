"""Predict many inputs: the results are those of single predictions, and an input that fails does not affect the others."""

import threading
from pathlib import Path

import numpy as np
import pytest

from inference.errors import InferenceTimeout, InvalidOutput, ModelFailed, Overloaded
from inference.predictor import Predictor
from inference.signature import Feature, Signature, TableInput, ValueOutput
from inference.types import ModelSpec

pytestmark = pytest.mark.once

FEATURES = (Feature("number"), Feature("count", "integer"), Feature("word", "text", required=False))


def make_spec(**options):
    signature = Signature(TableInput(FEATURES), ValueOutput(), **options)
    return ModelSpec("sums", 1, "dummy", Path("none"), "0" * 64, signature, ())


@pytest.fixture
def make_predictor():
    predictors = []

    def make(run, *, spec=None, **options):
        predictors.append(Predictor(spec or make_spec(), run, **options))
        return predictors[-1]

    yield make
    for predictor in predictors:
        predictor.close()


class Recorder:
    """Return the sum of each row. Fail on every batch with a value in `poison`, and record the sizes of the batches."""

    def __init__(self, poison=()):
        self.poison = set(poison)
        self.sizes = []
        self.dtypes = set()

    def __call__(self, table):
        self.sizes.append(len(table))
        self.dtypes.add(tuple(column.dtype.kind for column in table.columns.values()))
        if self.poison & set(table.columns["count"].tolist()):
            raise ValueError
        return (table.columns["number"] + table.columns["count"]).reshape(-1, 1)


def make_rows(count):
    return [{"number": 0.5, "count": number, "word": None if number % 2 else "a"} for number in range(count)]


@pytest.mark.parametrize("is_reentrant", [False, True])
@pytest.mark.parametrize("single_rows", [False, True])
def test_the_results_are_those_of_single_predictions(make_predictor, is_reentrant, single_rows):
    run = Recorder()
    predictor = make_predictor(run, spec=make_spec(single_rows=single_rows), is_reentrant=is_reentrant)
    predictor.warm_up()
    rows = make_rows(100)
    timings = []
    results = predictor.predict_many(iter(rows), timeout=10, timings=timings)
    assert results == [predictor.predict(row, timeout=10) for row in rows]
    assert [result.value for result in results] == [number + 0.5 for number in range(100)]
    assert len(timings) == 100
    assert all(None not in (each.preprocess_ms, each.queue_ms, each.inference_ms) for each in timings)
    assert len(run.dtypes) == 1
    assert (max(run.sizes) == 1) == single_rows


def test_only_the_inputs_that_the_model_fails_on_have_an_error(make_predictor):
    run = Recorder(poison={3, 70})
    results = make_predictor(run).predict_many(make_rows(100), timeout=10)
    failed = [index for index, result in enumerate(results) if isinstance(result, ModelFailed)]
    assert failed == [3, 70]
    assert [result.value for index, result in enumerate(results) if index not in failed] == [
        index + 0.5 for index in range(100) if index not in failed
    ]
    assert len(run.sizes) < 40


def test_an_output_that_is_not_finite_fails_alone(make_predictor):
    def run(table):
        values = table.columns["count"].astype(float)
        values[values == 5] = np.nan
        return values.reshape(-1, 1)

    results = make_predictor(run).predict_many(make_rows(20), timeout=10)
    assert [index for index, result in enumerate(results) if isinstance(result, InvalidOutput)] == [5]


def test_a_wrong_number_of_rows_fails_every_input(make_predictor):
    results = make_predictor(lambda table: np.zeros((7, 1))).predict_many(make_rows(3), timeout=10)
    assert all(isinstance(result, InvalidOutput) for result in results)


def test_a_hung_model_times_out_once(make_predictor):
    release = threading.Event()
    calls = []

    def run(table):
        calls.append(len(table))
        release.wait(20)
        return np.zeros((len(table), 1))

    predictor = make_predictor(run, max_batch_items=1)
    results = predictor.predict_many(make_rows(100), timeout=0.1)
    assert len(results) == 100
    assert all(isinstance(result, InferenceTimeout) for result in results)
    assert predictor.get_running_seconds() > 0
    assert len(calls) == 1
    release.set()


def test_a_full_queue_refuses_the_first_chunk(make_predictor):
    release, entered = threading.Event(), threading.Event()

    def run(table):
        entered.set()
        release.wait(20)
        return np.zeros((len(table), 1))

    predictor = make_predictor(run, max_queue_items=1)
    callers = [threading.Thread(target=predictor.predict, args=(make_rows(1)[0],), kwargs={"timeout": 10}) for _ in "ab"]
    callers[0].start()
    assert entered.wait(10)
    callers[1].start()
    while predictor._batcher._queue.qsize() < 1:
        pass
    with pytest.raises(Overloaded):
        predictor.predict_many(make_rows(5), timeout=10)
    release.set()
    for caller in callers:
        caller.join()
    assert len(predictor.predict_many(make_rows(5), timeout=10)) == 5


def test_a_slow_model_gets_small_chunks(make_predictor, monkeypatch):
    monkeypatch.setattr("inference.chunks.CHUNK_SECONDS", 0.04)
    sizes = []

    def run(table):
        sizes.append(len(table))
        threading.Event().wait(0.01 * len(table))
        return np.zeros((len(table), 1))

    predictor = make_predictor(run)
    predictor.predict(make_rows(1)[0], timeout=10)
    predictor.predict_many(make_rows(12), timeout=10)
    assert max(sizes) <= 4


def test_no_inputs_have_no_results(make_predictor):
    assert make_predictor(Recorder()).predict_many([], timeout=10) == []
