"""Generated predictions and inputs obey the rules of real ones, and are marked as generated."""

import hashlib
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from accounts.models import User
from demo.services.seed.timestamps import HOUR_MILLISECONDS, draw_timestamps, get_current_timestamp, to_timestamp
from demo.tests.factories import SEED_OPTIONS, generate_predictions
from inference.preprocessing import read_features, to_canonical_json
from monitoring.models import RolledPeriod
from predictions.models import Input, Prediction, Review
from predictions.presentation import format_true_output
from predictions.services.stored_files import read_stored_file
from predictions.services.sweep import sweep_media
from predictions.tests.factories import list_stored_files
from registry.serving import get_spec

pytestmark = pytest.mark.django_db


def test_generated_predictions_are_valid_and_marked(version):
    progress = []
    for prediction in generate_predictions(version, report=progress.append):
        prediction.clean_fields(exclude=["user", "input", "model_version"])
        prediction.input.clean_fields(exclude=["user"])
        assert prediction.model_version == version
        assert prediction.client_reference == "seed"
        assert prediction.user_id == prediction.input.user_id
        assert (prediction.status == "failed") == bool(prediction.error_code) == (prediction.output is None)
        assert all(value > 0 for value in (prediction.queue_ms, prediction.preprocess_ms, prediction.inference_ms))
    assert progress == [SEED_OPTIONS["count"]]
    rows = Prediction.objects.all()
    assert set(rows.values_list("source", flat=True)) == {"web", "api", "batch"}
    assert set(rows.values_list("user__username", flat=True)) == {f"(seed-{number})" for number in range(1, 6)}


def test_generated_users_cannot_sign_in(version):
    generate_predictions(version)
    users = list(User.objects.filter(username__startswith="(seed-"))
    assert len(users) == 5 + 2
    assert not any(user.is_active or user.has_usable_password() or user.is_staff for user in users)


def test_ids_match_creation_times(version):
    predictions = generate_predictions(version)
    now = timezone.now()
    for model in (Input, Prediction, Review):
        assert all(row.id.int >> 80 == to_timestamp(row.created_at) for row in model.objects.all())
    for rows in (predictions, [row.input for row in predictions]):
        assert all(earlier.created_at < later.created_at for earlier, later in pairwise(rows))
        assert all(earlier.id < later.id for earlier, later in pairwise(rows))
    assert all(row.input.created_at < row.created_at <= row.started_at < row.completed_at < now for row in predictions)
    days = (predictions[-1].created_at - predictions[0].created_at).total_seconds() / 86400
    assert SEED_OPTIONS["days"] - 1 < days < SEED_OPTIONS["days"]
    reviews = Review.objects.select_related("prediction")
    assert len(reviews) > 100
    assert all(review.prediction.completed_at < review.created_at < now for review in reviews)


def test_timestamps_are_unique_and_more_frequent_during_the_day():
    timestamps = draw_timestamps(count=200_000, days=1, rng=np.random.default_rng(0))
    assert (np.diff(timestamps) > 0).all()
    assert get_current_timestamp() - 25 * HOUR_MILLISECONDS < timestamps[0] < timestamps[-1] < get_current_timestamp()
    hours = np.bincount(timestamps // HOUR_MILLISECONDS % 24, minlength=24)
    assert hours[12:16].sum() > 5 * hours[0:4].sum() > 0


def test_a_few_images_are_stored_and_shared(shades, settings):
    predictions = generate_predictions(shades)
    files = list_stored_files(settings)
    assert len(files) == SEED_OPTIONS["files"] == len({row.input.sha256 for row in predictions})
    inputs = {row.input.image.name: row.input for row in predictions}
    assert inputs.keys() == {str(path.relative_to(settings.MEDIA_ROOT)) for path in files}
    for row in inputs.values():
        data = read_stored_file(row)
        image = Image.open(BytesIO(data))
        assert (image.size, image.mode, len(data)) == ((row.width, row.height), "L", row.size)
        assert (row.width, row.height, row.content_type) == (8, 8, "image/png")
    assert sweep_media(older_than=0) == []


def test_features_match_the_signature_and_the_first_number_drifts(flowers):
    inputs = [row.input for row in generate_predictions(flowers)]
    table = get_spec(flowers).signature.input
    for row in inputs:
        assert read_features(row.features, table) == row.features
        data = to_canonical_json(row.features)
        assert (row.sha256, row.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert len({row.sha256 for row in inputs}) > 0.99 * len(inputs)
    assert {row.features["colour"] for row in inputs} == {"white", "red", "blue"}
    lengths = [row.features["length"] for row in inputs]
    assert np.mean(lengths[-100:]) > np.mean(lengths[:100]) + 0.3
    petals = [row.features["petals"] for row in inputs]
    assert abs(np.mean(petals[-100:]) - np.mean(petals[:100])) < 0.5


def test_completed_hours_are_rolled_up(shades):
    generate_predictions(shades)
    assert RolledPeriod.objects.filter(hours=1).count() > 24


def test_the_same_seed_gives_the_same_rows(version):
    def generate(seed):
        predictions = generate_predictions(version, seed=seed)
        features = [(row.input.features, row.input.sha256) for row in predictions]
        outputs = [(row.output, row.error_code, row.source, row.user_id, row.inference_ms) for row in predictions]
        # A set, because two reviews of the same millisecond can have ids in either order.
        indexes = {row.id: index for index, row in enumerate(predictions)}
        reviews = {
            (indexes[review.prediction_id], review.reviewer_id, review.verdict, format_true_output(review))
            for review in Review.objects.all()
        }
        for model in (Review, Prediction, Input):
            model.objects.all().delete()
        return features, outputs, reviews

    first, second, third = generate(1), generate(1), generate(2)
    assert first == second
    assert all(rows != other_rows for rows, other_rows in zip(first, third, strict=True))
