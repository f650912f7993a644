"""Drift of text inputs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.drift.report import build_drift_report
from monitoring.drift.samples import draw_sample, list_columns
from monitoring.windows import get_window
from predictions.models import Input, Prediction

pytestmark = pytest.mark.django_db


def store_texts(version, time, lengths):
    for length in lengths:
        text = "ö" * length
        row = Input.objects.create(
            kind="text", features={"text": text}, sha256="0" * 64, size=len(text.encode()), created_at=time
        )
        Prediction.objects.create(
            input=row,
            model_version=version,
            source="api",
            status="succeeded",
            output={"value": 1.0},
            value=1.0,
            created_at=time,
            completed_at=time,
        )


def test_texts_are_compared_by_their_size(reviews):
    now = timezone.now()
    store_texts(reviews, now - timedelta(days=10), range(1, 41))
    store_texts(reviews, now - timedelta(days=2), range(21, 61))
    report = build_drift_report(reviews, get_window("7d", now=now))
    assert [column.name for column in report.drifted] == ["text size"]
    assert report.drifted[0].sentence == "text size: higher than in the previous 7 days (81 bytes, previously 41 bytes)."


def test_samples_of_texts_do_not_read_the_texts(reviews):
    now = timezone.now()
    store_texts(reviews, now, [5])
    sample = draw_sample(reviews, now - timedelta(days=1), now + timedelta(days=1))
    assert sample.sources == {"value": [1.0], "size": [10]}


def test_images_with_features_are_compared_by_their_features(parcels):
    assert [column.name for column in list_columns(parcels)] == ["value", "weight", "express"]
