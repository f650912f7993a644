"""Replays: two versions on the same reviewed inputs."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.tests.pages import get_text
from evaluation.models import Replay, ReplayResult
from evaluation.replay_results import compare_results
from evaluation.services.replays import InvalidReplay, create_replay, requeue_lost_replays, run_replay
from evaluation.services.replays import run as run_module
from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(reviewed, write_dummy):
    """Return a version of `shades` that always predicts grey. One of the three reviewed inputs is grey and was white."""
    return register_model(path=write_dummy(fixed=[0, 1, 0]))


def run(replay):
    run_replay(str(replay.pk))
    replay.refresh_from_db()
    return replay


def test_a_replay_compares_two_versions_outside_the_history(second, shades, user, reviewer, client):
    make_prediction(user, make_image(255), name="again.png")  # not reviewed
    count = Prediction.objects.count()
    replay = create_replay(user=reviewer, version=second, baseline=shades)
    assert create_replay(user=reviewer, version=second, baseline=shades) == replay  # one at a time
    client.force_login(reviewer)
    url = replay.get_absolute_url()
    assert "Waiting to start" in get_text(client.get(url))
    assert 'hx-trigger="every 1s"' in client.get(url).content.decode()
    Replay.objects.filter(pk=replay.pk).update(created_at=timezone.now() - timedelta(hours=9))
    progress = client.get(url, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 10s"' in progress.content.decode()  # a long replay is still polled
    run(replay)
    assert (replay.status, replay.total_items, replay.done_items) == ("succeeded", 3, 3)
    assert Prediction.objects.count() == count
    labels = compare_results(replay, max_cases=5).labels
    # The true labels are black, grey, grey; version 1 predicted black, grey, white, and version 2 always grey.
    assert (labels.n, labels.right, labels.fixed, labels.broken, labels.wrong, labels.same) == (3, 1, 1, 1, 0, 1)
    assert (labels.accuracy.value, labels.baseline_accuracy.value, labels.p) == (2 / 3, 2 / 3, 1.0)
    page = get_text(client.get(url))
    for text in ("It is not clear whether version 2 is better than version 1.", "3 reviewed inputs", "Fixed by version 2",
                 "1 of the 3 inputs is from the random sample", "p = 1", "Only 3 inputs were compared."):  # fmt: skip
        assert text in page
    assert page.count("Both versions") == 2  # "ran on", and "incorrect"
    assert client.get(url, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert "again.png" not in client.get(url + "?cases=fixed").content.decode()
    assert client.get(url + "?cases=fixed&after=99999999999999").status_code == 200
    model_page = client.get("/models/shades/").content.decode().split("Is version 2 better?")[1]
    assert f'<a href="{url}">It is not clear whether version 2' in model_page.split("</section>")[0]
    assert "newest: version 2" in get_text(client.get("/models/"))
    assert create_replay(user=reviewer, version=second, baseline=shades) != replay


def test_a_replay_continues_after_a_lost_worker_and_can_be_canceled(second, shades, reviewer, monkeypatch):
    monkeypatch.setattr(run_module, "FIRST_CHUNK_ITEMS", 1)
    monkeypatch.setattr(run_module, "MAX_CHUNK_ITEMS", 1)
    monkeypatch.setattr("core.leases.SLICE_SECONDS", 0)
    replay = run(create_replay(user=reviewer, version=second, baseline=shades))
    assert (replay.status, replay.total_items, replay.done_items) == ("queued", 3, 0)
    monkeypatch.setattr("core.leases.SLICE_SECONDS", 20)
    Replay.objects.filter(pk=replay.pk).update(status="running", leased_until=timezone.now() + timedelta(minutes=1))
    assert requeue_lost_replays() == 0
    run_replay(str(replay.pk))  # another worker holds the lease
    assert not ReplayResult.objects.filter(replay=replay, is_done=True).exists()
    for difference in (timedelta(hours=1), timedelta(seconds=-1)):  # the clock was set back; the lease has ended
        Replay.objects.filter(pk=replay.pk).update(status="running", leased_until=timezone.now() + difference)
        assert requeue_lost_replays() == 1
    assert run(replay).done_items == 3
    assert not ReplayResult.objects.filter(replay=replay, is_done=False).exists()


def test_a_version_is_never_compared_with_itself(second, shades, reviewer):
    with pytest.raises(InvalidReplay, match="not compared with itself"):
        create_replay(user=reviewer, version=shades, baseline=shades)
    with pytest.raises(IntegrityError), transaction.atomic():
        Replay.objects.create(user=reviewer, model_version=shades, baseline=shades, covers_all=True)


def test_the_page_starts_and_cancels_a_replay(second, shades, user, reviewer, client):
    url, data = "/models/shades/replays/", {"version": "2", "baseline": "1"}
    client.force_login(user)
    assert client.post(url, data).status_code == 403
    client.force_login(reviewer)
    assert client.get(url).status_code == 405
    response = client.post(url, data)
    replay = Replay.objects.get()
    assert response.url == replay.get_absolute_url()
    client.post(f"{response.url}cancel/")
    assert "The evaluation was canceled" in get_text(client.get(response.url))
    assert run(replay).status == "canceled"
    for bad in ({"version": "2", "baseline": "2"}, {"version": "x", "baseline": "1"}):
        assert client.post(url, bad).url == "/models/shades/"
    assert client.post(url, {"version": "9", "baseline": "1"}).status_code == 404
    client.force_login(user)
    assert client.get(replay.get_absolute_url()).status_code == 404


def test_a_regression_is_compared_by_its_errors(flowers, write_rows, reviewer, client):
    second = register_model(path=write_rows(factor=2))
    for length in range(1, 7):
        prediction = predict(user=reviewer, source="api", features={"length": length, "petals": 5}, model="flowers")
        review_prediction(prediction=prediction, reviewer=reviewer, true_value=2 * prediction.value + length / 10)
    replay = run(create_replay(user=reviewer, version=second, baseline=flowers))
    values = compare_results(replay, max_cases=3).values
    assert (values.n, values.closer, values.farther) == (6, 6, 0)
    assert values.mae == pytest.approx(0.35)
    client.force_login(reviewer)
    page = get_text(client.get(replay.get_absolute_url()))
    assert "Yes, version 2 is better than version 1." in page
    assert "Largest improvements" in page
    assert "95% interval" in page
