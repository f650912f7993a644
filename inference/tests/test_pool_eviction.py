"""How many models a process holds: the least recently used makes room, never one that is answering."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inference.errors import InferenceTimeout, ModelUnavailable, Overloaded
from inference.pool import PredictorPool, load_predictor
from inference.tests.test_pool import leased, make_spec  # noqa: F401


@pytest.fixture
def specs(make_spec):  # noqa: F811
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


def test_a_predictor_that_made_room_in_vain_is_ended(specs):
    pool = PredictorPool(max_bytes=250)
    gone = leased(pool, specs[0])
    large = replace(specs[2], size=240)
    with pool.lease(specs[1]), pytest.raises(Overloaded):
        leased(pool, large, timeout=0.05)
    gone._batcher._thread.join(10)
    assert not gone._batcher._thread.is_alive()
    pool.close()


def test_loading_beforehand_unloads_nothing_where_it_would_not_be_enough(specs):
    pool = PredictorPool(max_bytes=250)
    leased(pool, specs[1])
    assert pool.preload(specs[0])
    assert not pool.preload(replace(specs[2], size=240), keep=[])
    assert loaded(pool, specs) == "ab"
    pool.close()


def test_a_failure_is_told_for_a_while_and_not_for_ever(specs, monkeypatch):
    def load(spec):
        raise ModelUnavailable("gone")

    pool = PredictorPool(load)
    with pytest.raises(ModelUnavailable):
        leased(pool, specs[0])
    assert pool.failure_of(specs[0]).message == "gone"
    monkeypatch.setattr("inference.pool.FAILURE_HOLDS", 0)
    assert pool.failure_of(specs[0]) is None
