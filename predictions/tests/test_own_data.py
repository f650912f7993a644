"""The account page: the usage of the reader, and the archive with all their data."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.services.usage import count_predictions
from core.fields import get_first_id
from core.tests.pages import get_text
from core.zip_streams import ZipStream
from events.tests.webhooks import make_webhook
from inference.tests.factories import make_image
from predictions.models import Prediction, PredictionComment, PredictionCount, PredictionTag, Review, SummaryProgress
from predictions.own_usage import measure_own_usage
from predictions.services import own_data
from predictions.services.predict import predict
from predictions.tests.batch_jobs import make_job, make_rows, run_job
from predictions.tests.factories import make_prediction
from predictions.usage import DAY, PREDICTIONS, round_down_to_day

pytestmark = pytest.mark.django_db


def read_archive(response):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def read_csv(data):
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_the_archive_contains_all_own_data_and_nothing_else(shades, flowers, signed_in, user, other, settings, monkeypatch):
    monkeypatch.setattr(own_data, "ROWS_PER_FETCH", 2)
    predictions = [make_prediction(user, data=make_image(number)) for number in range(5)]
    theirs = make_prediction(other, data=make_image(200))
    Review.objects.create(prediction=theirs, reviewer=user, verdict="correct", picked_by="manual")
    Review.objects.create(prediction=predictions[0], reviewer=other, verdict="unsure", picked_by="manual")
    PredictionComment.objects.create(prediction=theirs, author=user, text="=mine")
    PredictionComment.objects.create(prediction=predictions[0], author=other, text="theirs")
    PredictionTag.objects.create(prediction=predictions[0], name="odd", user=user)
    job = run_job(make_job(user, make_rows(3)))
    webhooks = [make_webhook(owner, f"https://example.org/{owner.username}") for owner in (user, other)]
    damaged = predictions[2].input
    damaged.image.storage.delete(damaged.image.name)
    response = signed_in.get(reverse("predictions:own-data"))
    assert (response["Content-Type"], response["Cache-Control"]) == ("application/zip", "private, no-store")
    files = read_archive(response)
    tables = {name.removesuffix(".json"): json.loads(files[name]) for name in files if name.endswith(".json")}
    assert tables.pop("account")["username"] == user.username
    counts = {"inputs": 8, "predictions": 8, "reviews": 1, "comments": 1, "tags": 1, "batch_jobs": 1, "saved_filters": 0}
    counts["webhooks"] = 1
    assert {name: len(rows) for name, rows in tables.items()} == counts
    for name, rows in tables.items():
        assert [row["id"] for row in read_csv(files[f"{name}.csv"])] == [row["id"] for row in rows]
    assert {row["id"] for row in tables["predictions"]} == {str(pk) for pk in user.predictions.values_list("pk", flat=True)}
    assert tables["predictions"][-1]["output"] == predictions[0].output
    assert (tables["comments"][0]["text"], read_csv(files["comments.csv"])[0]["text"]) == ("=mine", "'=mine")
    assert tables["reviews"][0]["prediction"] == str(theirs.pk)
    assert {"url": "https://example.org/ada", "event_types": ["prediction.succeeded"]}.items() <= tables["webhooks"][
        0
    ].items()
    assert not any(webhook.secret.encode() in data for webhook in webhooks for data in files.values())
    assert files[f"batch_jobs/{job.pk}.csv"].decode() == make_rows(3)
    images = {name: data for name, data in files.items() if name.startswith("images/")}
    assert images == {f"images/{row.input_id}.png": make_image(n) for n, row in enumerate(predictions) if n != 2}
    assert f"images/{damaged.pk}" in files["README.txt"].decode()


def test_an_archive_of_many_members_can_be_read():
    """The records of the members are not in memory, so zipfile must write them from the file."""
    parts = []
    with ZipStream() as archive:
        for number in range(2000):
            parts += archive.write(f"ü{number}.txt", [b"x" * number], is_compressed=number % 2 == 0)
        assert len(archive._archive.NameToInfo) == 0
        parts += archive.finish()
    assert max(map(len, parts)) <= 64 * 1024
    read = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
    assert read.testzip() is None
    assert [info.file_size for info in read.infolist()] == list(range(2000))
    assert read.read("ü1999.txt") == b"x" * 1999


def test_usage_adds_complete_days_and_recent_predictions(shades, flowers, signed_in, user, other, settings):
    settings.DAILY_QUOTA = 200
    make_prediction(other)
    day = round_down_to_day(timezone.now()) - 2 * DAY
    row = make_prediction(user)
    fields = ["input_id", "model_version_id", "user_id", "status", "source", "output", "label"]
    values = {name: getattr(row, name) for name in fields}
    for moment in (day, day + timedelta(hours=1), day - 40 * DAY):
        Prediction.objects.create(id=get_first_id(moment), created_at=moment, completed_at=moment, **values)
    predict(user=user, source="api", features={"petals": 5, "length": 4, "colour": "white"}, model="flowers")
    count_predictions(user=user, count=5)
    expected = {"shades": 3, "flowers": 1}
    for is_summarized in (False, True):
        if is_summarized:
            SummaryProgress.objects.create(name=PREDICTIONS, until=day + DAY)
            PredictionCount.objects.create(user=user, model_version=shades, day=day, count=2)
            PredictionCount.objects.create(user=other, model_version=shades, day=day, count=7)
        usage = measure_own_usage(user)
        assert (usage.today, usage.is_capped) == (2, False)
        assert {model.name: line.total for model, line in usage.models} == expected
        assert usage.models[0][1].counts[-3] == 2 and usage.models[0][1].counts[-1] == 1
    assert (usage.quota.limit, usage.quota.left) == (200, 193)
    page = signed_in.get(reverse("accounts:profile"))
    assert "200 predictions, 193 left until midnight UTC" in get_text(page)
    assert reverse("predictions:own-data") in page.content.decode()
    settings.DAILY_QUOTA = 0
    assert "No limit" in get_text(signed_in.get(reverse("accounts:profile")))


def test_usage_counts_a_limited_number_of_rows(shades, user, monkeypatch, django_assert_max_num_queries):
    for _ in range(3):
        make_prediction(user)
    monkeypatch.setattr("predictions.own_usage.MAX_COUNTED", 2)
    with django_assert_max_num_queries(5):
        usage = measure_own_usage(user)
    assert (usage.today, usage.is_capped, usage.models[0][1].total) == (2, True, 2)
