"""Builders and assertions shared by tests."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from django.utils import timezone

from monitoring.models import CountedUser
from monitoring.rollup_reader import read_tallies
from monitoring.tally import sum_tallies
from monitoring.user_counts import sum_user_counts
from monitoring.windows import get_window
from predictions.models import Input, Prediction

LABELS = ["black", "grey", "white"]


def make_predictions(version, users, times, seed=5):
    """Store predictions at the given times with random outcomes, timings and users. Some have failed or lack a timing."""
    rng = np.random.default_rng(seed)
    inputs = [
        Input(
            user=None,
            kind="tabular",
            features={"n": n},
            sha256=f"{n:064x}",
            size=int(rng.integers(1, 9999)),
            created_at=time,
        )
        for n, time in enumerate(times)
    ]
    Input.objects.bulk_create(inputs)
    rows = []
    for row, time in zip(inputs, times, strict=True):
        columns = {"status": "succeeded", "output": {}, "label": str(rng.choice(LABELS)), "confidence": rng.random()}
        if rng.random() < 0.2:
            columns = {"status": "failed", "error_code": str(rng.choice(["model-failed", "inference-timeout"]))}
        timings = np.round(rng.lognormal(1, 1, 3), 3).tolist()
        if rng.random() < 0.1:
            timings[2] = None
        columns |= dict(zip(("preprocess_ms", "queue_ms", "inference_ms"), timings, strict=True))
        user = users[rng.integers(0, len(users))]
        rows.append(
            Prediction(
                input=row, model_version=version, user=user, source="api", created_at=time, completed_at=time, **columns
            )
        )
    return Prediction.objects.bulk_create(rows)


def make_outcomes(version, user, time, *, succeeded=0, failed=0):
    """Store predictions of one time with given numbers of outcomes. The confidence is always 0.5."""
    row = Input.objects.create(user=user, kind="tabular", features={}, sha256="0" * 64, size=1)
    common = {
        "input": row,
        "model_version": version,
        "user": user,
        "source": "api",
        "created_at": time,
        "completed_at": time,
    }
    rows = [Prediction(status="succeeded", output={}, label="white", confidence=0.5, **common) for _ in range(succeeded)]
    rows += [Prediction(status="failed", error_code="model-failed", **common) for _ in range(failed)]
    return Prediction.objects.bulk_create(rows)


def read_frame(versions=None):
    """Return the predictions as a pandas DataFrame."""
    fields = ("created_at", "model_version", "status", "error_code", "label", "user", "confidence", "input__size")
    rows = Prediction.objects.values(*fields, "preprocess_ms", "queue_ms", "inference_ms")
    frame = pd.DataFrame(rows)
    frame["latency"] = frame[["preprocess_ms", "queue_ms", "inference_ms"]].astype(float).sum(axis=1, skipna=False)
    return frame if versions is None else frame[frame["model_version"].isin(versions)]


def filter_window(frame, window):
    return frame[(frame["created_at"] >= window.start) & (frame["created_at"] < window.end)]


def count_values(values):
    """Count values by their text, without missing values."""
    return Counter(str(value) if value else "" for value in values if value is not None and value == value)


def count_by_user(tally):
    """Count the predictions of a tally by the ID of the user; an empty ID if there is no user, or no longer."""
    ids = {number: str(pk) for number, pk in CountedUser.objects.exclude(user=None).values_list("number", "user")}
    counts = Counter(tally.counts["user"])
    for number, total in zip(*sum_user_counts(tally.users).tolist(), strict=True):
        counts[ids.get(number, "")] += total
    return counts


def assert_tally(tally, frame):
    """Assert that a tally equals what pandas counts in a frame."""
    assert tally.predictions == len(frame)
    assert tally.counts["status"] == count_values(frame["status"])
    assert tally.counts["error"] == count_values(frame.loc[frame["error_code"] != "", "error_code"])
    assert tally.counts["label"] == count_values(frame.loc[frame["label"] != "", "label"])
    assert count_by_user(tally) == Counter("" if pd.isna(user) else str(user) for user in frame["user"])
    assert tally.confidences == frame["confidence"].count()
    assert tally.confidence_sum == pytest.approx(frame["confidence"].astype(float).sum())
    assert tally.input_bytes == frame["input__size"].sum()
    if frame["latency"].count():
        quantiles = tally.compute_latency_quantiles(0.5, 0.95, 0.99)
        assert quantiles == pytest.approx(frame["latency"].quantile([0.5, 0.95, 0.99]).tolist(), rel=1e-12)
    else:
        assert tally.compute_latency_quantiles(0.5) == [None]


def assert_window(name, now, versions=None):
    """Assert that all buckets of a window and of the previous window equal what pandas counts."""
    window, frame = get_window(name, now=now), read_frame(versions)
    tallies = read_tallies(window, versions=versions)
    assert len(window.buckets) == window.count
    for part in (window.previous, window):
        part_frame = filter_window(frame, part)
        assert_tally(sum_tallies(tally for (start, _), tally in tallies.items() if part.contains(start)), part_frame)
        for bucket in part.buckets:
            created_at = part_frame["created_at"]
            bucket_frame = part_frame[(created_at >= bucket) & (created_at < bucket + part.step)]
            assert_tally(sum_tallies(tally for (start, _), tally in tallies.items() if start == bucket), bucket_frame)


def make_drift_predictions(version, columns, ages):
    """Store successful predictions of some days ago.

    Args:
        columns: a dictionary of columns per prediction; `features` goes to the input.
        ages: days.
    """
    now = timezone.now()
    inputs = [
        Input(kind="tabular", features=values.get("features", {}), sha256=f"{n:064x}", size=1)
        for n, values in enumerate(columns)
    ]
    Input.objects.bulk_create(inputs)
    rows = [
        Prediction(
            input=row,
            model_version=version,
            source="api",
            created_at=now - timedelta(days=age),
            completed_at=now,
            **{"status": "succeeded", "output": {}} | {name: value for name, value in values.items() if name != "features"},
        )
        for row, values, age in zip(inputs, columns, ages, strict=True)
    ]
    return Prediction.objects.bulk_create(rows)
