"""Replays of multi-label and text models, and of two workers at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

import core.tasks
from core.tests.pages import get_text
from evaluation.models import ReplayResult
from evaluation.replay_results import compare_results
from evaluation.services.replays import create_replay, run_replay
from evaluation.services.replays.states import TASK_NAME
from inference.tests.factories import make_image
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction
from registry.services import register_model

FOUR_GRAYS = (0, 60, 200, 255)


@pytest.mark.django_db
def test_lists_of_labels_are_compared_in_any_order(blends, write_dummy, reviewer, client):
    folder = write_dummy(name="blends", fixed=[0.9, 0.8, 0])
    with (folder / "model.toml").open("a") as file:
        file.write('[output]\nkind = "labels"\nthresholds = [0.3]\nactivation = "none"\n')
    second = register_model(path=folder)  # always black and grey
    for shade, labels in ((0, ["grey", "black"]), (255, ["white"]), (250, [])):
        prediction = make_prediction(reviewer, make_image(shade), model="blends:1")
        review_prediction(prediction=prediction, reviewer=reviewer, true_labels=labels, picked_by="random")
    replay = create_replay(user=reviewer, version=second, baseline=blends)
    run_replay(str(replay.pk))
    labels = compare_results(replay_again(replay), max_cases=5).labels
    assert (labels.n, labels.fixed, labels.broken, labels.wrong) == (3, 1, 1, 1)
    client.force_login(reviewer)
    text = get_text(client.get(replay.get_absolute_url()))
    for part in ("Subset accuracy", "black, grey", "no label", "All inputs are from the random sample"):
        assert part in text


@pytest.mark.django_db
def test_texts_are_compared_by_their_values(reviews, tmp_path, reviewer, client):
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "model.dummy.json").write_text('{"sum": 2}')
    original = reviews.parsed_signature
    (folder / "model.toml").write_text('name = "reviews"\nartifact = "model.dummy.json"\n[input]\nkind = "text"\n')
    second = register_model(path=folder)
    assert original.input.kind == second.parsed_signature.input.kind == "text"
    for text in ("good", "bad, really", "so-so"):
        prediction = predict(user=reviewer, source="api", text=text, model="reviews:1")
        review_prediction(prediction=prediction, reviewer=reviewer, true_value=2 * prediction.value)
    replay = create_replay(user=reviewer, version=second, baseline=reviews)
    run_replay(str(replay.pk))
    values = compare_results(replay_again(replay), max_cases=5).values
    assert (values.n, values.mae, values.closer) == (3, 0, 3)
    client.force_login(reviewer)
    assert "bad, really" in get_text(client.get(replay.get_absolute_url()))


def replay_again(replay):
    replay.refresh_from_db()
    assert (replay.status, replay.error_message) == ("succeeded", "")
    return replay


@pytest.mark.django_db(transaction=True)
def test_two_workers_process_a_replay_once(shades, write_dummy, reviewer, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite allows one writer at a time")
    monkeypatch.setitem(core.tasks._tasks, TASK_NAME, lambda row_id: None)  # only the workers below run replays
    second = register_model(path=write_dummy(fixed=[0, 1, 0]))
    for shade in FOUR_GRAYS:
        review_prediction(prediction=make_prediction(reviewer, make_image(shade)), reviewer=reviewer, verdict="correct")
    replay, other = (create_replay(user=reviewer, version=second, baseline=shades, picked_by=p) for p in ("", "manual"))
    barrier = Barrier(3)

    def work(pk):
        try:
            barrier.wait()
            run_replay(str(pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(work, (replay.pk, replay.pk, other.pk)))
    for row in (replay, other):
        replay_again(row)
        assert (row.total_items, row.done_items) == (4, 4)
        assert ReplayResult.objects.filter(replay=row, is_done=True).count() == 4
